import type { NodeApi } from '../../node-core/control/node-api.ts'
import { FaultError } from '../../node-core/platform/error.ts'

const AT = Date.UTC(2026, 10, 3, 15, 0, 0)
const INFO = { metric: 'mesh.reachable', subject: { kind: 'mesh' }, unit: 'share', kind: 'measured' } as const
const KEY = 'mesh.reachable/mesh'

/** One series with two points, and a mesh that never changed. */
export function fakeHistory(
  called: (operation: string, input?: unknown) => void,
): Pick<NodeApi, 'series' | 'slo'> & { topology: Pick<NodeApi['topology'], 'at' | 'changes'> } {
  return {
    series: {
      async list() {
        called('series.list')
        return { items: [{ ...INFO, key: KEY, lastAt: AT }] }
      },
      async query(input) {
        called('series.query', input)
        if (input.key !== KEY)
          throw new FaultError({ code: 'UNKNOWN_SERIES' }, `there is no series ${input.key}`)
        const point = (at: number, mean: number) => ({ at, min: mean, max: 1, mean, count: 60 })
        return { series: INFO, resolution: '1m', points: [point(AT - 60_000, 1), point(AT, 0.5)] }
      },
    },
    topology: {
      async at({ at }) {
        called('topology.at', { at })
        return { at, state: null }
      },
      async changes(input) {
        called('topology.changes', input)
        return { items: [] }
      },
    },
    slo: {
      async get(input) {
        called('slo.get', input)
        return {
          ...{ from: AT - 86_400_000, until: AT },
          availability: {
            ...{ target: 0.999, value: 0.9912, samples: 7_200, coveredMs: 7_200_000, verdict: 'missed' },
            worst: [{ at: AT - 60_000, value: 0.5 }],
          },
          mttr: {
            ...{ targetMs: 30_000, medianMs: 840, p95Ms: null, repaired: 3, unresolved: 1, verdict: 'met' },
            slowest: [
              { id: 'inc-0123456789abcdef', title: 'the link to server is silent', durationMs: 1_900 },
            ],
          },
          impaired: { ms: 64_000, incidents: 4 },
        }
      },
    },
  }
}
