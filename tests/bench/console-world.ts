/** A node that tells a page so many things a second, behind the real web server and its sockets. */
import { resolve } from 'node:path'
import type { NodeEvent, TopicItem } from '../../node-core/contract/events-schemas.ts'
import { nodeNameSchema } from '../../node-core/contract/schemas.ts'
import { createRouter } from '../../node-core/control/router.ts'
import { createSessions } from '../../node-core/control/web/sessions.ts'
import { startWebServer } from '../../node-core/control/web/web-server.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { createFakeNode } from '../helpers/fake-node-api.ts'
import { peer } from '../helpers/incidents.ts'

const DAY_MS = 86_400_000
const NEIGHBOURS = 50
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789'

type Link = TopicItem<'links'>

/** @param eventsPerSecond 0 for a node that tells its state once and is quiet */
export async function startConsoleWorld(eventsPerSecond: number) {
  const fake = createFakeNode()
  let sent = 0
  const api: typeof fake.api = {
    ...fake.api,
    events: {
      async *subscribe(_input, { signal }) {
        yield {
          topic: 'node',
          ...snapshot(),
          set: [{ ...fake.state.node, startedAt: Date.now(), health: [] }],
        }
        yield { topic: 'links', ...snapshot(), set: peers.map((_peer, index) => linkOf(index, 0)) }
        const began = performance.now()
        for (let told = 0; eventsPerSecond > 0 && !signal.aborted; ) {
          const due = Math.floor(((performance.now() - began) / 1_000) * eventsPerSecond)
          for (; told < due; told += 1) {
            sent += 1
            yield changeOf(told)
          }
          await new Promise((wake) => setTimeout(wake, 5))
        }
        await new Promise<void>((done) => {
          if (signal.aborted) done()
          else signal.addEventListener('abort', () => done(), { once: true })
        })
      },
    },
  }
  const sessions = createSessions(
    { clock: systemClock, random: systemRandom },
    { idleMs: DAY_MS, lifetimeMs: DAY_MS },
  )
  const router = createRouter({ api, clock: systemClock, logger: silentLogger })
  const server = await startWebServer(
    { clock: systemClock, logger: silentLogger, sessions, router: () => router },
    {
      ...{ host: '127.0.0.1', port: 0, tls: undefined, hosts: [], idleMs: DAY_MS },
      page: resolve(import.meta.dirname, '../../dist/renderer'),
    },
  )
  return {
    link: () => `${server.origin}/#sign-in=${sessions.createSecret('owner').secret}`,
    sent: () => sent,
    async close() {
      sessions.endAll()
      await server.stop()
    },
  }
}

const peers = Array.from({ length: NEIGHBOURS }, (_, index) => peer(LETTERS[index] ?? 'A'))

const snapshot = () => ({
  ...{ kind: 'snapshot' as const, seq: 0, from: null, at: Date.now(), removed: [] as string[] },
})

/** A neighbour whose round trip and loss are others each time. */
function linkOf(index: number, turn: number): Link {
  return {
    ...{
      peer: peers[index] ?? peer('A'),
      name: nodeNameSchema.parse(`node-${index}`),
      state: turn % 37 === 0 ? 'degraded' : 'up',
    },
    ...{ rttMs: 1 + ((index * 7 + turn) % 40), lossEstimate: (turn % 5) / 100, jitterMs: 0.4 },
    ...{ suite: '/x0t/noise-hfs/1/aesgcm', direction: 'outbound', sinceAt: 1_700_000_000_000 },
    ...{ address: '/ip4/127.0.0.1/tcp/4100', clockOffsetMs: 0 },
  }
}

function changeOf(told: number): NodeEvent {
  return {
    ...{ topic: 'links', kind: 'change', seq: told + 1, from: told, at: Date.now(), removed: [] },
    set: [linkOf(told % NEIGHBOURS, told)],
  }
}
