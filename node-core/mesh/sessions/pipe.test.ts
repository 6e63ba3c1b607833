import { describe, expect, it } from 'vitest'
import { createPipe, MAX_ROOM_BYTES, MIN_ROOM_BYTES } from './pipe.ts'

/** A path of that capacity and round trip, to which a writer gives all that it has room for. */
function carry(bytesPerMs: number, rttMs: number, rounds: number, pipe = createPipe(), startMs = 0) {
  let nowMs = startMs
  for (let round = 0; round < rounds; round++) {
    const stepMs = Math.max(1, rttMs)
    nowMs += stepMs
    pipe.acknowledged(
      Math.min(bytesPerMs * stepMs, pipe.roomBytes * (stepMs / Math.max(rttMs, 1))),
      nowMs,
      rttMs,
    )
  }
  return pipe
}

describe('the room of a path', () => {
  it('stays small where the round trip is short, however fast it is', () => {
    expect(carry(300_000, 0.4, 1_000).roomBytes).toBe(MIN_ROOM_BYTES)
  })

  it('grows until a long path is filled', () => {
    // 12 MB/s over 100 ms hold 1.2 MB.
    const { roomBytes } = carry(12_000, 100, 50)
    expect(roomBytes).toBeGreaterThanOrEqual(2_400_000)
    expect(roomBytes).toBeLessThan(MAX_ROOM_BYTES)
  })

  it('has a limit', () => {
    expect(carry(100_000, 300, 50).roomBytes).toBe(MAX_ROOM_BYTES)
  })

  it('shrinks again, slowly', () => {
    const pipe = carry(12_000, 100, 50)
    const before = pipe.roomBytes
    pipe.acknowledged(1, 100_000, 100)
    expect(pipe.roomBytes).toBeGreaterThan(before / 2)
    carry(10, 100, 50, pipe, 100_000)
    expect(pipe.roomBytes).toBe(MIN_ROOM_BYTES)
  })
})
