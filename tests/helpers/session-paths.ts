import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../node-core/domain/ids.ts'
import type { Host } from '../../node-core/mesh/host/host.ts'
import type { SendLine } from '../../node-core/mesh/host/send-line.ts'
import type { CarrierDialer, Path, SessionPaths } from '../../node-core/mesh/sessions/ports.ts'
import {
  createSessions,
  type Sessions,
  type SessionsOptions,
} from '../../node-core/mesh/sessions/sessions.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { eventually } from './eventually.ts'
import { fakePeerId } from './flow-networks.ts'
import { startTestHost } from './mesh-hosts.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** One of several ways between two members: a pair of real hosts with a proxy between them. */
export interface TestWay {
  readonly proxy: TcpProxy
  /** As seen from the near end. */
  readonly path: Path
  /** Whether routing offers it; by default it does. */
  offer(isOffered: boolean): void
  /** Connects the hosts again after a cut. */
  reconnect(): Promise<void>
  readonly isConnected: boolean
}

interface Way extends TestWay {
  readonly near: Host
  readonly far: Host
  readonly back: Path
  readonly isOffered: () => boolean
}

/** Two members with several disjoint ways between them. */
export interface SessionWays {
  readonly near: Sessions
  readonly far: Sessions
  readonly nearPeer: PeerId
  readonly farPeer: PeerId
  readonly ways: readonly TestWay[]
  /** Streams of the session protocol, opened by hand from the near end. */
  openRaw(way: number): Promise<Stream>
  /** What the far end's gate says of the near one. */
  admit(isAdmitted: boolean): void
  stop(): Promise<void>
}

export async function startSessionWays(
  count: number,
  options: SessionsOptions & { readonly far?: SessionsOptions } = {},
): Promise<SessionWays> {
  const [nearPeer, farPeer] = [fakePeerId(0), fakePeerId(1)]
  const changed = new Set<() => void>()
  const ways: Way[] = []
  for (let index = 0; index < count; index++) {
    ways.push(
      await startWay(index, nearPeer, farPeer, () => {
        for (const callback of changed) callback()
      }),
    )
  }
  let isAdmitted = true
  const common = { clock: systemClock, random: systemRandom, logger: silentLogger }
  const near = createSessions(
    { ...common, ...createEnd(ways, 'near', farPeer, changed), gate: { admits: () => true } },
    options,
  )
  const far = createSessions(
    { ...common, ...createEnd(ways, 'far', nearPeer, changed), gate: { admits: () => isAdmitted } },
    options.far ?? options,
  )
  await Promise.all([near.start(), far.start()])
  return {
    ...{ near, far, nearPeer, farPeer, ways },
    openRaw(index) {
      const way = ways[index]
      if (way === undefined) throw new Error(`there is no way ${index}`)
      return way.near.open(way.far.peerId, '/x0t/session/1', AbortSignal.timeout(5_000))
    },
    admit(isMember) {
      isAdmitted = isMember
    },
    async stop() {
      await Promise.all([near.stop(), far.stop()])
      await Promise.all(
        ways.flatMap(({ near: one, far: other, proxy }) => [proxy.stop(), one.stop(), other.stop()]),
      )
    },
  }
}

async function startWay(index: number, nearPeer: PeerId, farPeer: PeerId, tell: () => void): Promise<Way> {
  const [{ host: near }, { host: far }] = await Promise.all([startTestHost(), startTestHost()])
  const port = Number(/\/tcp\/(\d+)/.exec(far.listenAddresses()[0] ?? '')?.[1])
  const proxy = await startTcpProxy(port)
  let isOffered = true
  const reconnect = async (): Promise<void> => {
    await near.dial([`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${far.peerId}`], AbortSignal.timeout(10_000))
    await eventually('the other end knows', () => far.peers().includes(near.peerId))
  }
  await reconnect()
  for (const host of [near, far]) {
    host.onConnect(tell)
    host.onDisconnect(tell)
  }
  const via = index === 0 ? [] : [fakePeerId(10 + index)]
  return {
    ...{ near, far, proxy, reconnect },
    path: [...via, farPeer],
    back: [...via, nearPeer],
    isOffered: () => isOffered,
    offer(isNow) {
      isOffered = isNow
      tell()
    },
    get isConnected() {
      return near.peers().includes(far.peerId)
    },
  }
}

function createEnd(
  ways: readonly Way[],
  end: 'near' | 'far',
  other: PeerId,
  changed: Set<() => void>,
): { paths: SessionPaths; carriers: CarrierDialer } {
  const pathOf = (way: Way): Path => (end === 'near' ? way.path : way.back)
  const hostOf = (way: Way): Host => way[end]
  const otherOf = (way: Way): Host => (end === 'near' ? way.far : way.near)
  const lines = new WeakMap<Stream, SendLine | undefined>()
  return {
    paths: {
      pathsTo: (peer) =>
        peer === other ? ways.filter((way) => way.isConnected && way.isOffered()).map(pathOf) : [],
      onChange(callback) {
        changed.add(callback)
        return () => changed.delete(callback)
      },
    },
    carriers: {
      async open(path, protocol, signal) {
        const way = ways.find((candidate) => pathOf(candidate).join() === path.join())
        if (way === undefined) throw new Error('there is no such way')
        const stream = await hostOf(way).open(otherOf(way).peerId, protocol, signal)
        lines.set(stream, hostOf(way).lineOf(stream))
        return stream
      },
      async handle(protocol, handler, options = {}) {
        for (const way of ways) {
          await hostOf(way).handle(
            protocol,
            (stream) => {
              lines.set(stream, hostOf(way).lineOf(stream))
              handler(stream, other, { path: pathOf(way) })
            },
            options,
          )
        }
      },
      async unhandle(protocol) {
        for (const way of ways) await hostOf(way).unhandle(protocol)
      },
      lineOf: (stream) => lines.get(stream),
    },
  }
}
