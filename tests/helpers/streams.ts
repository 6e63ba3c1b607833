import { setTimeout as delay } from 'node:timers/promises'

/** Cuts bytes into pieces from one byte to some hundred thousand, another way each time. */
export function* randomChunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(300_000 * Math.random() ** 4)
    yield bytes.subarray(at, at + size)
    at += size
  }
}

const STILL_MS = 400

/** Resolves with the value of `read` once it has not changed for a while: whoever moves it is really waiting. */
export async function stalled(read: () => number, limitMs = 10_000): Promise<number> {
  const deadline = performance.now() + limitMs
  let last = read()
  let sinceMs = performance.now()
  while (performance.now() - sinceMs < STILL_MS) {
    if (performance.now() > deadline) throw new Error(`still moving after ${limitMs} ms`)
    await delay(10)
    const now = read()
    if (now !== last) sinceMs = performance.now()
    last = now
  }
  return last
}
