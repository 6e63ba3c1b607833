import { PRODUCT_VERSION } from '../../contract/version.ts'
import type { NodeApi } from '../../control/node-api.ts'
import type { Clock } from '../../platform/clock.ts'
import { consoleOperations } from '../api/console-operations.ts'
import type { WebConsole } from '../console/web-console.ts'
import { noMesh } from '../mesh-facts.ts'

export interface SetupApiDeps {
  readonly clock: Clock
  readonly webConsole: WebConsole
  readonly home: string
  readonly setup: NodeApi['setup']
  requestStop(reason: string): void
}

/** The contract of a home that belongs to no mesh yet: what leads to one, and nothing else. */
export function createSetupApi({ clock, webConsole, home, setup, requestStop }: SetupApiDeps): NodeApi {
  const startedAt = clock.now()
  const refuse = async (): Promise<never> => {
    throw noMesh(home)
  }
  return {
    certificateRole: () => 'none',
    setup,
    console: consoleOperations({ webConsole }),
    node: {
      version: async () => ({
        ...{ version: PRODUCT_VERSION, runtime: process.versions.node, pid: process.pid, startedAt },
      }),
      down: async () => {
        requestStop('asked to by x0t down')
        return { pid: process.pid }
      },
      check: async ({ check }) =>
        check === 'live'
          ? { check, ok: true, reasons: [] }
          : { check, ok: false, reasons: ['this home belongs to no mesh yet'] },
      ...{ status: refuse, ping: refuse, netcheck: refuse, leave: refuse },
    },
    policy: { show: refuse, history: refuse, review: refuse, apply: refuse, can: refuse, flags: refuse },
    audit: { list: refuse, show: refuse, verify: refuse, export: refuse },
    alerts: { list: refuse, test: refuse },
    metrics: { show: refuse },
    log: { show: refuse, set: refuse },
    heal: { status: refuse, pause: refuse, resume: refuse, why: refuse },
    plans: { list: refuse, show: refuse, approve: refuse, reject: refuse, undo: refuse },
    playbooks: {
      list: refuse,
      show: refuse,
      test: refuse,
      set: refuse,
      save: refuse,
      remove: refuse,
      forget: refuse,
    },
    topology: { show: refuse, at: refuse, changes: refuse },
    series: { list: refuse, query: refuse },
    slo: { get: refuse },
    members: { list: refuse, revoke: refuse, update: refuse, grantIssuing: refuse },
    links: { list: refuse },
    routes: { list: refuse, trace: refuse },
    invites: { create: refuse },
    joins: { list: refuse, approve: refuse, reject: refuse },
    incidents: {
      ...{ list: refuse, get: refuse, acknowledge: refuse, own: refuse },
      ...{ note: refuse, silence: refuse, resolve: refuse },
    },
    services: { list: refuse, expose: refuse, unexpose: refuse },
    forwards: { list: refuse, add: refuse, remove: refuse },
    config: {
      ...{ show: refuse, validate: refuse, preview: refuse, export: refuse, import: refuse },
      ...{ history: refuse, diff: refuse, rollback: refuse },
    },
    socks: { list: refuse, add: refuse, remove: refuse },
    events: {
      subscribe: () => {
        throw noMesh(home)
      },
    },
  }
}
