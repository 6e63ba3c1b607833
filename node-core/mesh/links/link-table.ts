import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { LinkState } from '../../domain/link.ts'
import { forgetOldest } from '../../platform/bounded.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Emitter } from '../../platform/emitter.ts'
import { hasCode } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { sleep, withTimeout } from '../../platform/wait.ts'
import type { Host } from '../host/host.ts'
import type { HostConnection } from '../host/host-connection.ts'
import type { LinkEvidence } from './link-state.ts'
import { type DownLink, downView, type LinkView, linkView } from './link-view.ts'
import { ATTACH_LIMIT_MS, ProbeSession } from './probe-session.ts'

export type Farewell = 'stopped' | 'full'

export interface LinkEvents {
  stateChanged: {
    readonly peer: PeerId
    /** `undefined` when the peer had no link before. */
    readonly from: LinkState | undefined
    readonly to: LinkState
    /** In words, for logs and people. */
    readonly reason: string
    /** What was measured at that moment; absent when the connection opened or closed by itself. */
    readonly evidence: LinkEvidence | undefined
    readonly address: string
    readonly suite: string
    /** One end said goodbye: it stops, or has more links than it wants. */
    readonly farewell?: Farewell
  }
  /** Where this node can be reached has changed; it should be advertised anew. */
  addressesChanged: { readonly addresses: readonly string[] }
  /** The machine slept, or the process was stopped, for so long. */
  woke: { readonly sleptMs: number }
}

/** The probe sessions over the host's connections, and what is remembered of links that are down. */
export interface LinkTable {
  start(): Promise<void>
  stop(): Promise<void>
  tick(stalledMs: number, lagMs: number): void
  /** Probes all links fast for a while. */
  hurry(): void
  /** Probes at the pace of an idle node for so long, whatever flows. False when it does so already. */
  calm(forMs: number): boolean
  sessionOf(peer: PeerId): ProbeSession | undefined
  linked(): readonly PeerId[]
  /** Links that are there, those that are wanted, and those that were lost a while ago: a loss is news, wanted or not. */
  views(wanted: readonly PeerId[]): readonly LinkView[]
  /** Says goodbye to a neighbour that is one too many. */
  giveUp(peer: PeerId): void
  /** Called when a link is gone. */
  onEnded(listener: (ended: EndedLink) => void): void
}

export interface EndedLink {
  readonly peer: PeerId
  readonly lastedMs: number
  /** It closed the link because it has enough of them. */
  readonly declined: boolean
}

interface Link {
  readonly session: ProbeSession
  /** Why it will have ended, once that is known. */
  endReason: string | undefined
  declined: boolean
  farewell: Farewell | undefined
}

export interface LinkTableDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly host: Host
  readonly events: Emitter<LinkEvents>
}

const PROBE_PROTOCOL = '/x0t/probe/1'
/** A node that has just started may accept connections a moment before it serves the probes. */
const OPEN_RETRY_MS = 200
const MAX_DOWN_LINKS = 1_024
/** So long a link that was lost is shown, also when another neighbour has taken its place. */
const LOST_SHOWN_MS = 120_000

export function createLinkTable(deps: LinkTableDeps): LinkTable {
  return new Table(deps)
}

class Table implements LinkTable {
  readonly #deps: LinkTableDeps
  readonly #links = new Map<PeerId, Link>()
  readonly #down = new Map<PeerId, DownLink>()
  readonly #offs: (() => void)[] = []
  #stopping = new AbortController()
  #ended: (ended: EndedLink) => void = () => {}
  #calmUntilMs = 0

  constructor(deps: LinkTableDeps) {
    this.#deps = deps
  }

