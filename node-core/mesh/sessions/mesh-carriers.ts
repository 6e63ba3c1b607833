import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { SendLine } from '../host/send-line.ts'
import type { RoutedConnection } from '../multihop/routed-connection.ts'
import type { RoutedConnections } from '../multihop/routed-connections.ts'
import { createDirectCarriers, type DirectCarrierDeps } from './direct-carriers.ts'
import type { CarrierDialer, Path } from './ports.ts'

export interface MeshCarrierDeps extends DirectCarrierDeps {
  readonly routed: Pick<RoutedConnections, 'open' | 'handle' | 'unhandle'>
  readonly clock: Clock
}

/** A routed connection without a stream is kept for this long: the next session over the path finds it. */
const KEEP_IDLE_MS = 30_000

interface Pooled {
  readonly connection: Promise<RoutedConnection>
  streams: number
  cancelClose: (() => void) | undefined
}

/**
 * Carriers over direct links and over routes: a path of one peer is its link, a longer one is a connection encrypted up
 * to the far end, which all sessions over the same path share.
 */
export function createMeshCarriers(deps: MeshCarrierDeps): CarrierDialer {
  const direct = createDirectCarriers(deps).carriers
  const pool = new Map<string, Pooled>()
  const lines = new WeakMap<Stream, SendLine>()

  const drop = (key: string, pooled: Pooled): void => {
    pooled.cancelClose?.()
    if (pool.get(key) === pooled) pool.delete(key)
  }

  const connect = (path: Path, signal: AbortSignal): Pooled => {
    const key = path.join('>')
    const held = pool.get(key)
    if (held !== undefined) return held
    const pooled: Pooled = { connection: deps.routed.open(path, signal), streams: 0, cancelClose: undefined }
    pool.set(key, pooled)
    pooled.connection.then(
      (connection) => connection.onClosed(() => drop(key, pooled)),
      () => drop(key, pooled),
    )
    return pooled
  }

  const release = (path: Path, pooled: Pooled): void => {
    pooled.streams--
    const key = path.join('>')
    // One that could not be opened, or has closed, is out of the pool already: nothing is left to close.
    if (pooled.streams > 0 || pool.get(key) !== pooled) return
    pooled.cancelClose = deps.clock.after(KEEP_IDLE_MS, () => {
      drop(key, pooled)
      pooled.connection.then((connection) => connection.close('no session uses it any more'), nothing)
    })
  }

  const openRouted = async (path: Path, protocol: string, signal: AbortSignal): Promise<Stream> => {
    const pooled = connect(path, signal)
    pooled.streams++
    pooled.cancelClose?.()
    pooled.cancelClose = undefined
    try {
      const connection = await pooled.connection
      const stream = await connection.newStream(protocol, signal)
      lines.set(stream, connection.line)
      stream.addEventListener('close', () => release(path, pooled), { once: true })
      return stream
    } catch (error) {
      release(path, pooled)
      throw error
    }
  }

  return {
    open: (path, protocol, signal) =>
      path.length > 1 ? openRouted(path, protocol, signal) : direct.open(path, protocol, signal),
    async handle(protocol, handler, options = {}) {
      await direct.handle(protocol, handler, options)
      await deps.routed.handle(
        protocol,
        (stream, { peer, path, line }) => {
          lines.set(stream, line)
          handler(stream, peer, { path: pathBack(path, peer) })
        },
        options.maxStreams,
      )
    },
    async unhandle(protocol) {
      await direct.unhandle(protocol)
      await deps.routed.unhandle(protocol)
    },
    lineOf: (stream) => lines.get(stream) ?? direct.lineOf(stream),
  }
}

const nothing = (): void => {}

/** What the route says of itself may name anything but its end, which the handshake proves. */
const pathBack = (path: Path, peer: PeerId): Path => [...path.slice(0, -1), peer]
