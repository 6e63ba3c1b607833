import { parsePeerId } from '../../domain/ids.ts'
import type { HandshakeBinding } from '../../noise-hfs/admission-port.ts'
import type { Clock } from '../../platform/clock.ts'
import { wipe } from '../../platform/secret.ts'
import type { CertificateChain } from '../../security/chain.ts'
import { deriveTicket, proveTicket, type TicketEnd, verifyTicket } from '../../security/ticket.ts'
import type { Membership } from '../membership/membership.ts'
import { encodeTicketMessage, type ReadmittedMessage, type TicketMessage } from './ticket-messages.ts'
import type { HeldTicket, Tickets } from './tickets.ts'
import { INITIATOR_TICKET_CONTEXT, RESPONDER_TICKET_CONTEXT, transcriptBytes } from './transcript.ts'

/**
 * Admission by a ticket: two members that have admitted each other in full prove with the secret they share since then
 * that they are the same two, over the bytes that they would sign. What a certificate says is judged anew each time. A
 * ticket that does not hold leads to the full admission and never to anything less.
 */

export interface ReadmissionDeps {
  readonly clock: Clock
  readonly membership: Pick<Membership, 'self' | 'meshId' | 'ownChain' | 'judgeChain'>
  readonly tickets: Tickets
}

/** How long after the last full admission a peer is known by tickets: each new one ends when the first would have. */
const TICKET_LIFE_MS = 3_600_000

/** True while both ends are what they were when the ticket was made, and are members still. */
function holds({ membership }: ReadmissionDeps, { ownChainHash, peerChain }: HeldTicket): boolean {
  return membership.ownChain()?.hash === ownChainHash && membership.judgeChain(peerChain) === 'valid'
}

/** C's proof by ticket. `undefined` when there is none that holds. */
export function proveByTicket(deps: ReadmissionDeps, binding: HandshakeBinding): Uint8Array | undefined {
  const peer = parsePeerId(binding.remotePeer)
  const held = peer && deps.tickets.offer(peer)
  if (held === undefined || !holds(deps, held)) return undefined
  const { localSuites: offered, selectedSuite: selected } = binding
  const message = transcriptBytes({
    meshId: deps.membership.meshId,
    handshakeHash: binding.initiatorHash,
    chainHash: held.ownChainHash,
    ...{ offered, supported: [], selected },
  })
  const proof = proveTicket(held.ticket, INITIATOR_TICKET_CONTEXT, message)
  return encodeTicketMessage({ kind: 'ticket', ticket: held.ticket.id, proof, offered, selected })
}

/** The ticket that the initiator has proved to hold. `undefined`, for whatever reason, asks it for the full proof. */
export function judgeTicket(
  deps: ReadmissionDeps,
  binding: Required<HandshakeBinding>,
  { ticket: id, proof, offered, selected }: TicketMessage,
): HeldTicket | undefined {
  const peer = parsePeerId(binding.remotePeer)
  const held = peer && deps.tickets.find(peer, id)
  if (held === undefined || !holds(deps, held)) return undefined
  const message = transcriptBytes({
    meshId: deps.membership.meshId,
    handshakeHash: binding.initiatorHash,
    chainHash: held.peerChain.hash,
    ...{ offered, supported: [], selected },
  })
  return verifyTicket(held.ticket, INITIATOR_TICKET_CONTEXT, message, proof) ? held : undefined
}

/** D's proof by the ticket that the initiator has shown. */
export function answerTicket(
  { membership }: ReadmissionDeps,
  binding: Required<HandshakeBinding>,
  held: HeldTicket,
  offered: readonly string[],
): Uint8Array {
  const { localSuites: supported, selectedSuite: selected } = binding
  const message = transcriptBytes({
    meshId: membership.meshId,
    handshakeHash: binding.finalHash,
    chainHash: held.ownChainHash,
    ...{ offered, supported, selected },
  })
  const proof = proveTicket(held.ticket, RESPONDER_TICKET_CONTEXT, message)
  return encodeTicketMessage({ kind: 'readmitted', ticket: held.ticket.id, proof, supported, selected })
}

/** The ticket by which the responder has proved itself in D. `undefined` when it has not. */
export function judgeTicketReply(
  deps: ReadmissionDeps,
  binding: Required<HandshakeBinding>,
  { ticket: id, proof, supported, selected }: ReadmittedMessage,
): HeldTicket | undefined {
  const peer = parsePeerId(binding.remotePeer)
  const held = peer && deps.tickets.find(peer, id)
  if (held === undefined || !holds(deps, held)) return undefined
  const message = transcriptBytes({
    meshId: deps.membership.meshId,
    handshakeHash: binding.finalHash,
    chainHash: held.peerChain.hash,
    ...{ offered: binding.localSuites, supported, selected },
  })
  return verifyTicket(held.ticket, RESPONDER_TICKET_CONTEXT, message, proof) ? held : undefined
}

export interface Admitted {
  readonly role: 'initiator' | 'responder'
  readonly peerChain: CertificateChain
  /** The ticket that both have proved themselves with; `undefined` after a full admission. */
  readonly by: HeldTicket | undefined
}

/** After an admission: the next ticket, from the secret of this very handshake. None when the handshake is over. */
export function keepNextTicket(
  deps: ReadmissionDeps,
  binding: Required<HandshakeBinding>,
  { role, peerChain, by }: Admitted,
): void {
  const { membership, tickets, clock } = deps
  const ownChain = membership.ownChain()
  // The full proof took a while: who was expelled meanwhile gets no ticket.
  if (ownChain === undefined || membership.judgeChain(peerChain) !== 'valid') return
  const secret = binding.exportSecret()
  if (secret === undefined) return
  const own: TicketEnd = { peer: membership.self, chainHash: ownChain.hash }
  const other: TicketEnd = { peer: peerChain.leaf.peerId, chainHash: peerChain.hash }
  try {
    const ticket = deriveTicket({
      ...{ secret, previous: by?.ticket, meshId: membership.meshId, handshakeHash: binding.finalHash },
      ...(role === 'initiator' ? { initiator: own, responder: other } : { initiator: other, responder: own }),
    })
    if (by !== undefined) tickets.retireBefore(other.peer, by.ticket.id)
    const expiresAtMs = by?.expiresAtMs ?? clock.monotonicMs() + lifeMs(clock, [ownChain, peerChain])
    tickets.add(other.peer, { ticket, ownChainHash: ownChain.hash, peerChain, expiresAtMs })
  } finally {
    wipe(secret)
  }
}

/** An hour, or less when a certificate of one of the two ends sooner. */
function lifeMs(clock: Clock, chains: readonly CertificateChain[]): number {
  const certificates = chains.flatMap(({ leaf, issuer }) => (issuer === undefined ? [leaf] : [leaf, issuer]))
  const nowMs = clock.now()
  return Math.min(TICKET_LIFE_MS, ...certificates.map(({ expiresAt }) => expiresAt - nowMs))
}
