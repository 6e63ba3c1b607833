import { type ByteReader, type ByteWriter, MalformedBytes } from './bytes.ts'

/** Samples of one series. `ats` are whole milliseconds, values are finite. */
export interface Samples {
  readonly ats: Float64Array
  readonly values: Float64Array
}

export const MAX_BLOCK_SAMPLES = 4_096

/** Values are decimals with at most this many digits behind the point, or eight bytes. */
const MAX_DIGITS = 6
const AS_BITS = 0xff
/** Sums and differences of such numbers are exact. */
const MAX_SCALED = 2 ** 50

/**
 * count, times, values. Times: the first one, then how much each step differs from the step before, which is nothing or
 * little for a sampler with a rhythm. Values: see `writeValues`. Two to three bytes a sample for a round trip in
 * hundredths of a millisecond once a second.
 */
export function writeBlock(writer: ByteWriter, { ats, values }: Samples): void {
  writer.whole(ats.length)
  let [last, step] = [0, 0]
  for (const at of ats) {
    const nextStep = at - last
    writer.signed(nextStep - step)
    last = at
    step = last === nextStep ? 0 : nextStep
  }
  writeValues(writer, values)
}

/** @throws MalformedBytes */
export function readBlock(reader: ByteReader): Samples {
  const count = reader.whole()
  if (count > MAX_BLOCK_SAMPLES) throw new MalformedBytes('a block has too many samples')
  const ats = new Float64Array(count)
  let [last, step] = [0, 0]
  for (let n = 0; n < count; n += 1) {
    const nextStep = step + reader.signed()
    last += nextStep
    step = last === nextStep ? 0 : nextStep
    ats[n] = last
  }
  return { ats, values: readValues(reader, count) }
}

/**
 * One byte says how: digits behind the point, and then differences of whole numbers; or the bits of each value against
 * those of the one before, without the bytes that are equal.
 */
export function writeValues(writer: ByteWriter, values: Float64Array): void {
  const digits = digitsOf(values)
  writer.byte(digits)
  if (digits === AS_BITS) {
    writeBits(writer, values)
    return
  }
  const scale = 10 ** digits
  let last = 0
  for (const value of values) {
    const scaled = Math.round(value * scale)
    writer.signed(scaled - last)
    last = scaled
  }
}

/** @throws MalformedBytes */
export function readValues(reader: ByteReader, count: number): Float64Array {
  const digits = reader.byte()
  if (digits === AS_BITS) return readBits(reader, count)
  if (digits > MAX_DIGITS) throw new MalformedBytes('values are in an unknown form')
  const scale = 10 ** digits
  const values = new Float64Array(count)
  let last = 0
  for (let n = 0; n < count; n += 1) {
    last += reader.signed()
    values[n] = last / scale
  }
  return values
}

/** The fewest digits in which every value is exactly itself again. */
function digitsOf(values: Float64Array): number {
  let digits = 0
  for (const value of values) {
    while (!isExact(value, 10 ** digits)) {
      digits += 1
      if (digits > MAX_DIGITS) return AS_BITS
    }
  }
  const scale = 10 ** digits
  return values.every((value) => isExact(value, scale)) ? digits : AS_BITS
}

function isExact(value: number, scale: number): boolean {
  const scaled = Math.round(value * scale)
  return Math.abs(scaled) <= MAX_SCALED && scaled / scale === value && !Object.is(value, -0)
}

function writeBits(writer: ByteWriter, values: Float64Array): void {
  const current = new Uint8Array(8)
  const view = new DataView(current.buffer)
  const last = new Uint8Array(8)
  for (const value of values) {
    view.setFloat64(0, value)
    let [from, to] = [0, 8]
    while (from < 8 && current[from] === last[from]) from += 1
    while (to > from && current[to - 1] === last[to - 1]) to -= 1
    writer.byte((from << 4) | (to - from))
    writer.raw(current.subarray(from, to))
    last.set(current)
  }
}

function readBits(reader: ByteReader, count: number): Float64Array {
  const values = new Float64Array(count)
  const current = new Uint8Array(8)
  const view = new DataView(current.buffer)
  for (let n = 0; n < count; n += 1) {
    const head = reader.byte()
    const [from, length] = [head >> 4, head & 0x0f]
    if (from + length > 8) throw new MalformedBytes('a value has too many bytes')
    current.set(reader.raw(length), from)
    const value = view.getFloat64(0)
    if (!Number.isFinite(value)) throw new MalformedBytes('a value is not a number')
    values[n] = value
  }
  return values
}
