import type { Duplex } from 'node:stream'
import type { StreamCarrier } from './carrier.ts'
import { type CarrierKeeper, createCarrierKeeper } from './carrier-keeper.ts'
import type { PlacedCarrier } from './carrier-plan.ts'
import type { SessionCore } from './core-contract.ts'
import { carriersToLeave } from './leave-path.ts'
import type { Path } from './ports.ts'
import type { Position } from './receive-side.ts'
import type { PlacedStream, Session, SessionDeps, SessionOptions } from './session-contract.ts'
import { createSessionCore } from './session-core.ts'
import { sessionFault } from './session-fault.ts'
import { createSessionFlow, type SessionFlow } from './session-flow.ts'
import type { ResetReason } from './session-frames.ts'
import type { SessionId, SessionView } from './session-view.ts'

/** Window of a new session; it grows while the application keeps up and the peer's books have room. */
export const FIRST_WINDOW_BYTES = 64 * 1024
const MAX_WINDOW_BYTES = 4 * 1024 * 1024
/** Windows grow up to this share of what the peer may hold: the rest is for new sessions. */
const GROWTH_SHARE = 1 / 2
/** What a session may hold however little room there is. */
const SEND_FLOOR_BYTES = 64 * 1024
/** More carriers than any two honest ends need. The oldest that is not in use makes room. */
export const MAX_CARRIERS = 4
const WATCHDOG_MS = 1_000

const nothing = (): void => {}

interface Placed {
  readonly carrier: StreamCarrier
  readonly path: Path
}

export function createSession(deps: SessionDeps, id: SessionId, options: SessionOptions): Session {
  return new LiveSession(deps, id, options)
}

class LiveSession implements Session {
  readonly id: SessionId
  readonly #deps: SessionDeps
  readonly #options: SessionOptions
  readonly #core: SessionCore
  readonly #flow: SessionFlow
  readonly #keeper: CarrierKeeper
  #placed: readonly Placed[] = []
  #windowBytes = FIRST_WINDOW_BYTES
  #writeDone: ((error?: Error | null) => void) | undefined
  #cancelRoom: (() => void) | undefined
  #endDone: ((error?: Error | null) => void) | undefined
  #orphanedAtMs: number
  #cancelWatchdog: (() => void) | undefined
  #isEstablished = false
  #isOver = false
  #attaching: StreamCarrier | undefined
  #counts = { resumes: 0, stalls: 0, promotions: 0 }

