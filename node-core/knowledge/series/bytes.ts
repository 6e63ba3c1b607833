/** Numbers in a byte string, as short as they are small. Whole numbers up to 2^53. */
export interface ByteWriter {
  /** From 0. */
  whole(value: number): void
  signed(value: number): void
  raw(bytes: Uint8Array): void
  byte(value: number): void
  /** A copy of what was written. */
  take(): Uint8Array
}

export interface ByteReader {
  whole(): number
  signed(): number
  byte(): number
  raw(length: number): Uint8Array
  readonly done: boolean
}

/** The bytes do not say what they should: they were not written by us, or were damaged. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes'
}

const MAX_WHOLE = Number.MAX_SAFE_INTEGER

export function createByteWriter(): ByteWriter {
  let bytes = new Uint8Array(512)
  let length = 0
  const room = (more: number): void => {
    if (length + more <= bytes.length) return
    const larger = new Uint8Array(Math.max(bytes.length * 2, length + more))
    larger.set(bytes.subarray(0, length))
    bytes = larger
  }
  const whole = (value: number): void => {
    room(8)
    let rest = value
    // Above 31 bits the operators on bits would cut it.
    while (rest >= 0x8000_0000) {
      bytes[length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest >= 0x80) {
      bytes[length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[length++] = rest
  }
  return {
    whole,
    signed: (value) => whole(value >= 0 ? value * 2 : -value * 2 - 1),
    byte(value) {
      room(1)
      bytes[length++] = value
    },
    raw(more) {
      room(more.length)
      bytes.set(more, length)
      length += more.length
    },
    take() {
      const taken = bytes.slice(0, length)
      length = 0
      return taken
    },
  }
}

export function createByteReader(bytes: Uint8Array): ByteReader {
  let at = 0
  const byte = (): number => {
    const value = bytes[at]
    if (value === undefined) throw new MalformedBytes('the bytes end too early')
    at += 1
    return value
  }
  const whole = (): number => {
    let [value, factor] = [0, 1]
    for (;;) {
      const next = byte()
      value += (next & 0x7f) * factor
      if (value > MAX_WHOLE) throw new MalformedBytes('a number is too large')
      if (next < 0x80) return value
      factor *= 128
      if (factor > MAX_WHOLE) throw new MalformedBytes('a number is too long')
    }
  }
  return {
    whole,
    byte,
    signed() {
      const value = whole()
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    },
    raw(length) {
      if (length > bytes.length - at) throw new MalformedBytes('the bytes end too early')
      at += length
      return bytes.subarray(at - length, at)
    },
    get done() {
      return at === bytes.length
    },
  }
}