  async start(): Promise<void> {
    const { host } = this.#deps
    this.#stopping = new AbortController()
    this.#offs.push(
      host.connections.events.on('connected', (connection) => this.#connected(connection)),
      host.connections.events.on('disconnected', (connection) => this.#disconnected(connection)),
    )
    for (const connection of host.connections.all()) this.#connected(connection)
    await host.handle(PROBE_PROTOCOL, (stream, peer) => this.#attach(stream, peer), { maxStreams: 2 })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const off of this.#offs.splice(0)) off()
    await this.#deps.host.unhandle(PROBE_PROTOCOL)
    for (const { session } of this.#links.values()) {
      session.sayBye('stopping')
      session.stop()
    }
    this.#links.clear()
  }

  onEnded(listener: (ended: EndedLink) => void): void {
    this.#ended = listener
  }

  tick(stalledMs: number, lagMs: number): void {
    for (const { session } of this.#links.values()) {
      if (stalledMs > 0) session.forgiveSilence(stalledMs)
      session.tick(lagMs, this.#calmUntilMs)
    }
  }

  hurry(): void {
    for (const { session } of this.#links.values()) session.hurry()
  }

  calm(forMs: number): boolean {
    const nowMs = this.#deps.clock.monotonicMs()
    const wasCalm = this.#calmUntilMs > nowMs
    this.#calmUntilMs = nowMs + forMs
    return !wasCalm
  }

  sessionOf(peer: PeerId): ProbeSession | undefined {
    return this.#links.get(peer)?.session
  }

  linked(): readonly PeerId[] {
    return [...this.#links.keys()]
  }

  giveUp(peer: PeerId): void {
    const link = this.#links.get(peer)
    if (link === undefined) return
    link.endReason = 'this node has more links than it wants'
    link.farewell = 'full'
    link.session.sayBye('full')
    this.#remove(link, undefined)
    void this.#deps.host.release(peer, link.endReason)
  }

  views(wanted: readonly PeerId[]): readonly LinkView[] {
    const nowMs = this.#deps.clock.monotonicMs()
    const up = [...this.#links.values()].map(({ session }) => linkView(session, nowMs))
    const lost = [...this.#down].flatMap(([peer, { isLost, sinceMs }]) =>
      isLost && nowMs - sinceMs < LOST_SHOWN_MS ? [peer] : [],
    )
    const missing = [...new Set([...wanted, ...lost])].filter((peer) => !this.#links.has(peer))
    return [...up, ...missing.map((peer) => downView(peer, this.#downOf(peer, nowMs), nowMs))]
  }

  #downOf(peer: PeerId, nowMs: number): DownLink {
    const known = this.#down.get(peer)
    if (known !== undefined) return known
    return this.#rememberDown(peer, { sinceMs: nowMs, seenAtMs: undefined, isLost: false })
  }

  #rememberDown(peer: PeerId, down: DownLink): DownLink {
    this.#down.delete(peer)
    this.#down.set(peer, down)
    forgetOldest(this.#down, MAX_DOWN_LINKS)
    return down
  }

  #connected(connection: HostConnection): void {
    const { peer } = connection
    const from = this.#down.has(peer) ? 'down' : undefined
    const session = new ProbeSession(this.#deps.clock, connection, {
      onStatus: (previous, evidence) => this.#statusChanged(peer, previous.state, evidence),
      onBye: (reason) => {
        const link = this.#links.get(peer)
        if (link?.session !== session) return
        link.declined = reason === 'full'
        link.farewell = reason === 'full' ? 'full' : 'stopped'
        this.#end(peer, reason === 'full' ? 'the peer has enough links' : 'the peer stopped')
      },
      onBroken: (reason) => {
        if (this.#links.get(peer)?.session === session) this.#end(peer, `the probes broke: ${reason}`)
      },
    })
    this.#links.set(peer, { session, endReason: undefined, declined: false, farewell: undefined })
    this.#down.delete(peer)
    this.#tell(connection, from, 'up', `connected ${connection.direction}`, undefined)
    if (connection.direction === 'outbound') void this.#openProbes(session)
  }

  async #openProbes(session: ProbeSession): Promise<void> {
    const { host, clock } = this.#deps
    const { peer } = session.connection
    const isCurrent = (): boolean => this.#links.get(peer)?.session === session
    try {
      await withTimeout(
        clock,
        ATTACH_LIMIT_MS,
        'opening the probe stream',
        async (signal) => {
          for (;;) {
            try {
              const stream = await host.open(peer, PROBE_PROTOCOL, signal)
              if (isCurrent()) session.attach(stream)
              else stream.abort(new Error('the link is over'))
              return
            } catch (error) {
              if (!hasCode(error, 'PROTOCOL_UNSUPPORTED') || !isCurrent()) throw error
            }
            await sleep(clock, OPEN_RETRY_MS, signal)
          }
        },
        this.#stopping.signal,
      )
    } catch (error) {
      if (!isCurrent() || this.#stopping.signal.aborted) return
      this.#deps.logger.debug('no probe stream', { peer, error })
      this.#end(peer, 'no probe stream could be opened')
    }
  }

  #attach(stream: Stream, peer: PeerId): void {
    const session = this.#links.get(peer)?.session
    if (session === undefined || session.connection.direction === 'outbound') {
      stream.abort(new Error('the end that dialled opens the probe stream'))
      return
    }
    session.attach(stream)
  }

  #statusChanged(peer: PeerId, from: LinkState, evidence: LinkEvidence): void {
    const session = this.sessionOf(peer)
    if (session === undefined) return
    const { state } = session.status
    const reason = reasonOf(state, evidence)
    if (state === 'down') this.#end(peer, reason, evidence)
    else this.#tell(session.connection, from, state, reason, evidence)
  }

  /** Closes the connection; the host then says that it is gone. */
  #end(peer: PeerId, reason: string, evidence?: LinkEvidence): void {
    const link = this.#links.get(peer)
    if (link === undefined || link.endReason !== undefined) return
    link.endReason = reason
    this.#remove(link, evidence)
    this.#deps.host.drop(peer, reason)
  }

  #disconnected(connection: HostConnection): void {
    const link = this.#links.get(connection.peer)
    if (link !== undefined && link.session.connection.id === connection.id) this.#remove(link, undefined)
  }

  #remove(link: Link, evidence: LinkEvidence | undefined): void {
    const { clock } = this.#deps
    const { session } = link
    const { connection, status } = session
    const nowMs = clock.monotonicMs()
    this.#links.delete(connection.peer)
    session.stop()
    // Given up by one end, because it has enough of them, is not lost.
    const isLost = link.farewell !== 'full'
    this.#rememberDown(connection.peer, { sinceMs: nowMs, seenAtMs: connection.lastReceivedMs(), isLost })
    const from = status.state === 'down' ? 'suspect' : status.state
    const reason = link.endReason ?? 'the connection closed'
    this.#tell(connection, from, 'down', reason, evidence, link.farewell)
    this.#ended({
      peer: connection.peer,
      lastedMs: nowMs - connection.openedAtMs,
      declined: link.declined,
    })
  }

  #tell(
    connection: HostConnection,
    from: LinkState | undefined,
    to: LinkState,
    reason: string,
    evidence: LinkEvidence | undefined,
    farewell?: Farewell,
  ): void {
    const { peer, address, suite } = connection
    this.#deps.logger.info(`link ${to}`, { peer, from, reason, address })
    const change = { peer, from, to, reason, evidence, address, suite }
    this.#deps.events.emit('stateChanged', farewell === undefined ? change : { ...change, farewell })
  }
}

function reasonOf(state: LinkState, { silentSide, silentMs }: LinkEvidence): string {
  const silence = `${Math.round(silentMs)} ms`
  switch (state) {
    case 'up':
      return 'the peer answers in time'
    case 'degraded':
      return 'the peer answers late'
    case 'suspect':
    case 'down':
      return silentSide === 'here'
        ? `nothing was heard of the peer for ${silence}`
        : `the peer has heard nothing of this node for ${silence}`
  }
}
