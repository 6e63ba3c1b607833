import { z } from 'zod'
import { systemClock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import { joinHome } from '../join-home.ts'
import { openHomeToBegin } from '../open-home.ts'
import { type EntryFault, nodeNameOption, printLine, runEntry } from './entry-io.ts'

const optionsSchema = z.strictObject({
  home: z.string().min(1),
  name: nodeNameOption,
  timeoutMs: z
    .int()
    .min(1_000)
    .max(24 * 3_600_000),
})

const deps = { clock: systemClock, random: systemRandom, logger: silentLogger }

await runEntry(optionsSchema, async ({ home: root, name, timeoutMs }, { passphrase, token }) => {
  if (token === undefined) {
    throw new FaultError<EntryFault>(
      { code: 'ENTRY_USAGE', what: 'token' },
      'no token came over standard input',
    )
  }
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => controller.abort(new Error(`the signal ${signal}`)))
  }
  const home = await openHomeToBegin(deps, root)
  try {
    const joined = await joinHome(deps, home, {
      ...{ name, token, passphrase, timeoutMs, signal: controller.signal },
      onProgress: (progress) => void printLine(progress),
    })
    await printLine({ ok: true, ...joined, name, home: home.paths.root })
  } finally {
    home.close()
  }
})
process.stdout.write('', () => process.exit())
