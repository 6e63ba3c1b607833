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
import type { News } from './events.ts'
import type { Membership } from './membership.ts'
import { type DigestLine, type Item, isNewer, nameOf } from './replica.ts'
import {
  decodeSyncMessage,
  encodeSyncMessage,
  MAX_SYNC_FRAME_BYTES,
  SYNC_PROTOCOL,
  type SyncMessage,
  summaryOf,
} from './sync-messages.ts'
import { createOutbox, type Outbox } from './sync-outbox.ts'

export interface SyncDeps {
  readonly streams: PeerStreams
  readonly membership: Membership
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface SyncOptions {
  /** How often neighbours compare what they hold, besides telling news at once. Default 60 s, jittered. */
  readonly summaryMs?: number
  /** A neighbour that passed on this much bad is not listened to for a while. Default 8. */
  readonly maxBad?: number
  /** For how long. Default 10 minutes. */
  readonly muteMs?: number
}

const OPEN_TIMEOUT_MS = 5_000
/** A neighbour that does not read for so long is given up until it does. */
const WRITE_TIMEOUT_MS = 30_000
const REOPEN = { baseMs: 500, maxMs: 30_000 }
/** Verifying an item costs up to a millisecond: a neighbour gets this many a second and no more. */
const MAX_ITEMS_PER_SECOND = 400
const MAX_DIGEST_LINES = 40_000

interface Neighbour {
  readonly outbox: Outbox
  readonly controller: AbortController
}

/**
 * Keeps the signed state of the mesh the same everywhere: neighbours exchange digests when they connect, send what the
 * other lacks, pass news on to all others, and compare again every minute. Each node opens one stream to each neighbour
 * to speak on and listens on the one that the neighbour opened. Nothing is kept or passed on that did not verify.
 */
export const createSync = (deps: SyncDeps, options: SyncOptions = {}): Lifecycle =>
  new NeighbourSync(deps, options)

class NeighbourSync implements Lifecycle {
  readonly #deps: SyncDeps
  readonly #options: SyncOptions
  readonly #logger: Logger
  readonly #mutes: Mutes
  readonly #neighbours = new Map<PeerId, Neighbour>()
  readonly #tasks = new Set<Promise<void>>()
  readonly #offs: (() => void)[] = []
  /** Whose item is being taken in: it need not be told what it told. */
  #source: PeerId | undefined
  #stopping = new AbortController()

  constructor(deps: SyncDeps, options: SyncOptions) {
    this.#deps = deps
    this.#options = options
    this.#logger = deps.logger.child({ component: 'sync' })
    this.#mutes = createMutes(deps, options)
  }

