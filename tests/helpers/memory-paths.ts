import type { Stream, Logger as StreamLogger } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { PeerId } from '../../node-core/domain/ids.ts'
import type { CarrierDialer, Path, SessionPaths } from '../../node-core/mesh/sessions/ports.ts'
import {
  createSessions,
  type Sessions,
  type SessionsOptions,
} from '../../node-core/mesh/sessions/sessions.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { fakePeerId } from './flow-networks.ts'
import { createManualClock, type ManualClock } from './manual-clock.ts'

const nothing = (): void => {}
const quietLog: StreamLogger = Object.assign(nothing, {
  error: nothing,
  trace: nothing,
  enabled: false,
  newScope: () => quietLog,
})

type Item = { readonly bytes: Uint8Array } | 'fin' | 'reset'

/** One of several ways between all members. What is sent on it arrives at once, in order, unless it is held. */
export interface MemoryWay {
  hold(): void
  release(): void
  /** Resets all streams on it; it takes new ones at once. */
  cut(): void
  /** Whether routing offers it. */
  offer(isOffered: boolean): void
}

class MemoryStream extends AbstractStream {
  readonly #send: (item: Item) => void

  constructor(send: (item: Item) => void) {
    super({ id: 'memory', log: quietLog })
    this.#send = send
  }
  sendData(list: Uint8ArrayList): SendResult {
    const bytes = list.slice()
    list.consume(list.byteLength)
    this.#send({ bytes })
    return { sentBytes: bytes.byteLength, canSendMore: true }
  }
  sendReset(): void {
    this.#send('reset')
  }
  async sendCloseWrite(): Promise<void> {
    this.#send('fin')
  }
  async sendCloseRead(): Promise<void> {}
  sendPause(): void {}
  sendResume(): void {}
  take(item: Item): void {
    if (this.status !== 'open') return
    if (item === 'reset') this.onRemoteReset()
    else if (item === 'fin') this.onRemoteCloseWrite()
    else this.onData(item.bytes)
  }
}

type Handler = (stream: Stream, peer: PeerId, info: { readonly path: Path }) => void

interface Way extends MemoryWay {
  readonly via: PeerId | undefined
  readonly isOffered: boolean
  /** Both ends of a new stream. */
  connect(): readonly [MemoryStream, MemoryStream]
}

function createWay(index: number, tell: () => void): Way {
  const streams = new Set<MemoryStream>()
  let queue: (() => void)[] = []
  let isHeld = false
  let isOffered = true
  const pass = (act: () => void): void => {
    if (isHeld) queue.push(act)
    else queueMicrotask(act)
  }
  return {
    via: index === 0 ? undefined : fakePeerId(30 + index),
    get isOffered() {
      return isOffered
    },
    connect() {
      const near: MemoryStream = new MemoryStream((item) => pass(() => far.take(item)))
      const far: MemoryStream = new MemoryStream((item) => pass(() => near.take(item)))
      streams.add(near).add(far)
      return [near, far]
    },
    hold() {
      isHeld = true
    },
    release() {
      isHeld = false
      const waiting = queue
      queue = []
      for (const act of waiting) queueMicrotask(act)
    },
    cut() {
      queue = []
      for (const stream of streams) stream.onRemoteReset()
      streams.clear()
    },
    offer(isNow) {
      isOffered = isNow
      tell()
    },
  }
}

/** Members in one process with the same ways between each two of them, and a clock that stands still. */
export interface MemoryMesh {
  readonly clock: ManualClock
  readonly ways: readonly MemoryWay[]
  join(options?: SessionsOptions): Promise<MemoryMember>
  /** Lets everything happen that does not wait for time. */
  settle(): Promise<void>
  /** Moves time on in small steps, with all that happens in them. */
  pass(ms: number): Promise<void>
}

export interface MemoryMember {
  readonly peer: PeerId
  readonly sessions: Sessions
  /** A stream of the session protocol to another member, for whoever does not play by the rules. */
  dial(to: PeerId, way?: number): Stream
}

export function createMemoryMesh(count: number, random = Math.random): MemoryMesh {
  const clock = createManualClock()
  const changed = new Set<() => void>()
  const tell = (): void => {
    for (const callback of changed) callback()
  }
  const ways = Array.from({ length: count }, (_, index) => createWay(index, tell))
  const handlers = new Map<PeerId, Handler>()
  const members: PeerId[] = []

  const connect = (way: Way, from: PeerId, to: PeerId): Stream => {
    const handler = handlers.get(to)
    if (handler === undefined) throw new Error(`nobody listens at ${to}`)
    const [near, far] = way.connect()
    const path = way.via === undefined ? [from] : [way.via, from]
    handler(far, from, { path })
    return near
  }
  const pathTo = (way: Way, peer: PeerId): Path => (way.via === undefined ? [peer] : [way.via, peer])
  const pathsOf = (self: PeerId): SessionPaths => ({
    pathsTo: (peer) =>
      peer === self || !members.includes(peer)
        ? []
        : ways.filter((way) => way.isOffered).map((way) => pathTo(way, peer)),
    onChange(callback) {
      changed.add(callback)
      return () => changed.delete(callback)
    },
  })
  const carriersOf = (self: PeerId): CarrierDialer => ({
    async open(path, _protocol, signal) {
      signal.throwIfAborted()
      const to = path.at(-1)
      const way = ways.find(({ via }) => via === (path.length === 1 ? undefined : path[0]))
      if (to === undefined || way === undefined) throw new Error('there is no such way')
      return connect(way, self, to)
    },
    handle: async (_protocol, handler) => void handlers.set(self, handler),
    unhandle: async () => void handlers.delete(self),
    lineOf: () => undefined,
  })
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  return {
    clock,
    ways,
    settle,
    async join(options) {
      const peer = fakePeerId(members.length)
      members.push(peer)
      const sessions = createSessions(
        {
          ...{ clock, paths: pathsOf(peer), carriers: carriersOf(peer) },
          gate: { admits: () => true },
          random: { bytes: (length) => new Uint8Array(length), unit: random },
          logger: silentLogger,
          defer: queueMicrotask,
        },
        options,
      )
      await sessions.start()
      return {
        peer,
        sessions,
        dial(to, index = 0) {
          const way = ways[index]
          if (way === undefined) throw new Error(`there is no way ${index}`)
          return connect(way, peer, to)
        },
      }
    },
    async pass(ms) {
      for (let left = ms; left > 0; left -= 25) {
        clock.advance(Math.min(25, left))
        await settle()
      }
    },
  }
}
