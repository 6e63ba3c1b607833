import type { NodeApi } from '../../node-core/control/node-api.ts'

/** Figures of one link, and a log level that can be changed. */
export function fakeRun(
  called: (operation: string, input?: unknown) => void,
): Pick<NodeApi, 'metrics' | 'log'> {
  let level: 'trace' | 'debug' | 'info' | 'warn' | 'error' = 'info'
  return {
    metrics: {
      async show() {
        called('metrics.show')
        const samples = [{ labels: { peer: 'server' }, value: 1 }]
        return { metrics: [{ name: 'x0t_link_up', help: 'Whether it is up.', type: 'gauge', samples }] }
      },
    },
    log: {
      async show() {
        called('log.show')
        return { level, configured: 'info', until: null }
      },
      async set(input) {
        called('log.set', input)
        level = input.level
        return { level, configured: 'info', until: null }
      },
    },
  }
}
