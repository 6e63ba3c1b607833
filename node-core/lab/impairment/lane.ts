import type { Clock } from '../../platform/clock.ts'
import { type Bandwidth, Schedule } from './schedule.ts'
import { type DirectionState, OPEN_DIRECTION } from './state.ts'

/** Where bytes come from: told to wait when too many of them are here. */
export interface Source {
  pause(): void
  resume(): void
}

/** Where bytes go. */
export interface Sink {
  /** False when it wants to wait for `drained`. */
  write(bytes: Buffer): boolean
  end(): void
  /** Breaks the connection, as a RST would. */
  reset(): void
}

type Item =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; dueMs: number }
  | { readonly kind: 'end' | 'reset'; dueMs: number }

/** A held or fast direction takes this much before its sender has to wait; what is in the kernel comes on top. */
const QUEUE_BYTES = 256 * 1024
/** A delayed one has to hold what is under way: 40 MB/s at 100 ms. */
const DELAY_QUEUE_BYTES = 4 * 1024 * 1024
/** A throttled one is a router's queue: this long at its rate, within bounds. */
const THROTTLE_QUEUE_MS = 250
const MIN_QUEUE_BYTES = 16 * 1024

function queueLimit({ throttle, delay, loss, held }: DirectionState): number {
  if (held) return QUEUE_BYTES
  if (throttle !== null) {
    const wanted = (throttle.bytesPerSecond * (THROTTLE_QUEUE_MS + (delay?.ms ?? 0))) / 1_000
    return Math.min(DELAY_QUEUE_BYTES, Math.max(MIN_QUEUE_BYTES, wanted))
  }
  return delay !== null || loss !== null ? DELAY_QUEUE_BYTES : QUEUE_BYTES
}

const isClear = ({ held, delay, loss, throttle }: DirectionState): boolean =>
  !held && delay === null && loss === null && throttle === null

/** One direction of a link, with all the connections on it. */
export class Lane {
  readonly #clock: Clock
  readonly #bandwidth: Bandwidth = { freeAtMs: 0 }
  readonly #pipes = new Set<Pipe>()
  #state = OPEN_DIRECTION
  /** Bytes that got through. */
  passedBytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get state(): DirectionState {
    return this.#state
  }

  /** In force when it returns: what was under way leaves at once, unless it is held. */
  set(state: DirectionState): void {
    this.#state = state
    for (const pipe of [...this.#pipes]) pipe.changed()
  }

  pipe(seed: number, source: Source, sink: Sink): Pipe {
    const schedule = new Schedule(seed, this.#bandwidth)
    const pipe: Pipe = new Pipe(this.#clock, this, schedule, source, sink, () => this.#pipes.delete(pipe))
    this.#pipes.add(pipe)
    return pipe
  }
}

/**
 * One direction of one connection: a queue of bytes and of what happens after them, an end or a reset, in order.
 * Never discards, apart from bytes for an end that is gone.
 */
export class Pipe {
  readonly #clock: Clock
  readonly #lane: Lane
  readonly #schedule: Schedule
  readonly #source: Source
  readonly #sink: Sink
  readonly #onDone: () => void
  readonly #queue: Item[] = []
  #queuedBytes = 0
  #isOpen = false
  #isSinkFull = false
  #isSinkGone = false
  #isPaused = false
  #isClosed = false
  #cancelTimer = (): void => {}

  constructor(clock: Clock, lane: Lane, schedule: Schedule, source: Source, sink: Sink, onDone: () => void) {
    this.#clock = clock
    this.#lane = lane
    this.#schedule = schedule
    this.#source = source
    this.#sink = sink
    this.#onDone = onDone
  }

  /** The sink is there. */
  open(): void {
    this.#isOpen = true
    this.#pump()
  }

  data(bytes: Buffer): void {
    if (this.#isSinkGone || this.#isClosed) return
    const { state } = this.#lane
    if (this.#isOpen && this.#queue.length === 0 && !this.#isSinkFull && isClear(state)) {
      this.#schedule.skip(bytes.length)
      this.#write(bytes)
    } else {
      for (const piece of this.#schedule.plan(bytes, state, this.#clock.monotonicMs())) {
        this.#queue.push({ kind: 'bytes', ...piece })
      }
      this.#queuedBytes += bytes.length
      this.#pump()
    }
    this.#balance()
  }

  /** The source will send no more. */
  ended(how: 'end' | 'reset'): void {
    if (this.#isClosed) return
    const last = this.#queue.at(-1)
    if (last?.kind === 'reset') return
    this.#queue.push({ kind: how, dueMs: Math.max(last?.dueMs ?? 0, this.#clock.monotonicMs()) })
    this.#pump()
  }

  /** The sink takes bytes again. */
  drained(): void {
    this.#isSinkFull = false
    this.#pump()
    this.#balance()
  }

  /** Whoever the bytes were for is gone. They have nowhere to go, but the source may go on sending. */
  sinkGone(): void {
    this.#isSinkGone = true
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#isSinkFull = false
    this.#balance()
  }

  changed(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const item of this.#queue) item.dueMs = Math.min(item.dueMs, nowMs)
    this.#schedule.reset(nowMs)
    this.#pump()
    this.#balance()
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTimer()
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#onDone()
  }

  #pump(): void {
    this.#cancelTimer()
    const nowMs = this.#clock.monotonicMs()
    while (this.#isOpen && !this.#lane.state.held && !this.#isSinkFull) {
      const [item] = this.#queue
      if (item === undefined) return
      if (item.dueMs > nowMs) {
        this.#cancelTimer = this.#clock.after(item.dueMs - nowMs, () => {
          this.#pump()
          this.#balance()
        })
        return
      }
      this.#queue.shift()
      if (item.kind === 'bytes') {
        this.#queuedBytes -= item.bytes.length
        this.#write(item.bytes)
      } else if (item.kind === 'end') this.#sink.end()
      else this.#sink.reset()
    }
  }

  #write(bytes: Buffer): void {
    this.#lane.passedBytes += bytes.length
    if (!this.#sink.write(bytes)) this.#isSinkFull = true
  }

  /** Backpressure: the sender waits while more is here than the direction holds. */
  #balance(): void {
    if (this.#isClosed) return
    const isFull = this.#isSinkFull || this.#queuedBytes >= queueLimit(this.#lane.state)
    if (isFull === this.#isPaused) return
    this.#isPaused = isFull
    if (isFull) this.#source.pause()
    else this.#source.resume()
  }
}
