import type { NodeApi } from '../../control/node-api.ts'
import type { NodeParts } from '../node-parts.ts'

export function alertOperations({ alerts }: Pick<NodeParts, 'alerts'>): NodeApi['alerts'] {
  return {
    list: async () => ({
      items: alerts.list().map(({ settings, waiting, sentAt, lost, problem }) => ({
        ...{ name: settings.name, kind: settings.kind, enabled: settings.enabled },
        ...{ severities: [...settings.severities], events: [...settings.events] },
        ...{ throttleMs: settings.throttleMs, waiting, sentAt: sentAt ?? null, lost },
        problem: problem ?? null,
      })),
    }),
    test: async ({ name }, { signal }) => {
      const { problem, ...outcome } = await alerts.test(name, signal)
      return { name, ...outcome, problem: problem ?? null }
    },
  }
}
