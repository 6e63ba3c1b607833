/** `npm run crash -- --n 1000 --seed S`: exits 1 when a killed process lost something that it had said was written. */
import { parseArgs } from 'node:util'
import { runCrash } from './run-crash.ts'

const { values } = parseArgs({
  options: { n: { type: 'string', default: '30' }, seed: { type: 'string', default: '1' } },
})
const { records, samples } = await runCrash(Number(values.n), Number(values.seed), (text) => {
  process.stderr.write(`${text}\n`)
})
process.stdout.write(
  `${values.n} kills, seed ${values.seed}: ${records} incidents, plans, steps and revocations and ${samples} samples, nothing lost\n`,
)
