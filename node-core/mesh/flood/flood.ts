import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import { backoffMs } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { sleep, withTimeout } from '../../platform/wait.ts'
import { createMessageFrames, type MessageFrames } from '../host/message-frames.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import {
  createFloodCodec,
  type FloodCodec,
  type FloodMessage,
  MAX_FLOOD_FRAME_BYTES,
  summaryOf,
} from './flood-messages.ts'
import { createOutbox, type Outbox } from './flood-outbox.ts'
import { createMutes, type MuteOptions, type Mutes } from './mutes.ts'
import { type DigestLine, type Item, type ItemName, isNewer, type Replica } from './replica.ts'

/** One thing that neighbours should hear of. */
export interface FloodNews<K extends string> extends ItemName<K> {
  /** This node made it: whoever caused it has to hear of it too. */
  readonly own: boolean
}

export interface FloodDeps<K extends string> {
  readonly streams: PeerStreams
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly replica: Replica<K>
  /** Calls back for everything new that the replica keeps. The returned function removes the callback. */
  readonly onNews: (listener: (news: FloodNews<K>) => void) => () => void
  /** Counts something bad against the neighbour that passed it on. */
  readonly noteMisbehaviour: (peer: PeerId, what: string) => void
  /** A neighbour holds exactly what this node holds. */
  readonly onSame?: (peer: PeerId) => void
}

export interface FloodTimes extends MuteOptions {
  /** How often neighbours compare what they hold, besides telling news at once. Default 60 s, jittered. */
  readonly summaryMs?: number
}

export interface FloodOptions<K extends string> extends FloodTimes {
  readonly protocol: string
  /** For the log: `sync`. */
  readonly component: string
  /** Of the items that travel. */
  readonly kinds: readonly K[]
}

const OPEN_TIMEOUT_MS = 5_000
/** A neighbour that does not read for so long is given up until it does. */
const WRITE_TIMEOUT_MS = 30_000
const REOPEN = { baseMs: 500, maxMs: 30_000 }
/** Verifying an item costs up to a millisecond: a neighbour gets this many a second and no more. */
const MAX_ITEMS_PER_SECOND = 400
const MAX_DIGEST_LINES = 40_000

interface Neighbour<K extends string> {
  readonly outbox: Outbox<K>
  readonly controller: AbortController
}

export interface FloodSync extends Lifecycle {
  /** Compares with all neighbours now. Tells with how many. */
  compareNow(): number
}

/**
 * Keeps the signed state of the mesh the same everywhere: neighbours exchange digests when they connect, send what the
 * other lacks, pass news on to all others, and compare again every minute. Each node opens one stream to each neighbour
 * to speak on and listens on the one that the neighbour opened. Nothing is kept or passed on that did not verify.
 */
export const createFlood = <K extends string>(deps: FloodDeps<K>, options: FloodOptions<K>): FloodSync =>
  new Flood(deps, options)

class Flood<K extends string> implements FloodSync {
  readonly #deps: FloodDeps<K>
  readonly #options: FloodOptions<K>
  readonly #codec: FloodCodec<K>
  readonly #logger: Logger
  readonly #mutes: Mutes
  readonly #neighbours = new Map<PeerId, Neighbour<K>>()
  readonly #tasks = new Set<Promise<void>>()
  readonly #offs: (() => void)[] = []
  /** Whose item is being taken in: it need not be told what it told. */
  #source: PeerId | undefined
  #stopping = new AbortController()

  constructor(deps: FloodDeps<K>, options: FloodOptions<K>) {
    this.#deps = deps
    this.#options = options
    this.#codec = createFloodCodec(options.kinds)
    this.#logger = deps.logger.child({ component: options.component })
    this.#mutes = createMutes({ ...deps, logger: this.#logger }, options)
  }

