import { type Fault, FaultError } from '../platform/error.ts'

/**
 * The three messages of the handshake, the admission's answer D, the initiator's second proof E and the answer F to it,
 * and the frames after that.
 */
export type MessageName = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'frame'

/**
 * Everything that can end a handshake or a secured stream. None of it carries key material, nor bytes that the other
 * end sent, except the code and the reason of a refusal.
 */
export type HandshakeFault =
  /** The frame's length prefix says more than the message may have. */
  | { readonly code: 'MESSAGE_TOO_LARGE'; readonly message: MessageName; readonly limitBytes: number }
  /** Shorter than its fixed part, or a part of it does not decode. */
  | { readonly code: 'MESSAGE_MALFORMED'; readonly message: MessageName }
  /** The authentication tag is wrong: changed on the way, another suite, other keys. */
  | { readonly code: 'NOT_AUTHENTIC'; readonly message: MessageName }
  /** X25519 gave the all-zero secret: the other end sent a point of small order. */
  | { readonly code: 'WEAK_PUBLIC_KEY' }
  /** The ML-KEM-768 key or ciphertext does not pass the checks of FIPS 203 section 7. */
  | { readonly code: 'BAD_KEM_INPUT' }
  /** The libp2p identity did not sign the Noise static key. */
  | { readonly code: 'BAD_IDENTITY' }
  /** An identity, but not the one that was dialled. */
  | { readonly code: 'WRONG_PEER'; readonly expected: string; readonly actual: string }
  | { readonly code: 'NO_COMMON_MUXER' }
  | { readonly code: 'STALLED'; readonly message: MessageName; readonly afterMs: number }
  | { readonly code: 'CONNECTION_LOST'; readonly message: MessageName }
  | { readonly code: 'HANDSHAKE_ABORTED' }
  /** Too many unfinished handshakes: this one made room for a newer one. */
  | { readonly code: 'SHED' }
  /** More bytes than any message needs, before they were asked for. */
  | { readonly code: 'FLOODED' }
  /** The admission said no. `by` says which end's admission it was. */
  | {
      readonly code: 'REFUSED'
      readonly by: 'local' | 'remote'
      readonly reasonCode: string
      readonly reason: string
    }
  /** The exchange did all it was for, and the connection ends here, as after a join. */
  | { readonly code: 'EXCHANGE_ENDED' }
  /** The admission broke its contract: it threw, or it made more bytes than a message may carry. */
  | { readonly code: 'ADMISSION_BROKEN' }
  /** The counter of one direction is used up; the connection has to be made anew. */
  | { readonly code: 'NONCE_EXHAUSTED' }
  /** A step out of order, or a state used after it was wiped: a mistake in the caller. */
  | { readonly code: 'MISUSED' }

export type HandshakeError = FaultError<HandshakeFault>

const TEXTS: Record<HandshakeFault['code'], string> = {
  MESSAGE_TOO_LARGE: 'the other end announced a message over the limit',
  MESSAGE_MALFORMED: 'a message of the handshake cannot be read',
  NOT_AUTHENTIC: 'a message does not authenticate',
  WEAK_PUBLIC_KEY: 'the other end sent a weak X25519 public key',
  BAD_KEM_INPUT: 'the other end sent an invalid ML-KEM-768 key or ciphertext',
  BAD_IDENTITY: 'the identity of the other end did not sign its static key',
  WRONG_PEER: 'another peer answered than the one that was dialled',
  NO_COMMON_MUXER: 'the two ends have no muxer in common',
  STALLED: 'the other end was silent for too long',
  CONNECTION_LOST: 'the connection ended during the handshake',
  HANDSHAKE_ABORTED: 'the handshake was aborted',
  SHED: 'too many unfinished handshakes; this one made room',
  FLOODED: 'the other end sent more than the handshake has room for',
  REFUSED: 'admission was refused',
  EXCHANGE_ENDED: 'the exchange is complete and the connection ends here',
  ADMISSION_BROKEN: 'the admission of this end failed',
  NONCE_EXHAUSTED: 'the connection has used up its nonces',
  MISUSED: 'a handshake state was used out of order',
}

/** The error for a fault, with the text that belongs to its code. */
export function handshakeError(fault: HandshakeFault, cause?: unknown): HandshakeError {
  const text =
    fault.code === 'REFUSED' ? `${TEXTS.REFUSED}: ${fault.reasonCode}, ${fault.reason}` : TEXTS[fault.code]
  return new FaultError<HandshakeFault>(fault, text, cause === undefined ? {} : { cause })
}

/** True for errors that `handshakeError` made. */
export function isHandshakeError(error: unknown): error is HandshakeError {
  return error instanceof FaultError && Object.hasOwn(TEXTS, (error.fault as Fault).code)
}
