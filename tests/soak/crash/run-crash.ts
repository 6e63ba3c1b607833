import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { seriesKey } from '../../../node-core/domain/series.ts'
import { openKnowledge } from '../../../node-core/knowledge/knowledge.ts'
import { createSeriesDriver } from '../../../node-core/knowledge/series/series-driver.ts'
import { systemClock } from '../../../node-core/platform/clock.ts'
import { silentLogger } from '../../../node-core/platform/logger.ts'
import { incidentId, planId } from '../../helpers/healing-documents.ts'
import { engineOptions, INFO } from './scene.ts'

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url))
const MAX_LIFE_MS = 120

interface Said {
  /** The last number whose records were said to be written; 0 for none. */
  readonly records: number
  readonly samples: number
}

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Lets a writer live for some time after its first word; the last one that it said. */
async function writeAndKill(folder: string, from: Said, lifeMs: number): Promise<Said> {
  const words = [WRITER, folder, String(from.records + 1), String(from.samples)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = from
  const killer = new AbortController()
  for await (const line of createInterface({ input: child.stdout })) {
    const [records = 0, samples = 0] = line.split(' ').map(Number)
    if (said === from)
      delay(lifeMs, undefined, { signal: killer.signal }).then(
        () => child.kill('SIGKILL'),
        () => {},
      )
    said = { records, samples }
  }
  killer.abort()
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  if (child.signalCode !== 'SIGKILL') throw new Error(`the writer ended by itself: ${child.exitCode}`)
  return said
}

/** What is there; throws when something that was said is not, or is there twice. */
async function inspect(folder: string, said: Said, since: Said): Promise<Said> {
  const knowledge = openKnowledge({ logger: silentLogger }, { path: join(folder, 'knowledge.db') })
  const require = (ok: boolean, what: string): void => {
    if (!ok) throw new Error(`lost: ${what}`)
  }
  const revoked = knowledge.revocations.all().map(({ seq }) => seq)
  require(revoked.every((seq, n) => seq === n + 1), 'a revocation in the middle')
  require(revoked.length >= said.records, `revocations after ${revoked.length}, ${said.records} were said`)
  for (let n = since.records + 1; n <= said.records; n += 1) {
    require(knowledge.incidents.get(incidentId(n)) !== undefined, `incident ${n}`)
    require(knowledge.plans.get(planId(n)) !== undefined, `plan ${n}`)
    require(knowledge.journal.last(`step-${n}`)?.phase === 'intent', `step ${n}`)
  }
  knowledge.close()
  const series = createSeriesDriver({ clock: systemClock }, engineOptions(folder))
  const range = { from: since.samples, until: said.samples + 1_000, maxPoints: 1e9 }
  const raw = await series.query(seriesKey(INFO), { ...range, resolution: 'raw' })
  const ats = (raw?.points ?? []).map(({ at }) => at)
  require(ats.every((at, n) => at === since.samples + n), 'a sample in the middle, or one is there twice')
  require(ats.length >= said.samples - since.samples, 'samples at the end')
  const hours = await series.query(seriesKey(INFO), {
    from: 0,
    until: 1e12,
    maxPoints: 1e9,
    resolution: '1h',
  })
  const counted = (hours?.points ?? []).reduce((sum, { count }) => sum + count, 0)
  require(counted === since.samples + ats.length, `rollups count ${counted} samples`)
  await series.close()
  // A revocation is the last record of a step: a step that was cut off before it is done again.
  return { records: revoked.length, samples: since.samples + ats.length }
}

/**
 * Kills a process that writes to the stores of one home, `runs` times, each time at a moment that chance chooses, and looks
 * whether all that it had said is there, once. What was found at the end; throws at the first loss.
 */
export async function runCrash(runs: number, seed: number, tell: (text: string) => void): Promise<Said> {
  const unit = seeded(seed)
  const folder = mkdtempSync(join(tmpdir(), 'x0t-crash-'))
  try {
    let state: Said = { records: 0, samples: 0 }
    for (let run = 1; run <= runs; run += 1) {
      const said = await writeAndKill(folder, state, unit() * MAX_LIFE_MS)
      state = await inspect(folder, said, state)
      if (run % 50 === 0) tell(`${run} of ${runs}: ${state.records} records, ${state.samples} samples`)
    }
    return state
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
