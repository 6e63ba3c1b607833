import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { SOCKET_CLOSE, socketHelloSchema } from '../../contract/console-schemas.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { createRpcPeer, type Frame, type RpcPeerDeps } from '../rpc-peer.ts'
import type { Session, Sessions } from './sessions.ts'

/** One frame from a browser: a call, with an import of a configuration as the largest. */
const MAX_FRAME_BYTES = 256 * 1024
/** A reader for whom this much piles up is cut. With what is being made for it, it stays below 4 MiB. */
const MAX_BUFFERED_BYTES = 3 * 1024 * 1024
/** Above this, streams wait: what changes meanwhile comes in one piece. */
const PAUSE_BUFFERED_BYTES = 128 * 1024
/** So long a reader may leave its streams waiting. */
const STALL_MS = 30_000
const DRAIN_LOOK_MS = 25
const HELLO_MS = 3_000
const PING_MS = 15_000
const CLOSE_MS = 1_000
const MAX_SOCKETS = 24
const MAX_STRANGERS = 8

export interface RpcSockets {
  /** To be called after Host and Origin have been checked. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  connectionsOf(session: string): number
  /** What waits to be read by the slowest reader. */
  unsentBytes(): number
  /** Tells every page to connect again. */
  closeAll(): void
}

export interface RpcSocketsDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly sessions: Sessions
  /** What is served now, asked for at each connection. */
  router(): RpcPeerDeps['router']
}

/** WebSockets that carry the contract once their first frame has shown the token of a session. */
export function createRpcSockets(deps: RpcSocketsDeps): RpcSockets {
  const { clock, logger, sessions } = deps
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    // Compression would hold memory for each connection and has nothing to win on a loopback.
    perMessageDeflate: false,
    clientTracking: false,
  })
  const open = new Map<WebSocket, Session | undefined>()

  const strangers = (): number => [...open.values()].filter((session) => session === undefined).length

  function accept(socket: WebSocket): void {
    open.set(socket, undefined)
    socket.on('close', () => open.delete(socket))
    socket.on('error', (error) =>
      logger.debug('a window of the console broke off', { reason: messageOf(error) }),
    )
    // Not `notSignedIn`: a page on a busy machine is late with its token, and would forget it.
    const cancel = clock.after(HELLO_MS, () => shut(socket, clock, SOCKET_CLOSE.again, 'no token came'))
    socket.once('close', cancel)
    socket.once('message', (data, isBinary) => {
      cancel()
      const token = isBinary ? undefined : tokenIn(data)
      const session = token === undefined ? undefined : sessions.find(token, true)
      if (token === undefined || session === undefined) {
        shut(socket, clock, SOCKET_CLOSE.notSignedIn, 'not signed in')
        return
      }
      open.set(socket, session)
      serve(deps, socket, session, token)
    })
  }

  return {
    upgrade(request, socket, head) {
      if (open.size >= MAX_SOCKETS || strangers() >= MAX_STRANGERS) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n')
        return
      }
      server.handleUpgrade(request, socket, head, accept)
    },
    connectionsOf: (id) => [...open.values()].filter((session) => session?.id === id).length,
    unsentBytes: () => Math.max(0, ...[...open.keys()].map((socket) => socket.bufferedAmount)),
    closeAll() {
      for (const socket of open.keys()) shut(socket, clock, SOCKET_CLOSE.again, 'connect again')
    },
  }
}

/** Says why, and does not wait long for the answer of somebody who may not read at all. */
function shut(socket: WebSocket, clock: Clock, code: number, why: string): void {
  socket.close(code, why)
  const cancel = clock.after(CLOSE_MS, () => socket.terminate())
  socket.once('close', cancel)
}

function tokenIn(data: RawData): string | undefined {
  try {
    return socketHelloSchema.safeParse(JSON.parse(String(data))).data?.token
  } catch {
    return undefined
  }
}

function serve(deps: RpcSocketsDeps, socket: WebSocket, session: Session, token: string): void {
  const { clock, logger, sessions } = deps
  const gone = new AbortController()
  const end = (code: number, why: string): void => {
    gone.abort()
    shut(socket, clock, code, why)
  }
  session.ended.addEventListener('abort', () => end(SOCKET_CLOSE.expired, 'the session has ended'), {
    once: true,
    signal: gone.signal,
  })
  const peer = createRpcPeer({
    ...{ logger, router: deps.router() },
    context: { caller: { via: 'web', role: session.role, session: session.id }, stopping: gone.signal },
    send: createSender(socket, clock, (why) => end(SOCKET_CLOSE.tooSlow, why)),
  })
  socket.on('message', (data, isBinary) => {
    if (gone.signal.aborted) return
    if (sessions.find(token, true) === undefined) end(SOCKET_CLOSE.expired, 'the session has ended')
    else if (peer.receive(frameOf(data, isBinary)) === 'too-many') {
      end(SOCKET_CLOSE.tooMany, 'too many calls at once')
    }
  })
  socket.once('close', () => {
    gone.abort()
    peer.close()
  })
  watchPulse(socket, clock)
  const { id, role, expiresAt } = session
  socket.send(JSON.stringify({ schema: 1, session: id, role, expiresAt }))
}

function frameOf(data: RawData, isBinary: boolean): Frame {
  if (!isBinary) return String(data)
  const parts = Array.isArray(data) ? data : [data instanceof ArrayBuffer ? new Uint8Array(data) : data]
  return new Uint8Array(Buffer.concat(parts))
}

/** A browser answers pings by itself; one that does not is gone, though its connection may stand for hours. */
function watchPulse(socket: WebSocket, clock: Clock): void {
  let alive = true
  let cancel = (): void => {}
  const beat = (): void => {
    if (!alive) {
      socket.terminate()
      return
    }
    alive = false
    socket.ping()
    cancel = clock.after(PING_MS, beat)
  }
  socket.on('pong', () => {
    alive = true
  })
  socket.once('close', () => cancel())
  beat()
}

/**
 * Sends, and resolves once the reader has taken most of it. Nothing else slows a caller down, so one that asks and does
 * not read is cut.
 */
function createSender(
  socket: WebSocket,
  clock: Clock,
  cut: (why: string) => void,
): (frame: Frame) => Promise<void> {
  async function drained(): Promise<void> {
    const began = clock.monotonicMs()
    while (socket.bufferedAmount > PAUSE_BUFFERED_BYTES && socket.readyState === socket.OPEN) {
      if (clock.monotonicMs() - began > STALL_MS) {
        cut('nothing is read')
        socket.terminate()
      }
      await new Promise<void>((resolve) => clock.after(DRAIN_LOOK_MS, resolve))
    }
  }
  return async (frame) => {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount + frame.length > MAX_BUFFERED_BYTES) {
      cut('too slow')
      socket.terminate()
      return
    }
    socket.send(frame)
    await drained()
  }
}
