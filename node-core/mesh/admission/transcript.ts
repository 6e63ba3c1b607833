import type { MeshId } from '../../domain/ids.ts'
import { encodeFlat } from '../../security/codec.ts'

const ADMISSION_PROTOCOL = '/x0t/admission/1'

/** FIPS 204 context strings: a signature made in one role is worth nothing in the other. */
export const INITIATOR_CONTEXT = 'x0t/admission/1/initiator'
export const RESPONDER_CONTEXT = 'x0t/admission/1/responder'

/** The same for proofs by ticket, whose key both ends hold: an end's own proof comes back to it as worthless. */
export const INITIATOR_TICKET_CONTEXT = 'x0t/readmission/1/initiator'
export const RESPONDER_TICKET_CONTEXT = 'x0t/readmission/1/responder'

export interface Transcript {
  readonly meshId: MeshId
  /** Noise h, 32 bytes: after `s, se` for the initiator, after the whole of message C for the responder. */
  readonly handshakeHash: Uint8Array
  /** Hex SHA-256 over the signer's certificate chain. */
  readonly chainHash: string
  /** What the initiator offered, in order. */
  readonly offered: readonly string[]
  /** What the responder supports. The initiator signs before it knows: empty. */
  readonly supported: readonly string[]
  readonly selected: string
}

/**
 * The bytes that a signature or a ticket's proof is over: `protocolId | meshId | h | SHA-256(certificate) | suites offered, supported and selected`, as a
 * deterministic CBOR array, whose length prefixes keep any two transcripts apart.
 */
export const transcriptBytes = (transcript: Transcript): Uint8Array =>
  encodeFlat([
    ADMISSION_PROTOCOL,
    transcript.meshId,
    transcript.handshakeHash,
    transcript.chainHash,
    transcript.offered,
    transcript.supported,
    transcript.selected,
  ])

/**
 * Multistream negotiation is not authenticated, so whoever sits on the wire can strip suites from it. Both ends
 * therefore check, over authenticated lists, that the outcome is the one that an untouched negotiation has.
 */
export function isHonestSelection(
  offered: readonly string[],
  supported: readonly string[],
  selected: string,
): boolean {
  return offered.find((suite) => supported.includes(suite)) === selected
}
