import { Uint8ArrayList } from 'uint8arraylist'
import type { CipherState } from './cipher-state.ts'
import { splitTag } from './cipher-state.ts'
import { handshakeError } from './faults.ts'
import { BARE_MARK, LENGTH_BYTES } from './frame-slicer.ts'
import { TAG_BYTES } from './primitives.ts'

const MAX_FRAME_BYTES = 0xffff
/** What is read from a socket at once: libuv's suggestion, which Node.js takes. */
const READ_BYTES = 64 * 1024
/**
 * Plaintext of the largest frame that is sent. With all that belongs to it a frame of either kind fills one read, so that
 * under load it lies whole in what was read and need not be copied together. A frame could hold 31 bytes more.
 */
export const MAX_TEXT_BYTES = READ_BYTES - 2 * LENGTH_BYTES - TAG_BYTES
/** What a frame adds to its plaintext. */
export const FRAME_OVERHEAD_BYTES = LENGTH_BYTES + TAG_BYTES
/** From here on a part is passed on as it is; below, copying it costs less than a call or a write of its own. */
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

export interface SealOptions {
  readonly rekeyAfterFrames?: number | undefined
  readonly maxTextBytes?: number
}

/**
 * As many frames as the plaintext needs. Large ciphertexts are passed on without a copy. The small parts around them
 * (lengths, tags, the muxer's headers) are joined: each alone is a system call and, without Nagle, a packet.
 */
export function sealFrames(
  cipher: CipherState,
  plaintext: Uint8Array | Uint8ArrayList,
  { maxTextBytes = MAX_TEXT_BYTES, rekeyAfterFrames }: SealOptions = {},
): Uint8ArrayList {
  const out: Uint8Array[] = []
  let small: Uint8Array[] = []
  const parts = plaintext instanceof Uint8Array ? [plaintext] : [...plaintext]
  const cut = { index: 0, offset: 0 }
  for (let left = plaintext.byteLength; left > 0; ) {
    const size = Math.min(left, maxTextBytes)
    left -= size
    small.push(lengthOf(size + TAG_BYTES))
    for (const part of cipher.seal(NO_AD, takeText(parts, cut, size))) {
      if (part.length < LARGE_BYTES) small.push(part)
      else {
        out.push(Buffer.concat(small), part)
        small = []
      }
    }
    rekeyWhenDue(cipher, rekeyAfterFrames)
  }
  if (small.length > 0) out.push(Buffer.concat(small))
  return new Uint8ArrayList(...out)
}

/**
 * One frame whose text is authenticated and not encrypted: the mark, the length, the text, the tag. Nothing of a text is
 * copied but its head.
 *
 * @param head small, before the text
 */
export function bareFrame(
  cipher: CipherState,
  head: Uint8Array,
  text: Uint8Array | Uint8ArrayList,
  rekeyAfterFrames: number | undefined,
): Uint8ArrayList {
  const sizeBytes = head.length + text.byteLength + TAG_BYTES
  if (sizeBytes > MAX_FRAME_BYTES) throw new RangeError('the text does not fit into a frame')
  const parts = text instanceof Uint8Array ? [text] : [...text]
  const begin = Buffer.concat([bareHead(sizeBytes), head])
  const authentic = [begin, ...takeText(parts, { index: 0, offset: 0 }, text.byteLength)]
  const tag = cipher.authenticate(authentic)
  rekeyWhenDue(cipher, rekeyAfterFrames)
  return new Uint8ArrayList(...authentic, tag)
}

/**
 * The text of a bare frame, which is a view of what came.
 *
 * @param frame what follows the length
 * @throws HandshakeError MESSAGE_MALFORMED, NOT_AUTHENTIC, NONCE_EXHAUSTED; MISUSED when such frames are not allowed
 */
export function checkBareFrame(
  cipher: CipherState,
  frame: Uint8Array,
  rekeyAfterFrames: number | undefined,
): Uint8Array {
  if (frame.length < TAG_BYTES) throw handshakeError({ code: 'MESSAGE_MALFORMED', message: 'frame' })
  const [text, tag] = splitTag(frame)
  cipher.verify('frame', [bareHead(frame.length), text], tag)
  rekeyWhenDue(cipher, rekeyAfterFrames)
  return text
}

const bareHead = (sizeBytes: number): Uint8Array =>
  Uint8Array.of(BARE_MARK >> 8, BARE_MARK & 0xff, sizeBytes >> 8, sizeBytes & 0xff)

/** The next `size` bytes of the parts, small neighbours joined. */
function takeText(
  parts: readonly Uint8Array[],
  cut: { index: number; offset: number },
  size: number,
): Uint8Array[] {
  const text: Uint8Array[] = []
  let small: Uint8Array[] = []
  const join = (): void => {
    const [only] = small
    if (only !== undefined) text.push(small.length === 1 ? only : Buffer.concat(small))
    small = []
  }
  for (let missing = size; missing > 0; ) {
    const whole = parts[cut.index]
    if (whole === undefined) throw new RangeError('the parts are shorter than their list says')
    const part = whole.subarray(cut.offset, cut.offset + missing)
    missing -= part.length
    cut.offset += part.length
    if (cut.offset === whole.length) {
      cut.index += 1
      cut.offset = 0
    }
    if (part.length < LARGE_BYTES) small.push(part)
    else {
      join()
      text.push(part)
    }
  }
  join()
  return text
}

const lengthOf = (bytes: number): Uint8Array => Uint8Array.of(bytes >> 8, bytes & 0xff)

/**
 * Opens what follows a frame's length.
 *
 * @throws HandshakeError MESSAGE_MALFORMED, NOT_AUTHENTIC, NONCE_EXHAUSTED
 */
export function openFrame(
  cipher: CipherState,
  message: 'D' | 'E' | 'F' | 'frame',
  frame: Uint8Array,
  rekeyAfterFrames: number | undefined,
): Uint8Array {
  if (frame.length < TAG_BYTES) throw handshakeError({ code: 'MESSAGE_MALFORMED', message })
  const [text, tag] = splitTag(frame)
  const parts = cipher.open(message, NO_AD, [text], tag)
  rekeyWhenDue(cipher, rekeyAfterFrames)
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
}

function rekeyWhenDue(cipher: CipherState, rekeyAfterFrames: number | undefined): void {
  if (rekeyAfterFrames !== undefined && cipher.nonce % rekeyAfterFrames === 0) cipher.rekey()
}
