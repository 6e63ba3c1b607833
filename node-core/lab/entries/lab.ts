import { join } from 'node:path'
import { z } from 'zod'
import { printLine, runEntry } from '../../app/entries/entry-io.ts'
import { systemClock } from '../../platform/clock.ts'
import { hasCode } from '../../platform/error.ts'
import { systemRandom } from '../../platform/random.ts'
import { createInvariantWatch } from '../invariants/watch.ts'
import { createLab, type Lab } from '../lab.ts'
import { bundledPrograms, sourcePrograms } from '../programs.ts'
import { readTopology, serveLab, statusOf, takeDirectory } from '../supervisor.ts'

const optionsSchema = z.strictObject({
  dir: z.string().min(1),
  topology: z.string().min(1).max(4096),
  seed: z.int().min(0),
})

const LINKS_MS = 30_000

const programs = import.meta.filename.endsWith('.ts')
  ? sourcePrograms(join(import.meta.dirname, '..', '..'))
  : bundledPrograms(import.meta.dirname)

/** A lab whose links take longer is there all the same, and its status tells which. */
async function start(lab: Lab): Promise<void> {
  await lab.start()
  await printLine({ progress: 'waiting for the links' })
  try {
    await lab.linked(LINKS_MS)
  } catch (error) {
    if (!hasCode(error, 'LAB_LINKS')) throw error
    await printLine({ progress: error.message })
  }
}

await runEntry(optionsSchema, async ({ dir, topology: text, seed }) => {
  const topology = readTopology(text)
  const { server, paths } = await takeDirectory(dir)
  const lab = createLab(
    {
      clock: systemClock,
      random: systemRandom,
      programs,
      onProgress: (progress) => void printLine({ progress }),
    },
    { topology, seed, dir: paths.root },
  )
  const watch = createInvariantWatch({ clock: systemClock, random: systemRandom }, lab)
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end())
  // Until the lab is up it belongs to the command that starts it.
  process.once('disconnect', () => end())
  try {
    const started = start(lab).then(() => 'up' as const)
    if ((await Promise.race([started, ended])) === 'up') {
      process.removeAllListeners('disconnect')
      process.disconnect?.()
      await watch.start()
      serveLab(server, { lab, watch }, end)
      await printLine({ ok: true, ...(await statusOf({ lab, watch })) })
      await ended
    } else void started.catch(() => {})
  } finally {
    // No new command meets a lab that is ending.
    server.close()
    await watch.stop()
    await lab.stop()
  }
})
process.stdout.write('', () => process.exit())