  async start(): Promise<void> {
    if (this.#offs.length > 0) return
    const { streams, membership } = this.#deps
    this.#stopping = new AbortController()
    this.#offs.push(
      streams.onConnect((peer) => this.#connected(peer)),
      streams.onDisconnect((peer) => this.#disconnected(peer)),
      membership.events.on('news', (news) => this.#tellAll(news)),
    )
    const listen = (stream: Stream, peer: PeerId): void => this.#run(this.#listen(peer, stream))
    await streams.handle(SYNC_PROTOCOL, listen, { maxStreams: 2 })
    for (const peer of streams.peers()) this.#connected(peer)
  }

  async stop(): Promise<void> {
    for (const off of this.#offs.splice(0)) off()
    this.#stopping.abort()
    await this.#deps.streams.unhandle(SYNC_PROTOCOL)
    this.#neighbours.clear()
    await Promise.allSettled([...this.#tasks])
  }

  #run(task: Promise<void>): void {
    const tracked = task
      .catch((error: unknown) => this.#logger.debug('a sync stream ended', { error: messageOf(error) }))
      .finally(() => this.#tasks.delete(tracked))
    this.#tasks.add(tracked)
  }

  #connected(peer: PeerId): void {
    this.#disconnected(peer)
    const outbox = createOutbox(this.#deps.membership.replica)
    const controller = new AbortController()
    this.#neighbours.set(peer, { outbox, controller })
    const signal = AbortSignal.any([controller.signal, this.#stopping.signal])
    this.#run(speak(this.#deps, this.#options, peer, outbox, signal))
  }

  #disconnected(peer: PeerId): void {
    this.#neighbours.get(peer)?.controller.abort()
    this.#neighbours.delete(peer)
  }

  #tellAll(news: News): void {
    // Whoever told it knows it, unless it made this node say something new of itself.
    const isOwn = news.kind === 'record' && news.peer === this.#deps.membership.self
    for (const [peer, { outbox }] of this.#neighbours) {
      if (peer !== this.#source || isOwn) outbox.add({ kind: news.kind, name: nameOf(news) })
    }
  }

  async #listen(peer: PeerId, stream: Stream): Promise<void> {
    const frames = createMessageFrames(stream, { maxFrameBytes: MAX_SYNC_FRAME_BYTES })
    const { signal } = this.#stopping
    const gathered: DigestLine[] = []
    const pace = createPace(this.#deps.clock)
    try {
      for (;;) {
        if (this.#mutes.isMuted(peer)) throw new Error('the neighbour passes on what is bad')
        const frame = await frames.read(signal)
        if (frame === undefined) break
        const message = decodeSyncMessage(frame)
        if (message === undefined) this.#mutes.count(peer, 'frame: malformed')
        else this.#receive(peer, message, gathered)
        await pace(message?.kind === 'items' ? message.items.length : 1, signal)
      }
      await frames.end()
    } catch (error) {
      frames.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  #receive(peer: PeerId, message: SyncMessage, gathered: DigestLine[]): void {
    const { replica } = this.#deps.membership
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
      case 'summary':
        if (message.hash !== summaryOf(replica.digest())) this.#neighbours.get(peer)?.outbox.addDigest()
    }
  }

  #take(peer: PeerId, item: Item): void {
    this.#source = peer
    try {
      const outcome = this.#deps.membership.replica.accept(item)
      if (outcome.kind === 'bad') this.#mutes.count(peer, outcome.why)
      if (outcome.kind === 'later') this.#logger.trace('an item has to wait', { peer, why: outcome.why })
    } finally {
      this.#source = undefined
    }
  }

  #offerMissing(peer: PeerId, theirs: readonly DigestLine[]): void {
    const outbox = this.#neighbours.get(peer)?.outbox
    if (outbox === undefined) return
    const held = new Map(theirs.map((line) => [`${line.kind} ${line.name}`, line]))
    for (const mine of this.#deps.membership.replica.digest()) {
      if (isNewer(mine, held.get(`${mine.kind} ${mine.name}`))) outbox.add(mine)
    }
  }
}

/** Speaks to one neighbour for as long as it is connected, on a new stream whenever the old one breaks. */
async function speak(
  deps: SyncDeps,
  options: SyncOptions,
  peer: PeerId,
  outbox: Outbox,
  signal: AbortSignal,
): Promise<void> {
  const { streams, clock, random } = deps
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const stream = await withTimeout(
        clock,
        OPEN_TIMEOUT_MS,
        'opening a sync stream',
        (limit) => streams.open(peer, SYNC_PROTOCOL, limit),
        signal,
      )
      const frames = createMessageFrames(stream, { maxFrameBytes: MAX_SYNC_FRAME_BYTES })
      outbox.addDigest()
      await pump(deps, options, frames, outbox, signal)
    } catch (error) {
      if (signal.aborted) return
      deps.logger.debug('speaking to a neighbour failed', { peer, error: messageOf(error) })
    }
    await sleep(clock, backoffMs(attempt, REOPEN, random), signal)
  }
}

async function pump(
  { clock, random }: SyncDeps,
  { summaryMs = 60_000 }: SyncOptions,
  frames: MessageFrames,
  outbox: Outbox,
  signal: AbortSignal,
): Promise<void> {
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
      const bytes = encodeSyncMessage(message)
      await withTimeout(clock, WRITE_TIMEOUT_MS, 'sync', (limit) => frames.write(bytes, limit), signal)
    }
  } finally {
    cancelSummary()
    frames.abort(new Error('the sync stream is done'))
  }
}

interface Mutes {
  /** Counts something bad against whoever passed it on: an honest node verifies before it does. */
  count(peer: PeerId, what: string): void
  isMuted(peer: PeerId): boolean
}

function createMutes({ membership, clock, logger }: SyncDeps, options: SyncOptions): Mutes {
  const { maxBad = 8, muteMs = 10 * 60_000 } = options
  const counts = new Map<PeerId, number>()
  const until = new Map<PeerId, number>()
  return {
    count(peer, what) {
      const bad = (counts.get(peer) ?? 0) + 1
      counts.set(peer, bad)
      membership.noteMisbehaviour(peer, what)
      if (bad < maxBad) return
      counts.delete(peer)
      until.set(peer, clock.monotonicMs() + muteMs)
      logger.warn('a neighbour keeps passing on what is bad: not listening to it for a while', {
        peer,
        muteMs,
      })
    },
    isMuted(peer) {
      const end = until.get(peer)
      if (end === undefined) return false
      if (clock.monotonicMs() < end) return true
      until.delete(peer)
      return false
    },
  }
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
