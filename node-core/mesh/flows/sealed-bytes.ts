/**
 * Which bytes two other ends have encrypted for each other. Who makes them so marks them, and the mark is on the object
 * and not in it: whatever cuts, joins or copies bytes on the way loses it, and they are encrypted again like any others.
 */
const SEALED = Symbol('sealed by two other ends')

interface MarkedBytes extends Uint8Array {
  [SEALED]?: true
}

/** The same memory as a Buffer with the mark, which Node's streams hand on as the object that it is. */
export function markSealed(bytes: Uint8Array): Buffer {
  // A property, because a WeakSet with an entry for each frame costs the garbage collector more than the frame does.
  const marked: Buffer & MarkedBytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  marked[SEALED] = true
  return marked
}

export const isMarkedSealed = (bytes: MarkedBytes): boolean => bytes[SEALED] === true
