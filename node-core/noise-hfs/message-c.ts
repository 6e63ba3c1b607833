import { MAX_PROOF_BYTES } from './admission-port.ts'
import { handshakeError } from './faults.ts'

/**
 * The payload of C on the mesh's suites: the libp2p payload with a 16-bit big-endian length before it, then the
 * admission's proof.
 */
export interface MessageCPayload {
  readonly libp2p: Uint8Array
  readonly proof: Uint8Array
}

const LENGTH_BYTES = 2
/** What `MAX_PROOF_BYTES` leaves of the message; the mesh's Ed25519 identities need 130 bytes. */
const MAX_LIBP2P_BYTES = 896

export function encodeMessageC({ libp2p, proof }: MessageCPayload): Uint8Array {
  if (libp2p.length > MAX_LIBP2P_BYTES) throw handshakeError({ code: 'MISUSED' })
  if (proof.length > MAX_PROOF_BYTES) throw handshakeError({ code: 'ADMISSION_BROKEN' })
  const length = Uint8Array.of(libp2p.length >> 8, libp2p.length & 0xff)
  return Buffer.concat([length, libp2p, proof])
}

/** @throws HandshakeError MESSAGE_MALFORMED, MESSAGE_TOO_LARGE */
export function decodeMessageC(bytes: Uint8Array): MessageCPayload {
  const [high, low] = bytes
  if (high === undefined || low === undefined)
    throw handshakeError({ code: 'MESSAGE_MALFORMED', message: 'C' })
  const end = LENGTH_BYTES + high * 256 + low
  if (end > bytes.length) throw handshakeError({ code: 'MESSAGE_MALFORMED', message: 'C' })
  if (end - LENGTH_BYTES > MAX_LIBP2P_BYTES) {
    throw handshakeError({ code: 'MESSAGE_TOO_LARGE', message: 'C', limitBytes: MAX_LIBP2P_BYTES })
  }
  const proof = bytes.subarray(end)
  if (proof.length > MAX_PROOF_BYTES) {
    throw handshakeError({ code: 'MESSAGE_TOO_LARGE', message: 'C', limitBytes: MAX_PROOF_BYTES })
  }
  return { libp2p: bytes.subarray(LENGTH_BYTES, end), proof }
}
