import type { Duplex } from 'node:stream'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { DialResult } from './carrier-keeper.ts'
import { dialCarrier, SESSION_PROTOCOL } from './dial-carrier.ts'
import type { Hello } from './hello.ts'
import { type Judgement, serveHellos } from './hello-desk.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { createPeerDesk, type PeerDesk, type PeerLimits } from './peer-desk.ts'
import type { CarrierDialer, Path, SessionGate, SessionPaths } from './ports.ts'
import { createSession, FIRST_WINDOW_BYTES } from './session.ts'
import type { Session, SessionNotices } from './session-contract.ts'
import { type SessionFault, sessionFault } from './session-fault.ts'
import type { ResetReason } from './session-frames.ts'
import { createSessionTally, type SessionSums, type SessionTally } from './session-tally.ts'
import type { SessionId, SessionView } from './session-view.ts'

export interface SessionsDeps {
  readonly paths: SessionPaths
  readonly carriers: CarrierDialer
  readonly gate: SessionGate
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Runs work at the end of the current turn of the event loop; `setImmediate` by default. */
  readonly defer?: (work: () => void) => void
}

export interface SessionsOptions {
  /** How long a session waits for a path, or for progress, before both ends are reset. Default 30 s. */
  readonly resumeWindowMs?: number
  readonly limits?: Partial<SessionLimits>
}

export interface SessionLimits {
  /** Bytes that the sessions of one peer may hold in memory here, and those of all peers. */
  readonly peerBytes: number
  readonly nodeBytes: number
  readonly peer: PeerLimits
  /** Peers whose books are kept although no session is left. */
  readonly idlePeers: number
}

const DEFAULT_LIMITS: SessionLimits = {
  peerBytes: 64 * 1024 * 1024,
  nodeBytes: 256 * 1024 * 1024,
  peer: { sessions: 256, pendingHellos: 256, hellos: { burst: 1_024, perSecond: 256 } },
  idlePeers: 1_024,
}
const DEFAULT_RESUME_WINDOW_MS = 30_000

export interface SessionCounters extends SessionSums {
  /** Memory that sessions hold or have promised to hold now. */
  readonly heldBytes: number
}

/**
 * Byte streams between members that outlive the paths they take. Fits the flow transport of services: a stream is a
 * Duplex with half-close; `destroy()` resets both directions; one that cannot be resumed fails with SESSION_RESET.
 */
export interface Sessions extends Lifecycle {
  /**
   * Opens a session over the best path, with the next ones as its reserve. Bytes that are written must not be changed
   * afterwards: they are kept, without a copy, until the other end has them.
   *
   * @throws FaultError NO_PATH, PATHS_FAILED, SESSION_REFUSED, TOO_MANY_SESSIONS, SESSIONS_STOPPED
   */
  open(peer: PeerId, signal: AbortSignal): Promise<Duplex>
  /** Serves sessions of other members. The handler owns the Duplex and does not throw; a failure that it does not listen for is only logged. */
  handle(handler: (flow: Duplex, peer: PeerId) => void): Promise<void>
  /** Resets all sessions with a peer, at once and for good. */
  expel(peer: PeerId): void
  /** Moves sessions whose path crosses something to their standby, now. Tells how many moved. */
  leave(crosses: (path: Path, peer: PeerId) => boolean): number
  /** Makes the carriers of all sessions with a peer anew. Tells how many sessions that were. */
  restart(peer: PeerId): number
  sessions(): readonly SessionView[]
  counters(): SessionCounters
}

export function createSessions(deps: SessionsDeps, options: SessionsOptions = {}): Sessions {
  return new Manager(deps, options)
}

/** A session that `open` waits for. */
interface Opening {
  resolve(flow: Duplex): void
  reject(error: Error): void
  lastError: unknown
  tried: number
}

class Manager implements Sessions {
  readonly #deps: SessionsDeps
  readonly #limits: SessionLimits
  readonly #resumeWindowMs: number
  readonly #logger: Logger
  readonly #epoch: number
  readonly #sending: Ledger
  readonly #receiving: Ledger
  readonly #desks = new Map<PeerId, PeerDesk>()
  readonly #openings = new Map<Session, Opening>()
  readonly #tally: SessionTally = createSessionTally()
  readonly #notices: SessionNotices
  #counter = 0
  #handler: ((flow: Duplex, peer: PeerId) => void) | undefined
  #stopFollowing: (() => void) | undefined
  #isStopped = false

  constructor(deps: SessionsDeps, { limits, resumeWindowMs = DEFAULT_RESUME_WINDOW_MS }: SessionsOptions) {
    this.#deps = deps
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#resumeWindowMs = resumeWindowMs
    this.#logger = deps.logger.child({ component: 'sessions' })
    // The wall clock tells boots apart and mostly puts them in order; nothing breaks when it was set back.
    this.#epoch = Math.max(1, Math.floor(deps.clock.now()))
    // Half for what was written here, half for what may come.
    const half = { peerBytes: this.#limits.peerBytes / 2, nodeBytes: this.#limits.nodeBytes / 2 }
    this.#sending = createLedger(half)
    this.#receiving = createLedger(half)
    this.#notices = {
      stalled: () => this.#tally.stalled(),
      promoted: () => this.#tally.promoted(),
      orphaned: (session) => this.#onOrphaned(session),
      exhausted: (session) => this.#onExhausted(session),
      over: (session, outcome) => this.#onOver(session, outcome),
    }
  }

