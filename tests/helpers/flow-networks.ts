import type { Duplex } from 'node:stream'
import { type PeerId, parsePeerId } from '../../node-core/domain/ids.ts'
import { createFlows } from '../../node-core/mesh/flows/flows.ts'
import { FaultError } from '../../node-core/platform/error.ts'
import { createFlowPair } from '../../node-core/services/flow-pair.ts'
import type { FlowTransport } from '../../node-core/services/ports.ts'
import { eventually } from './eventually.ts'
import { dialAddresses, startTestHost, type TestHost } from './mesh-hosts.ts'

/** Several members that can open flows to each other. */
export interface FlowNetwork {
  /** A new member, connected to all that are there. */
  join(): Promise<{ readonly peer: PeerId; readonly transport: FlowTransport }>
  /** The transport of a member that has joined. */
  transportOf(peer: PeerId): FlowTransport
  isConnected(from: PeerId, to: PeerId): boolean
  /** Breaks the connection between two members with every flow on it. */
  sever(left: PeerId, right: PeerId): void
  stop(): Promise<void>
}

/** Flows inside this process. */
export function createMemoryNetwork(): FlowNetwork {
  const transports = new Map<PeerId, FlowTransport>()
  const handlers = new Map<PeerId, (flow: Duplex, peer: PeerId) => void>()
  const flows: { readonly ends: readonly [PeerId, PeerId]; readonly flow: Duplex }[] = []
  const severed = new Set<string>()
  const edge = (left: PeerId, right: PeerId): string => [left, right].sort().join(' ')
  let members = 0
  return {
    async join() {
      const peer = fakePeerId(members++)
      const transport: FlowTransport = {
        async open(to, signal) {
          signal.throwIfAborted()
          const handler = handlers.get(to)
          if (to === peer || handler === undefined || severed.has(edge(peer, to))) {
            throw new FaultError({ code: 'PEER_NOT_CONNECTED' }, `there is no connection to ${to}`)
          }
          const [near, far] = createFlowPair()
          flows.push({ ends: [peer, to], flow: near })
          queueMicrotask(() => handler(far, peer))
          return near
        },
        async handle(handler) {
          handlers.set(peer, handler)
        },
      }
      transports.set(peer, transport)
      return { peer, transport }
    },
    transportOf: (peer) => required(transports.get(peer), peer),
    isConnected: (from, to) => handlers.has(to) && !severed.has(edge(from, to)),
    sever(left, right) {
      severed.add(edge(left, right))
      for (const { ends, flow } of flows) {
        if (edge(...ends) === edge(left, right)) flow.destroy(new Error('the connection is gone'))
      }
    },
    async stop() {
      for (const { flow } of flows) flow.destroy()
    },
  }
}

/** Flows over real libp2p hosts on loopback. */
function createLibp2pNetwork(): FlowNetwork {
  const members: { readonly test: TestHost; readonly flows: ReturnType<typeof createFlows> }[] = []
  const memberOf = (peer: PeerId) => members.find(({ test }) => test.host.peerId === peer)
  const hostOf = (peer: PeerId) => memberOf(peer)?.test.host
  return {
    async join() {
      const test = await startTestHost()
      const { host } = test
      for (const other of members) {
        await host.dial(dialAddresses(other.test.host), AbortSignal.timeout(10_000))
        await eventually('the other end knows', () => other.test.host.peers().includes(host.peerId))
      }
      const flows = createFlows({ streams: host })
      members.push({ test, flows })
      return { peer: host.peerId, transport: flows }
    },
    transportOf: (peer) => required(memberOf(peer)?.flows, peer),
    isConnected: (from, to) => hostOf(from)?.peers().includes(to) ?? false,
    sever: (left, right) => hostOf(left)?.drop(right, 'the test cut it'),
    async stop() {
      await Promise.all(members.map(({ flows }) => flows.stop()))
      await Promise.all(members.map(({ test }) => test.host.stop()))
    },
  }
}

function required<T>(value: T | undefined, peer: PeerId): T {
  if (value === undefined) throw new Error(`${peer} has not joined`)
  return value
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** A PeerId of the right form that belongs to no key. */
export function fakePeerId(index: number): PeerId {
  const peer = parsePeerId(`12D3KooW${(BASE58[index + 1] ?? 'z').repeat(44)}`)
  if (peer === undefined) throw new Error(`no fake PeerId ${index}`)
  return peer
}

/** The flow transports that the services are tested on. */
export const FLOW_NETWORKS: readonly (readonly [name: string, create: () => FlowNetwork])[] = [
  ['flows in one process', createMemoryNetwork],
  ['flows over libp2p', createLibp2pNetwork],
]
