import { setTimeout as delay } from 'node:timers/promises'
import type { IncidentItem } from '../../node-core/contract/incidents-schemas.ts'
import type { NodeName } from '../../node-core/domain/ids.ts'
import { FIXTURE_ROWS } from './heal/fixture-rows.ts'
import { type HealRow, LINK_ROWS } from './heal/rows.ts'
import { openStage, type Stage } from './heal/stage.ts'

/** Rows of the list of faults that need a mesh of their own: those that the ring of `faults.ts` has not. */
const RING_ROWS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11]

/** What the injection of a row breaks besides: to name it as well is no mistake. */
const ALSO_TRUE: Readonly<Record<number, readonly string[]>> = {
  13: ['service-down'],
  14: ['node-down', 'link-down'],
  15: ['handshake-failing', 'link-down'],
  16: ['link-down', 'node-down', 'node-stopped', 'isolated'],
  20: ['link-down', 'node-down', 'uplink-down', 'mesh-partition'],
  21: ['link-down', 'node-down', 'node-stopped', 'uplink-down'],
  22: ['node-down', 'link-down', 'mesh-partition', 'uplink-down'],
  23: ['service-down'],
}

export const STAGE_ROWS = [...LINK_ROWS, ...FIXTURE_ROWS]
  .filter(({ row }) => !RING_ROWS.includes(row))
  .sort((a, b) => a.row - b.row)

const SETTLE_MS = 3_000
const POLL_MS = 200
const AFTERWARDS_MS = 2_000
const CALL_MS = 3_000

const seenSince = async ({ lab }: Stage, since: number): Promise<readonly IncidentItem[]> => {
  const at = async (node: NodeName): Promise<readonly IncidentItem[]> => {
    const call = lab.client(node, CALL_MS).incidents.list({ open: null, limit: 100 })
    const { items } = await call.catch(() => ({ items: [] }))
    return items.filter(({ openedAt }) => openedAt >= since)
  }
  return (await Promise.all(lab.topology.nodes.map(at))).flat()
}

/**
 * One fault on a mesh of its own.
 *
 * @returns found: 1 or 0; time to detect in ms or NaN; how many other faults were named, each once in the whole mesh
 */
export async function detectOnStage(
  row: HealRow,
  seed: number,
  counts: (incident: IncidentItem) => boolean,
): Promise<[number, number, number]> {
  const [scene] = row.scenes
  if (scene === undefined) throw new TypeError(`${row.name} has no scene`)
  const stage = await openStage(scene, {
    seed,
    ...(row.settings === undefined ? {} : { settings: row.settings }),
  })
  try {
    await row.prepare(stage)
    await delay(SETTLE_MS)
    const began = Date.now()
    const attend = await row.inject(stage)
    const isRight = ({ code }: IncidentItem): boolean => row.roots.includes(code)
    let seen: readonly IncidentItem[] = []
    while (!seen.some(isRight) && Date.now() - began < row.limitMs) {
      await delay(POLL_MS)
      seen = await seenSince(stage, began)
      await attend?.(seen, Date.now() - began)
    }
    await delay(AFTERWARDS_MS)
    seen = await seenSince(stage, began)
    const allowed = [...row.roots, ...(ALSO_TRUE[row.row] ?? [])]
    const wrong = seen.filter((one) => counts(one) && !allowed.includes(one.code))
    for (const { code, title } of wrong) process.stderr.write(`${row.name}: wrongly ${code}: ${title}\n`)
    const firstAt = Math.min(...seen.filter(isRight).map(({ openedAt }) => openedAt))
    const others = new Set(wrong.map(({ title }) => title)).size
    return Number.isFinite(firstAt) ? [1, firstAt - began, others] : [0, Number.NaN, others]
  } finally {
    await stage.end()
  }
}
