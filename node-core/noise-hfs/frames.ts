import { Uint8ArrayList } from 'uint8arraylist'
import type { CipherState } from './cipher-state.ts'
import { handshakeError } from './faults.ts'
import { TAG_BYTES } from './primitives.ts'

/** Before every frame: the length of what follows, 16 bits, big-endian. */
export const LENGTH_BYTES = 2

const MAX_FRAME_BYTES = 0xffff
const MAX_TEXT_BYTES = MAX_FRAME_BYTES - TAG_BYTES
/** Frames that share one buffer: what a muxer hands over at once, and no allocation beyond half a megabyte. */
const FRAMES_PER_BUFFER = 8
const NO_AD = new Uint8Array(0)

/** What one frame carries: the ciphertext and the tag, without the length before them. */
export function sealPayload(
  cipher: CipherState,
  plaintext: Uint8Array,
  rekeyAfterFrames: number | undefined,
): Uint8Array {
  const sealed = Buffer.allocUnsafe(plaintext.length + TAG_BYTES)
  sealInto(sealed, 0, cipher, [plaintext], rekeyAfterFrames)
  return sealed
}

/**
 * As many frames as the plaintext needs, in few buffers and so in few writes: a header, a body and a tag apart are
 * three system calls and, without Nagle, three packets, which costs more than the copy.
 */
export function sealFrames(
  cipher: CipherState,
  plaintext: Uint8ArrayList,
  rekeyAfterFrames: number | undefined,
): Uint8ArrayList {
  const out = new Uint8ArrayList()
  const perBuffer = FRAMES_PER_BUFFER * MAX_TEXT_BYTES
  for (let start = 0; start < plaintext.byteLength; start += perBuffer) {
    const end = Math.min(plaintext.byteLength, start + perBuffer)
    const frames = Math.ceil((end - start) / MAX_TEXT_BYTES)
    const buffer = Buffer.allocUnsafe(end - start + frames * (LENGTH_BYTES + TAG_BYTES))
    let at = 0
    for (let from = start; from < end; from += MAX_TEXT_BYTES) {
      const to = Math.min(end, from + MAX_TEXT_BYTES)
      const text = from === 0 && to === plaintext.byteLength ? plaintext : plaintext.sublist(from, to)
      buffer.writeUInt16BE(to - from + TAG_BYTES, at)
      at = sealInto(buffer, at + LENGTH_BYTES, cipher, text, rekeyAfterFrames)
    }
    out.append(buffer)
  }
  return out
}

/** Where the sealed text ends in the target. */
function sealInto(
  target: Buffer,
  start: number,
  cipher: CipherState,
  plaintext: Iterable<Uint8Array>,
  rekeyAfterFrames: number | undefined,
): number {
  let at = start
  for (const part of cipher.seal(NO_AD, plaintext)) {
    target.set(part, at)
    at += part.length
  }
  rekeyWhenDue(cipher, rekeyAfterFrames)
  return at
}

/**
 * Opens what follows a frame's length, into plaintext parts.
 *
 * @throws HandshakeError MESSAGE_MALFORMED, NOT_AUTHENTIC, NONCE_EXHAUSTED
 */
export function openFrame(
  cipher: CipherState,
  message: 'D' | 'frame',
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
