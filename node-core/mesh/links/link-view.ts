import type { PeerId } from '../../domain/ids.ts'
import type { LinkState } from '../../domain/link.ts'
import type { ProbeSession } from './probe-session.ts'

/** A direct connection to a neighbour, or one that is being tried again. */
export interface LinkView {
  readonly peer: PeerId
  readonly state: LinkState
  /** How long it has been in this state, ms. */
  readonly sinceMs: number
  /** Since anything authentic came from the peer, ms; `undefined` if never. */
  readonly seenMs: number | undefined
  /** Smoothed (RFC 6298). This and what follows is `undefined` while the link is down or nothing is measured yet. */
  readonly rttMs: number | undefined
  readonly jitterMs: number | undefined
  /** The worse of both directions, 0 to 1; estimated from late arrival. */
  readonly lossEstimate: number | undefined
  readonly loss: { readonly inbound: number; readonly outbound: number } | undefined
  /** The other clock minus ours. */
  readonly clockOffsetMs: number | undefined
  /** Protocol id of the handshake of this very connection. */
  readonly suite: string | undefined
  readonly direction: 'inbound' | 'outbound' | undefined
  /** Multiaddr of the other end. */
  readonly address: string | undefined
}

/** What is remembered of a link that is gone. */
export interface DownLink {
  readonly sinceMs: number
  /** Monotonic ms of the last proof of life; `undefined` if there was none. */
  readonly seenAtMs: number | undefined
  /** It was there, and nobody gave it up. */
  readonly isLost: boolean
}

export function linkView(session: ProbeSession, nowMs: number): LinkView {
  const { connection, status } = session
  const measures = session.measures()
  const isMeasured = measures.rttMs !== undefined
  return {
    peer: connection.peer,
    state: status.state,
    sinceMs: nowMs - status.sinceMs,
    seenMs: session.silentMs(),
    rttMs: measures.rttMs,
    jitterMs: measures.jitterMs,
    lossEstimate: isMeasured ? Math.max(measures.loss.inbound, measures.loss.outbound) : undefined,
    loss: isMeasured ? measures.loss : undefined,
    clockOffsetMs: measures.clockOffsetMs,
    suite: connection.suite,
    direction: connection.direction,
    address: connection.address,
  }
}

export function downView(peer: PeerId, down: DownLink, nowMs: number): LinkView {
  return {
    peer,
    state: 'down',
    sinceMs: nowMs - down.sinceMs,
    seenMs: down.seenAtMs === undefined ? undefined : nowMs - down.seenAtMs,
    rttMs: undefined,
    jitterMs: undefined,
    lossEstimate: undefined,
    loss: undefined,
    clockOffsetMs: undefined,
    suite: undefined,
    direction: undefined,
    address: undefined,
  }
}