  async start(): Promise<void> {
    if (this.#stopFollowing !== undefined || this.#isStopped) return
    this.#stopFollowing = this.#deps.paths.onChange(() => {
      for (const session of this.#all()) session.pathsChanged()
    })
    const { clock, carriers } = this.#deps
    await serveHellos(
      { clock, carriers, logger: this.#logger },
      {
        epoch: this.#epoch,
        pendingHellosPerPeer: this.#limits.peer.pendingHellos,
        deskOf: (peer) => (this.#isStopped ? undefined : this.#deskOf(peer)),
        judge: (hello, desk) => this.#judge(hello, desk),
        handOver: (session) => this.#handler?.(session.duplex, session.id.peer),
        onRefused: () => this.#tally.refused(),
      },
    )
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#stopFollowing?.()
    // Without an error: whoever stops this node knows why.
    for (const session of this.#all()) session.duplex.destroy()
    await this.#deps.carriers.unhandle(SESSION_PROTOCOL)
  }

  async open(peer: PeerId, signal: AbortSignal): Promise<Duplex> {
    signal.throwIfAborted()
    const session = this.#createOpened(peer)
    const opening = Promise.withResolvers<Duplex>()
    this.#openings.set(session, { ...opening, lastError: undefined, tried: 0 })
    const onAbort = (): void => {
      opening.reject(asError(signal.reason))
      session.reset('aborted')
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      session.keep()
      return await opening.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#openings.delete(session)
    }
  }

  async handle(handler: (flow: Duplex, peer: PeerId) => void): Promise<void> {
    this.#handler = handler
  }

  expel(peer: PeerId): void {
    for (const session of this.#desks.get(peer)?.all() ?? []) session.reset('denied')
  }

  leave(crosses: (path: Path, peer: PeerId) => boolean): number {
    return this.#all().filter((session) => session.leave((path) => crosses(path, session.id.peer))).length
  }

  restart(peer: PeerId): number {
    return (this.#desks.get(peer)?.all() ?? []).filter((session) => session.restart()).length
  }

  sessions(): readonly SessionView[] {
    return this.#all().map((session) => session.view())
  }

  counters(): SessionCounters {
    const heldBytes = this.#sending.usedBytes + this.#receiving.usedBytes
    return { ...this.#tally.sum(this.sessions()), heldBytes }
  }

  #all(): readonly Session[] {
    return [...this.#desks.values()].flatMap((desk) => desk.all())
  }

  #createOpened(peer: PeerId): Session {
    const refuse = (fault: SessionFault, why: string) =>
      sessionFault(fault, `cannot open a session to ${peer}: ${why}`)
    if (this.#isStopped) throw refuse({ code: 'SESSIONS_STOPPED' }, 'sessions are stopped')
    if (!this.#deps.gate.admits(peer)) {
      throw refuse({ code: 'SESSION_REFUSED', peer, reason: 'denied' }, 'it is no member in good standing')
    }
    if (this.#deps.paths.pathsTo(peer).length === 0)
      throw refuse({ code: 'NO_PATH', peer }, 'no path leads there')
    const desk = this.#deskOf(peer)
    const { sessions: limit } = this.#limits.peer
    if (desk.count('self') >= limit) {
      throw refuse({ code: 'TOO_MANY_SESSIONS', peer, limit }, `there are ${limit} already`)
    }
    return this.#create(desk, { openedBy: 'self', peer, epoch: this.#epoch, counter: this.#counter++ })
  }

  #create(desk: PeerDesk, id: SessionId): Session {
    const session = createSession(
      {
        clock: this.#deps.clock,
        random: this.#deps.random,
        defer: this.#deps.defer ?? atEndOfTurn,
        sending: desk.sending,
        receiving: desk.receiving,
        paths: () => this.#deps.paths.pathsTo(id.peer),
        dial: (own, path, role, signal) => this.#dial(own, path, role, signal),
        events: this.#notices,
      },
      id,
      { resumeWindowMs: this.#resumeWindowMs },
    )
    desk.add(session)
    this.#tally.created(id.openedBy)
    return session
  }

  #deskOf(peer: PeerId): PeerDesk {
    const known = this.#desks.get(peer)
    if (known !== undefined) return known
    if (this.#desks.size >= this.#limits.idlePeers) {
      for (const [other, desk] of this.#desks) if (desk.isIdle) this.#desks.delete(other)
    }
    const ledgers = { clock: this.#deps.clock, sending: this.#sending, receiving: this.#receiving }
    const desk = createPeerDesk(ledgers, peer, this.#limits.peer)
    this.#desks.set(peer, desk)
    return desk
  }

  /** Answers what another member asks for: a session of its own or one of ours, or why not. */
  #judge(hello: Hello, desk: PeerDesk): Judgement {
    if (!this.#deps.gate.admits(desk.peer)) return { kind: 'refused', reason: 'denied' }
    const openedBy = hello.openedBy === 'sender' ? 'peer' : 'self'
    const { epoch, counter } = hello
    if (openedBy === 'peer' && desk.noteEpoch(epoch)) {
      // It was started again: what it opened before and waits for it here, waits in vain.
      for (const session of desk.all()) this.#onOrphaned(session)
    }
    const found = desk.find({ openedBy, epoch, counter })
    if (found === 'finished' || found === 'gone') return { kind: 'refused', reason: found }
    if (found !== 'unused') {
      return {
        kind: 'taken',
        session: found,
        isNew: false,
        role: hello.kind === 'resume' ? 'primary' : 'standby',
      }
    }
    if (hello.kind !== 'open') return { kind: 'refused', reason: 'unknown-session' }
    if (this.#handler === undefined) return { kind: 'refused', reason: 'denied' }
    const hasRoom = desk.receiving.usedBytes + FIRST_WINDOW_BYTES <= desk.receiving.limitBytes
    if (!hasRoom || desk.count('peer') >= this.#limits.peer.sessions) {
      return { kind: 'refused', reason: 'over-limit' }
    }
    const session = this.#create(desk, { openedBy, peer: desk.peer, epoch, counter })
    return { kind: 'taken', session, isNew: true, role: 'primary' }
  }

  async #dial(
    session: Session,
    path: Path,
    role: 'primary' | 'standby',
    signal: AbortSignal,
  ): Promise<DialResult> {
    const { id } = session
    const hello: Hello = {
      kind: session.isEstablished ? (role === 'primary' ? 'resume' : 'attach') : 'open',
      openedBy: id.openedBy === 'self' ? 'sender' : 'receiver',
      epoch: id.epoch,
      counter: id.counter,
      ...session.position(),
    }
    const opening = this.#openings.get(session)
    if (opening !== undefined) opening.tried++
    try {
      const { carrier, reply, rttMs } = await dialCarrier(this.#deps, path, id.peer, hello, signal)
      if (reply.kind === 'refused') {
        carrier.close()
        return this.#onRefusal(session, reply.reason)
      }
      if (session.isOver) {
        carrier.send({ kind: 'reset', reason: 'gone' })
        carrier.close()
        return 'over'
      }
      // Another path may have been quicker to open it.
      const asked = hello.kind === 'open' && session.isEstablished ? 'standby' : role
      session.attach({ carrier, path, rttMs }, reply, asked)
      this.#onAttached(session, hello.kind)
      return 'attached'
    } catch (error) {
      if (opening !== undefined) opening.lastError = error
      this.#logger.debug('a path to a peer did not take a session', {
        peer: id.peer,
        path,
        error: messageOf(error),
      })
      return session.isOver ? 'over' : 'failed'
    }
  }

  #onAttached(session: Session, asked: Hello['kind']): void {
    if (asked === 'resume') {
      this.#tally.resumed()
      this.#logger.info('a session goes on over another path', {
        peer: session.id.peer,
        path: session.view().path,
      })
    }
    const opening = this.#openings.get(session)
    if (opening === undefined || session.isOver) return
    opening.resolve(session.duplex)
    this.#openings.delete(session)
  }

  #onRefusal(session: Session, reason: ResetReason): DialResult {
    const opening = this.#openings.get(session)
    if (opening !== undefined) {
      const { peer } = session.id
      const fault = { code: 'SESSION_REFUSED', peer, reason } as const
      opening.reject(sessionFault(fault, `${peer} refused a session: ${reason}`))
      session.reset(reason)
    } else if (reason === 'finished') session.finishedThere()
    else if (reason === 'over-limit') return 'failed'
    else session.reset(reason)
    return 'over'
  }

  #onOrphaned(session: Session): void {
    const desk = this.#desks.get(session.id.peer)
    if (session.isOrphaned && desk?.isOutlived(session) === true) session.reset('gone')
  }

  #onExhausted(session: Session): void {
    const opening = this.#openings.get(session)
    if (opening === undefined) return
    const { peer } = session.id
    const fault = { code: 'PATHS_FAILED', peer, tried: opening.tried } as const
    opening.reject(sessionFault(fault, `no path to ${peer} takes a session`, opening.lastError))
    session.reset('gone')
  }

  #onOver(session: Session, outcome: 'finished' | ResetReason): void {
    const { id } = session
    this.#desks.get(id.peer)?.remove(session, outcome === 'finished' ? 'finished' : 'gone')
    this.#tally.over(session.view(), outcome)
    this.#openings
      .get(session)
      ?.reject(
        sessionFault(
          { code: 'SESSION_RESET', peer: id.peer, reason: 'gone' },
          'the session ended while it was opened',
        ),
      )
    // A session that one of the two applications gave up is no news.
    if (outcome === 'finished' || outcome === 'aborted') return
    this.#logger.warn('a session was reset', { peer: id.peer, reason: outcome, openedBy: id.openedBy })
  }
}

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error('the opening of a session was aborted', { cause: reason })

const atEndOfTurn = (work: () => void): void => {
  setImmediate(work)
}
