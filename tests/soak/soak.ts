/**
 * npm run soak -- --minutes M --seed S --topology ring:6
 *
 * A lab in which something goes wrong all the time, chosen by a seed: links are cut, held, slowed down and lose, nodes
 * are killed and stopped. Two clients outside of the product compare every byte that goes through it. Ends with exit
 * code 1 on the first violated invariant, and prints the seed and what happened until then.
 */
import { parseArgs } from 'node:util'
import { messageOf } from '../../node-core/platform/error.ts'
import { keepLogs, makeLab } from '../helpers/lab.ts'
import { runSoak, type SoakOutcome } from './run-soak.ts'

const DEFAULT_MINUTES = 10
const TOPOLOGIES = ['ring:6', 'grid:3x3']

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, topology: { type: 'string' } },
})
const minutes = Number(values.minutes ?? DEFAULT_MINUTES)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new RangeError('--minutes and --seed are numbers')
const topology = values.topology ?? TOPOLOGIES[seed % TOPOLOGIES.length] ?? 'ring:6'

say(`soak: ${minutes} minutes on ${topology}, seed ${seed}`)
const lab = await makeLab(topology, { seed })
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)))
}

function report({ violations, history, memory, figures }: SoakOutcome): void {
  for (const [what, value] of Object.entries(figures)) say(`${what}: ${value}`)
  for (const { node, earlyMb, endMb } of memory) {
    const ratio = (endMb / earlyMb).toFixed(2)
    say(
      `memory of ${node}: ${earlyMb.toFixed(1)} MB at minute two, ${endMb.toFixed(1)} MB at the end, ${ratio} x`,
    )
  }
  if (violations.length === 0) return
  say('\nWhat happened, in seconds since the start:')
  for (const line of history) say(line)
  say('\nViolated:')
  for (const line of violations) say(line)
}

let exitCode = 1
try {
  const outcome = await runSoak(lab, { minutes, seed, signal: stopping.signal, say })
  report(outcome)
  if (outcome.violations.length === 0) exitCode = 0
  else say(`\nLogs of the nodes: ${await keepLogs(lab)}`)
} catch (error) {
  say(stopping.signal.aborted ? 'stopped' : `the soak itself failed: ${messageOf(error)}`)
  if (stopping.signal.aborted) exitCode = 130
} finally {
  await lab.stop()
}
say(
  exitCode === 0
    ? 'passed'
    : `ended with ${exitCode}; again with: npm run soak -- --minutes ${minutes} --seed ${seed} --topology ${topology}`,
)
process.exit(exitCode)