  constructor(deps: SessionDeps, id: SessionId, options: SessionOptions) {
    this.id = id
    this.#deps = deps
    this.#options = options
    this.#orphanedAtMs = deps.clock.monotonicMs()
    deps.receiving.hold(FIRST_WINDOW_BYTES)
    this.#flow = createSessionFlow({
      write: (bytes, done) => this.#write(bytes, done),
      end: (done) => this.#end(done),
      consumed: (size) => this.#core.consumed(size),
      destroyed: () => this.#giveUp(),
    })
    // It can fail before the application has it, and what a peer does must never end this process.
    this.#flow.duplex.on('error', nothing)
    this.#core = this.#createCore()
    this.#keeper = createCarrierKeeper(
      {
        clock: deps.clock,
        random: deps.random,
        paths: () => deps.paths(),
        carriers: () => this.#situation(),
        dial: (path, role, signal) => deps.dial(this, path, role, signal),
        drop: (places) => this.#drop(places),
        onExhausted: () => deps.events.exhausted(this),
      },
      { isOpener: id.openedBy === 'self' },
    )
  }

  get duplex(): Duplex {
    return this.#flow.duplex
  }
  get isOver(): boolean {
    return this.#isOver
  }
  get isEstablished(): boolean {
    return this.#isEstablished
  }
  get isOrphaned(): boolean {
    return this.#placed.length === 0
  }

  attach({ carrier, path, rttMs }: PlacedStream, peer: Position, role: 'primary' | 'standby'): void {
    if (this.#isOver) {
      carrier.close()
      return
    }
    if (role === 'primary' && this.#isEstablished) this.#counts.resumes++
    this.#isEstablished = true
    this.#placed = [...this.#placed, { carrier, path }]
    this.#attaching = carrier
    this.#core.attach(carrier, peer, role, rttMs)
    this.#attaching = undefined
    carrier.follow({
      received: (frame) => this.#core.receive(carrier, frame),
      drained: () => this.#core.drained(carrier),
      lost: () => this.#lost(carrier),
    })
    if (this.#isOver) return
    this.#makeRoom(carrier)
    this.#keeper.review()
  }

  position(): Position {
    return this.#core.position()
  }

  keep(): void {
    this.#keeper.review()
  }

  pathsChanged(): void {
    this.#keeper.pathsChanged()
  }

  leave(crosses: (path: Path) => boolean): boolean {
    const leaving = carriersToLeave(this.#placed, this.#core.view(), crosses)
    for (const carrier of leaving) this.#remove(carrier)
    if (leaving.length > 0) this.#keeper.review()
    return leaving.length > 0
  }

  restart(): boolean {
    if (this.#isOver || this.#placed.length === 0) return false
    for (const { carrier } of this.#placed) this.#remove(carrier)
    this.#keeper.pathsChanged()
    return true
  }

  finishedThere(): void {
    if (!this.#isOver && !this.#core.finishedThere()) this.reset('protocol-error')
  }

  reset(reason: ResetReason): void {
    if (this.#isOver) return
    this.#core.abort(reason)
    this.#fail(reason)
  }

  view(): SessionView {
    const view = this.#core.view()
    const primary = this.#placed.find(({ carrier }) => carrier === view.primary)
    const standby = this.#placed.find(
      ({ carrier }) => carrier !== view.primary && !view.failed.includes(carrier),
    )
    return {
      id: this.id,
      path: primary?.path,
      standby: standby?.path,
      rttMs: view.smoothedRttMs,
      sentBytes: view.sentBytes,
      receivedBytes: view.receivedBytes,
      unackedBytes: view.unackedBytes,
      resumes: this.#counts.resumes,
      stalls: this.#counts.stalls,
      promotions: this.#counts.promotions,
      longestGapMs: view.longestGapMs,
    }
  }

  #createCore(): SessionCore {
    return createSessionCore(
      this.#deps,
      {
        windowBytes: FIRST_WINDOW_BYTES,
        moreWindow: (windowBytes) => this.#growWindow(windowBytes),
      },
      {
        deliver: (payload) => this.#flow.deliver(payload),
        remoteEnded: () => this.#flow.ended(),
        released: (size) => this.#released(size),
        flushed: () => this.#endDone?.(),
        finished: () => this.#close('finished'),
        failed: (reason) => this.#fail(reason),
        stalled: () => {
          this.#counts.stalls++
          this.#deps.events.stalled(this)
          this.#watch()
          this.#keeper.review()
        },
        promoted: (carrier) => {
          this.#keeper.promoted()
          // A carrier that comes as the primary was not promoted.
          if (carrier === this.#attaching) return
          this.#counts.promotions++
          this.#deps.events.promoted(this)
        },
        orphaned: () => {
          this.#orphanedAtMs = this.#deps.clock.monotonicMs()
          this.#watch()
          this.#deps.events.orphaned(this)
        },
      },
    )
  }

  #growWindow(windowBytes: number): number {
    const { receiving } = this.#deps
    const more = Math.min(windowBytes, MAX_WINDOW_BYTES - windowBytes)
    if (receiving.usedBytes + more > receiving.limitBytes * GROWTH_SHARE) return 0
    receiving.hold(more)
    this.#windowBytes += more
    return more
  }

  #write(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    if (this.#core.isOver) {
      done(this.#fault('gone'))
      return
    }
    this.#deps.sending.hold(bytes.length)
    this.#writeDone = done
    this.#core.write(bytes)
    this.#askForMore()
  }

  /** Lets the application write on when there is room for it. */
  #askForMore(): void {
    const done = this.#writeDone
    if (done === undefined || this.#core.isOver) return
    const { unackedBytes, roomBytes } = this.#core
    if (unackedBytes >= roomBytes) return
    const { sending } = this.#deps
    if (unackedBytes > SEND_FLOOR_BYTES && sending.usedBytes >= sending.limitBytes) {
      this.#cancelRoom ??= sending.whenRoom(() => {
        this.#cancelRoom = undefined
        this.#askForMore()
      })
      return
    }
    this.#writeDone = undefined
    done()
  }

  #released(sizeBytes: number): void {
    if (sizeBytes > 0) this.#deps.sending.release(sizeBytes)
    this.#askForMore()
  }

  #end(done: (error?: Error | null) => void): void {
    this.#endDone = done
    this.#core.end()
  }

  #situation(): readonly PlacedCarrier[] {
    const { primary, failed } = this.#core.view()
    return this.#placed.map(({ carrier, path }) => ({
      path,
      isPrimary: carrier === primary,
      hasFailed: failed.includes(carrier),
    }))
  }

  #drop(places: readonly number[]): void {
    for (const { carrier } of places.flatMap((place) => this.#placed[place] ?? [])) this.#remove(carrier)
  }

  #makeRoom(newest: StreamCarrier): void {
    if (this.#placed.length <= MAX_CARRIERS) return
    const { primary } = this.#core.view()
    const oldest = this.#placed.find(({ carrier }) => carrier !== primary && carrier !== newest)
    if (oldest !== undefined) this.#remove(oldest.carrier)
  }

  #remove(carrier: StreamCarrier): void {
    this.#placed = this.#placed.filter((placed) => placed.carrier !== carrier)
    this.#core.detach(carrier)
    carrier.close()
  }

  #lost(carrier: StreamCarrier): void {
    this.#placed = this.#placed.filter((placed) => placed.carrier !== carrier)
    this.#core.detach(carrier)
    if (!this.#isOver) this.#keeper.review()
  }

  /** Looks now and then, while there is trouble, whether it has lasted too long. */
  #watch(): void {
    // Whoever opens a session bounds that himself.
    if (this.#cancelWatchdog !== undefined || this.#isOver || !this.#isEstablished) return
    const { clock } = this.#deps
    const { resumeWindowMs } = this.#options
    this.#cancelWatchdog = clock.after(Math.min(WATCHDOG_MS, resumeWindowMs / 4), () => {
      this.#cancelWatchdog = undefined
      const orphanedMs = this.isOrphaned ? clock.monotonicMs() - this.#orphanedAtMs : 0
      const troubledMs = Math.max(orphanedMs, this.#core.view().waitingMs)
      if (troubledMs >= resumeWindowMs) this.reset('not-resumed')
      else if (troubledMs > 0) this.#watch()
    })
  }

  /** The application destroyed the Duplex. Nothing is lost by it when both directions had ended. */
  #giveUp(): void {
    if (this.#isOver) return
    this.#core.abort('aborted')
    this.#close('aborted')
  }

  #fail(reason: ResetReason): void {
    if (this.#isOver) return
    this.#close(reason)
    this.#flow.fail(this.#fault(reason))
  }

  #fault(reason: ResetReason): Error {
    const { peer } = this.id
    return sessionFault(
      { code: 'SESSION_RESET', peer, reason },
      `the session with ${peer} was reset: ${reason}`,
    )
  }

  #close(outcome: 'finished' | ResetReason): void {
    this.#isOver = true
    this.#keeper.stop()
    this.#cancelWatchdog?.()
    this.#cancelRoom?.()
    this.#deps.receiving.release(this.#windowBytes)
    for (const { carrier } of this.#placed) carrier.close()
    this.#placed = []
    this.#deps.events.over(this, outcome)
  }
}
