import { createHmac, createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { MeshId, PeerId } from '../domain/ids.ts'
import { wipe } from '../platform/secret.ts'
import { encodeFlat } from './codec.ts'

/**
 * A shared secret of two members that have admitted each other, by which they know each other again without a
 * signature. Both ends derive the same one from the same handshake; it is never sent.
 */
export interface Ticket {
  /** Names the secret to the other end, and says nothing about it. Hex of 16 bytes. */
  readonly id: string
  readonly proofKey: Uint8Array
  /** Goes into the ticket after this one, so that whoever stole a later handshake's secret alone has nothing. */
  readonly ratchetKey: Uint8Array
}

export interface TicketEnd {
  readonly peer: PeerId
  /** Hex SHA-256 over the certificate chain that this end was admitted with. */
  readonly chainHash: string
}

export interface TicketSource {
  /** Known to the two ends of one handshake alone, 32 bytes; stays the caller's to wipe. */
  readonly secret: Uint8Array
  /** The ticket that the handshake was proved with, if any. */
  readonly previous: Pick<Ticket, 'ratchetKey'> | undefined
  readonly meshId: MeshId
  /** Noise h over the whole handshake, 32 bytes. */
  readonly handshakeHash: Uint8Array
  readonly initiator: TicketEnd
  readonly responder: TicketEnd
}

const PROTOCOL = '/x0t/readmission/1'
const KEY_BYTES = 32
export const TICKET_ID_BYTES = 16
export const TICKET_PROOF_BYTES = 32
const NO_SALT = new Uint8Array(KEY_BYTES)

/**
 * HKDF-SHA-256 (RFC 5869): the input is the handshake's secret, the salt the ticket before. Who the two are, in which
 * roles and with which certificates is part of it, so no third node can lead two others to one ticket.
 */
export function deriveTicket(source: TicketSource): Ticket {
  const { initiator, responder } = source
  const info = encodeFlat([
    PROTOCOL,
    source.meshId,
    source.handshakeHash,
    ...[initiator.peer, initiator.chainHash],
    ...[responder.peer, responder.chainHash],
  ])
  const salt = source.previous?.ratchetKey ?? NO_SALT
  const bytes = new Uint8Array(
    hkdfSync('sha256', createSecretKey(source.secret), salt, info, TICKET_ID_BYTES + 2 * KEY_BYTES),
  )
  try {
    return {
      id: Buffer.from(bytes.subarray(0, TICKET_ID_BYTES)).toString('hex'),
      proofKey: bytes.slice(TICKET_ID_BYTES, TICKET_ID_BYTES + KEY_BYTES),
      ratchetKey: bytes.slice(TICKET_ID_BYTES + KEY_BYTES),
    }
  } finally {
    wipe(bytes)
  }
}

export const wipeTicket = (ticket: Ticket): void => wipe(ticket.proofKey, ticket.ratchetKey)

/** HMAC-SHA-256 over `context || 0x00 || message`, 32 bytes; contexts hold no zero byte. */
export function proveTicket(ticket: Ticket, context: string, message: Uint8Array): Uint8Array {
  const mac = createHmac('sha256', createSecretKey(ticket.proofKey))
  return mac.update(context).update(SEPARATOR).update(message).digest()
}

const SEPARATOR = Uint8Array.of(0)

/** In a time that does not depend on the proof. Never throws for bad input. */
export function verifyTicket(
  ticket: Ticket,
  context: string,
  message: Uint8Array,
  proof: Uint8Array,
): boolean {
  return proof.length === TICKET_PROOF_BYTES && timingSafeEqual(proof, proveTicket(ticket, context, message))
}
