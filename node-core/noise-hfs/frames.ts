import { Uint8ArrayList } from 'uint8arraylist'
import type { CipherState } from './cipher-state.ts'
import { handshakeError } from './faults.ts'
import { TAG_BYTES } from './primitives.ts'

/** Before every frame: the length of what follows, 16 bits, big-endian. */
export const LENGTH_BYTES = 2

const MAX_FRAME_BYTES = 0xffff
const MAX_TEXT_BYTES = MAX_FRAME_BYTES - TAG_BYTES
/** From here on a part is written as it is; below, copying it costs less than a write of its own. */
const LARGE_BYTES = 8 * 1024
const NO_AD = new Uint8Array(0)

/** What one frame carries: the ciphertext and the tag, without the length before them. */
export function sealPayload(
  cipher: CipherState,
  plaintext: Uint8Array,
  rekeyAfterFrames: number | undefined,
): Uint8Array {
  const sealed = Buffer.concat(cipher.seal(NO_AD, [plaintext]))
  rekeyWhenDue(cipher, rekeyAfterFrames)
  return sealed
}

/**
 * As many frames as the plaintext needs. Large ciphertexts are passed on without a copy. The small parts around them
 * (lengths, tags, the muxer's headers) are joined: each alone is a system call and, without Nagle, a packet.
 */
export function sealFrames(
  cipher: CipherState,
  plaintext: Uint8ArrayList,
  rekeyAfterFrames: number | undefined,
): Uint8ArrayList {
  const out = new Uint8ArrayList()
  let small: Uint8Array[] = []
  const flush = (): void => {
    if (small.length > 0) out.append(Buffer.concat(small))
    small = []
  }
  const end = plaintext.byteLength
  for (let from = 0; from < end; from += MAX_TEXT_BYTES) {
    const to = Math.min(end, from + MAX_TEXT_BYTES)
    const text = to - from === end ? plaintext : plaintext.sublist(from, to)
    small.push(lengthOf(to - from + TAG_BYTES))
    for (const part of cipher.seal(NO_AD, text)) {
      if (part.length < LARGE_BYTES) small.push(part)
      else {
        flush()
        out.append(part)
      }
    }
    rekeyWhenDue(cipher, rekeyAfterFrames)
  }
  flush()
  return out
}

const lengthOf = (bytes: number): Uint8Array => Uint8Array.of(bytes >> 8, bytes & 0xff)

/**
 * Opens what follows a frame's length, into plaintext parts.
 *
 * @throws HandshakeError MESSAGE_MALFORMED, NOT_AUTHENTIC, NONCE_EXHAUSTED
 */
export function openFrame(
  cipher: CipherState,
  message: 'D' | 'E' | 'F' | 'frame',
  frame: Uint8ArrayList,
  rekeyAfterFrames: number | undefined,
): Uint8Array[] {
  const textBytes = frame.byteLength - TAG_BYTES
  if (textBytes < 0) throw handshakeError({ code: 'MESSAGE_MALFORMED', message })
  const tag = frame.subarray(textBytes)
  const parts = cipher.open(message, NO_AD, frame.sublist(0, textBytes), tag)
  rekeyWhenDue(cipher, rekeyAfterFrames)
  return parts
}

function rekeyWhenDue(cipher: CipherState, rekeyAfterFrames: number | undefined): void {
  if (rekeyAfterFrames !== undefined && cipher.nonce % rekeyAfterFrames === 0) cipher.rekey()
}
