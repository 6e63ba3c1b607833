import type { NodeApi } from '../../control/node-api.ts'
import type { LinkSeen, MeshChange } from '../../domain/mesh-history.ts'
import { seriesKey } from '../../domain/series.ts'
import { computeSlo, type Slo } from '../../domain/slo.ts'
import { FaultError } from '../../platform/error.ts'
import { REACHABLE, SAMPLE_EVERY_MS } from '../history/history.ts'
import type { NodeParts } from '../node-parts.ts'

export type HistoryFault = { code: 'UNKNOWN_SERIES' }

/** More open at once would not change a verdict; the newest are taken. */
const MAX_INCIDENTS = 2_000
const MAX_POINTS = 50_000

type HistoryApi = Pick<NodeApi, 'series' | 'slo'> & { topology: Pick<NodeApi['topology'], 'at' | 'changes'> }

export function historyOperations(parts: NodeParts): HistoryApi {
  const { series } = parts
  return {
    series: {
      list: async () => ({
        items: (await series.list()).map(({ lastAt, ...item }) => ({ ...item, lastAt: lastAt ?? null })),
      }),
      async query({ key, resolution, ...range }) {
        const answer = await series.query(key, resolution === null ? range : { ...range, resolution })
        if (answer === undefined) throw unknownSeries(key)
        return { series: answer.info, resolution: answer.resolution, points: [...answer.points] }
      },
    },
    topology: {
      async at({ at }) {
        const state = await series.stateAt(at)
        return {
          at,
          state: state === undefined ? null : { nodes: [...state.nodes], links: state.links.map(linkView) },
        }
      },
      changes: async ({ from, until, limit }) => ({
        items: (await series.changes(from, until, limit)).map(changeView),
      }),
    },
    slo: { get: async ({ windowMs }) => sloView(await sloOf(parts, windowMs ?? parts.sloTargets.windowMs)) },
  }
}

function unknownSeries(key: string): FaultError<HistoryFault> {
  return new FaultError<HistoryFault>({ code: 'UNKNOWN_SERIES' }, `there is no series ${key}`, {
    hint: 'x0t series list shows them.',
  })
}

const linkView = (link: LinkSeen) => ({ ...link, costMs: link.costMs ?? null })

function changeView(change: MeshChange) {
  return change.kind === 'link' ? { ...change, link: linkView(change.link) } : change
}

async function sloOf({ series, knowledge, clock, sloTargets }: NodeParts, windowMs: number): Promise<Slo> {
  const until = clock.now()
  const from = Math.max(0, until - windowMs)
  // By the minute as long as that is kept; a longer window is answered by the hour.
  const answer = await series.query(seriesKey(REACHABLE), {
    from,
    until,
    maxPoints: MAX_POINTS,
    resolution: resolutionFor(windowMs),
  })
  const facts = {
    reachable: answer?.points ?? [],
    everyMs: SAMPLE_EVERY_MS,
    incidents: knowledge.incidents.openBetween(from, until, MAX_INCIDENTS),
  }
  return computeSlo({ ...sloTargets, windowMs: until - from }, facts, until)
}

const MINUTES_UP_TO_MS = 7 * 86_400_000
const resolutionFor = (windowMs: number): '1m' | '1h' => (windowMs <= MINUTES_UP_TO_MS ? '1m' : '1h')

function sloView({ availability, mttr, ...rest }: Slo) {
  return {
    ...rest,
    availability: { ...availability, value: availability.value ?? null, worst: [...availability.worst] },
    mttr: {
      ...mttr,
      medianMs: mttr.medianMs ?? null,
      p95Ms: mttr.p95Ms ?? null,
      slowest: [...mttr.slowest],
    },
  }
}
