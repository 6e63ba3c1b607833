import type { NodeApi } from '../../control/node-api.ts'
import type { LogLevelState } from '../logging/log-level.ts'
import { readMetrics } from '../metrics/metrics.ts'
import type { NodeParts } from '../node-parts.ts'

const levelView = ({ until, ...state }: LogLevelState) => ({ ...state, until: until ?? null })

/** What whoever runs the node looks at and turns. */
export function runOperations(parts: NodeParts): Pick<NodeApi, 'metrics' | 'log'> {
  const { logLevel } = parts
  return {
    metrics: { show: async () => ({ metrics: (await readMetrics(parts))() }) },
    log: {
      show: async () => levelView(logLevel.state()),
      set: async ({ level, forMs }) => levelView(logLevel.set(level, forMs ?? undefined)),
    },
  }
}