  async start(): Promise<void> {
    if (this.#offs.length > 0) return
    const { streams, onNews } = this.#deps
    this.#stopping = new AbortController()
    this.#offs.push(
      streams.onConnect((peer) => this.#connected(peer)),
      streams.onDisconnect((peer) => this.#disconnected(peer)),
      onNews((news) => this.#tellAll(news)),
    )
    const listen = (stream: Stream, peer: PeerId): void => this.#run(this.#listen(peer, stream))
    await streams.handle(this.#options.protocol, listen, { maxStreams: 2 })
    for (const peer of streams.peers()) this.#connected(peer)
  }

  async stop(): Promise<void> {
    for (const off of this.#offs.splice(0)) off()
    this.#stopping.abort()
    await this.#deps.streams.unhandle(this.#options.protocol)
    this.#neighbours.clear()
    await Promise.allSettled([...this.#tasks])
  }

  compareNow(): number {
    // What a neighbour has of news it sends when it sees what this node lacks.
    for (const { outbox } of this.#neighbours.values()) outbox.addDigest()
    return this.#neighbours.size
  }

  #run(task: Promise<void>): void {
    const tracked = task
      .catch((error: unknown) =>
        this.#logger.debug('a stream of a neighbour ended', { error: messageOf(error) }),
      )
      .finally(() => this.#tasks.delete(tracked))
    this.#tasks.add(tracked)
  }

  #connected(peer: PeerId): void {
    this.#disconnected(peer)
    const outbox = createOutbox(this.#deps.replica)
    const controller = new AbortController()
    this.#neighbours.set(peer, { outbox, controller })
    const signal = AbortSignal.any([controller.signal, this.#stopping.signal])
    this.#run(this.#speak(peer, outbox, signal))
  }

  #disconnected(peer: PeerId): void {
    this.#neighbours.get(peer)?.controller.abort()
    this.#neighbours.delete(peer)
  }

  #tellAll(news: FloodNews<K>): void {
    // Whoever told it knows it, unless it made this node say something new of itself.
    for (const [peer, { outbox }] of this.#neighbours) {
      if (peer !== this.#source || news.own) outbox.add(news)
    }
  }

  async #listen(peer: PeerId, stream: Stream): Promise<void> {
    const frames = createMessageFrames(stream, { maxFrameBytes: MAX_FLOOD_FRAME_BYTES })
    const { signal } = this.#stopping
    const gathered: DigestLine<K>[] = []
    const pace = createPace(this.#deps.clock)
    try {
      for (;;) {
        if (this.#mutes.isMuted(peer)) throw new Error('the neighbour passes on what is bad')
        const frame = await frames.read(signal)
        if (frame === undefined) break
        const message = this.#codec.decode(frame)
        if (message === undefined) this.#mutes.count(peer, 'frame: malformed')
        else this.#receive(peer, message, gathered)
        await pace(itemsIn(message), signal)
      }
      await frames.end()
    } catch (error) {
      frames.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  #receive(peer: PeerId, message: FloodMessage<K>, gathered: DigestLine<K>[]): void {
    const { replica } = this.#deps
    switch (message.kind) {
      case 'items':
        for (const item of message.items) this.#take(peer, item)
        return
      case 'digest':
        gathered.push(...message.lines)
        if (gathered.length > MAX_DIGEST_LINES) {
          gathered.length = 0
          this.#mutes.count(peer, 'digest: too long')
        }
        if (message.last) this.#offerMissing(peer, gathered.splice(0))
        return
      case 'want':
        for (const name of message.names) this.#neighbours.get(peer)?.outbox.add(name)
        return
      case 'summary':
        if (message.hash === summaryOf(replica.digest())) this.#deps.onSame?.(peer)
        else this.#neighbours.get(peer)?.outbox.addDigest()
    }
  }

  #take(peer: PeerId, item: Item<K>): void {
    this.#source = peer
    try {
      const outcome = this.#deps.replica.accept(item, peer)
      if (outcome.kind === 'bad') this.#mutes.count(peer, outcome.why)
      if (outcome.kind !== 'later') return
      this.#logger.trace('an item has to wait', { peer, why: outcome.why })
      if (outcome.wants !== undefined) this.#neighbours.get(peer)?.outbox.want(outcome.wants)
    } finally {
      this.#source = undefined
    }
  }

  #offerMissing(peer: PeerId, theirs: readonly DigestLine<K>[]): void {
    const outbox = this.#neighbours.get(peer)?.outbox
    if (outbox === undefined) return
    const held = new Map(theirs.map((line) => [`${line.kind} ${line.name}`, line]))
    for (const mine of this.#deps.replica.digest()) {
      if (isNewer(mine, held.get(`${mine.kind} ${mine.name}`))) outbox.add(mine)
    }
  }

  /** Speaks to one neighbour for as long as it is connected, on a new stream whenever the old one breaks. */
  async #speak(peer: PeerId, outbox: Outbox<K>, signal: AbortSignal): Promise<void> {
    const { streams, clock, random } = this.#deps
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const stream = await withTimeout(
          clock,
          OPEN_TIMEOUT_MS,
          `opening ${this.#options.protocol}`,
          (limit) => streams.open(peer, this.#options.protocol, limit),
          signal,
        )
        const frames = createMessageFrames(stream, { maxFrameBytes: MAX_FLOOD_FRAME_BYTES })
        outbox.addDigest()
        await this.#pump(frames, outbox, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#logger.debug('speaking to a neighbour failed', { peer, error: messageOf(error) })
      }
      await sleep(clock, backoffMs(attempt, REOPEN, random), signal)
    }
  }

  async #pump(frames: MessageFrames, outbox: Outbox<K>, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps
    const { summaryMs = 60_000, component } = this.#options
    let cancelSummary = (): void => {}
    const scheduleSummary = (): void => {
      cancelSummary = clock.after(summaryMs * (0.5 + random.unit()), () => {
        outbox.addSummary()
        scheduleSummary()
      })
    }
    scheduleSummary()
    try {
      while (!signal.aborted) {
        const message = outbox.next()
        if (message === undefined) {
          await outbox.filled(signal)
          continue
        }
        const bytes = this.#codec.encode(message)
        await withTimeout(clock, WRITE_TIMEOUT_MS, component, (limit) => frames.write(bytes, limit), signal)
      }
    } finally {
      cancelSummary()
      frames.abort(new Error(`the ${component} stream is done`))
    }
  }
}

/** What a message costs the receiver, in items. */
function itemsIn(message: FloodMessage | undefined): number {
  if (message?.kind === 'items') return message.items.length
  return message?.kind === 'want' ? message.names.length : 1
}

/** Lets others have their turn after each frame, and holds back who sends more than a fair share. */
function createPace(clock: Clock): (items: number, signal: AbortSignal) => Promise<void> {
  let windowMs = clock.monotonicMs()
  let inWindow = 0
  return async (items, signal) => {
    await yieldToOthers()
    const nowMs = clock.monotonicMs()
    if (nowMs - windowMs >= 1_000) {
      windowMs = nowMs
      inWindow = 0
    }
    inWindow += items
    if (inWindow > MAX_ITEMS_PER_SECOND) await sleep(clock, 1_000 - (nowMs - windowMs), signal)
  }
}
