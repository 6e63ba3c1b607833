import type { AlertChannel } from '../../node-core/contract/alerts.ts'
import type { NodeApi } from '../../node-core/control/node-api.ts'
import { FaultError } from '../../node-core/platform/error.ts'

const OPS: AlertChannel = {
  ...{ name: 'ops', kind: 'webhook', enabled: true, severities: ['critical', 'warning'], events: ['opened'] },
  ...{ throttleMs: 60_000, waiting: 0, sentAt: null, lost: 0, problem: null },
}
const MAIL: AlertChannel = {
  ...OPS,
  ...{ name: 'mail', kind: 'email', waiting: 3, problem: 'the mail server was not told: it is down' },
}

/** One channel that works and one that does not. */
export function fakeAlerts(called: (operation: string, input?: unknown) => void): NodeApi['alerts'] {
  return {
    async list() {
      called('alerts.list')
      return { items: [OPS, MAIL] }
    },
    async test({ name }) {
      called('alerts.test', { name })
      const found = [OPS, MAIL].find((channel) => channel.name === name)
      if (found === undefined)
        throw new FaultError({ code: 'UNKNOWN_CHANNEL' }, `x0t.yaml has no alert channel ${name}`)
      return { name, delivered: found.problem === null, problem: found.problem, tookMs: 12 }
    },
  }
}
