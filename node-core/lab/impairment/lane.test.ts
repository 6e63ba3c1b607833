import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { Lane } from './lane.ts'
import { SEGMENT_BYTES } from './schedule.ts'
import { type DirectionState, OPEN_DIRECTION } from './state.ts'

/** A lane with one pipe between a recorded source and a sink that can be full. */
function createLine(seed = 1) {
  const clock = createManualClock()
  const lane = new Lane(clock)
  const line = {
    clock,
    lane,
    out: [] as { bytes: Buffer; atMs: number }[],
    marks: [] as string[],
    isPaused: false,
    isFull: false,
    text: () => Buffer.concat(line.out.map(({ bytes }) => bytes)).toString('latin1'),
    size: () => line.out.reduce((sum, { bytes }) => sum + bytes.length, 0),
  }
  const pipe = lane.pipe(
    seed,
    {
      pause: () => {
        line.isPaused = true
      },
      resume: () => {
        line.isPaused = false
      },
    },
    {
      write: (bytes) => {
        line.out.push({ bytes, atMs: clock.monotonicMs() })
        return !line.isFull
      },
      end: () => line.marks.push('end'),
      reset: () => line.marks.push('reset'),
    },
  )
  pipe.open()
  return { ...line, pipe, line }
}

const shaped = (shape: Partial<DirectionState>): DirectionState => ({ ...OPEN_DIRECTION, ...shape })

describe('a direction', () => {
  it('passes bytes at once when nothing impairs it', () => {
    const { pipe, line } = createLine()
    pipe.data(Buffer.from('hello'))
    pipe.ended('end')
    expect([line.text(), line.marks]).toEqual(['hello', ['end']])
  })

  it('holds bytes and what follows them, and lets them out in order', () => {
    const { pipe, lane, line, clock } = createLine()
    lane.set(shaped({ held: true }))
    pipe.data(Buffer.from('one '))
    pipe.data(Buffer.from('two'))
    pipe.ended('reset')
    clock.advance(60_000)
    expect([line.text(), line.marks]).toEqual(['', []])
    lane.set(OPEN_DIRECTION)
    expect([line.text(), line.marks]).toEqual(['one two', ['reset']])
  })

  it('makes the sender wait while it is held, and again never forgets to let it go on', () => {
    const { pipe, lane, line } = createLine()
    lane.set(shaped({ held: true }))
    for (let sent = 0; sent < 100 && !line.isPaused; sent++) pipe.data(Buffer.alloc(16 * 1024))
    expect(line.isPaused).toBe(true)
    lane.set(OPEN_DIRECTION)
    expect(line.isPaused).toBe(false)
    expect(line.size()).toBe(256 * 1024)
  })

  it('delays by the time it is told, give or take the jitter', () => {
    const { pipe, lane, line, clock } = createLine()
    lane.set(shaped({ delay: { ms: 100, jitterMs: 0 } }))
    pipe.data(Buffer.from('a'))
    clock.advance(99)
    expect(line.text()).toBe('')
    clock.advance(1)
    expect(line.text()).toBe('a')
    lane.set(shaped({ delay: { ms: 100, jitterMs: 50 } }))
    const times: number[] = []
    for (let index = 0; index < 200; index++) {
      const before = clock.monotonicMs()
      pipe.data(Buffer.from('b'))
      clock.advance(200)
      times.push((line.out.at(-1)?.atMs ?? 0) - before)
    }
    expect(Math.min(...times)).toBeGreaterThanOrEqual(50)
    expect(Math.min(...times)).toBeLessThan(70)
    expect(Math.max(...times)).toBeLessThanOrEqual(151)
    expect(Math.max(...times)).toBeGreaterThan(130)
  })

  it('lets through what a throttle allows, evenly, and makes the sender wait', () => {
    const { pipe, lane, line, clock } = createLine()
    lane.set(shaped({ throttle: { bytesPerSecond: 100_000 } }))
    let sent = 0
    for (let tick = 0; tick < 5_000; tick++) {
      if (!line.isPaused) {
        pipe.data(Buffer.alloc(10_000))
        sent += 10_000
      }
      clock.advance(1)
    }
    expect(line.size()).toBeGreaterThan(490_000)
    expect(line.size()).toBeLessThanOrEqual(500_000)
    expect(sent - line.size()).toBeLessThan(50_000)
    expect(Math.max(...line.out.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(2_000)
  })

  it('shares a throttle among its connections', () => {
    const { lane, pipe, line, clock } = createLine()
    let other = 0
    const second = lane.pipe(
      2,
      { pause() {}, resume() {} },
      {
        write(bytes) {
          other += bytes.length
          return true
        },
        end() {},
        reset() {},
      },
    )
    second.open()
    lane.set(shaped({ throttle: { bytesPerSecond: 10_000 } }))
    pipe.data(Buffer.alloc(10_000))
    second.data(Buffer.alloc(10_000))
    clock.advance(1_000)
    expect(line.size() + other).toBe(10_000)
    clock.advance(1_000)
    expect(line.size() + other).toBe(20_000)
  })

  it('stalls a lone lost segment by the timeout, doubled for each loss of the retransmission', () => {
    const waits: number[] = []
    const { pipe, lane, line, clock } = createLine(7)
    lane.set(shaped({ loss: { rate: 0.5, rtoMs: 200 } }))
    for (let index = 0; index < 400; index++) {
      const before = clock.monotonicMs()
      pipe.data(Buffer.alloc(SEGMENT_BYTES))
      clock.advance(60_000)
      waits.push((line.out.at(-1)?.atMs ?? 0) - before)
    }
    const share = (wait: number): number => waits.filter((ms) => ms === wait).length / waits.length
    expect(share(0)).toBeGreaterThan(0.43)
    expect(share(0)).toBeLessThan(0.57)
    expect(share(200)).toBeGreaterThan(0.18)
    expect(share(600)).toBeGreaterThan(0.07)
    const possible = [0, 200, 600, 1_400, 3_000, 6_200, 12_600, 25_400]
    expect(waits.filter((ms) => !possible.includes(ms))).toEqual([])
  })

  it('loses the same segments for the same seed, however the bytes are cut', () => {
    const lostSegments = (seed: number, size: number): number[] => {
      const { pipe, lane, line, clock } = createLine(seed)
      lane.set(shaped({ loss: { rate: 0.3, rtoMs: 200 } }))
      const lost: number[] = []
      let position = 0
      for (let sent = 0; sent < 60 * SEGMENT_BYTES; sent += size) {
        const before = clock.monotonicMs()
        pipe.data(Buffer.alloc(Math.min(size, 60 * SEGMENT_BYTES - sent)))
        clock.advance(60_000)
        for (const { bytes, atMs } of line.out.splice(0)) {
          // What comes late begins with the segment that was lost.
          if (atMs > before) lost.push(position / SEGMENT_BYTES)
          position += bytes.length
        }
      }
      return lost
    }
    const expected = lostSegments(3, SEGMENT_BYTES)
    expect(expected.length).toBeGreaterThan(5)
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 20_000 }), (size) => {
        expect(lostSegments(3, size)).toEqual(expected)
      }),
      { numRuns: 20 },
    )
    expect(lostSegments(4, SEGMENT_BYTES)).not.toEqual(expected)
  })

  it('neither loses nor repeats nor reorders a byte, whatever impairs it and whenever that changes', () => {
    const state: fc.Arbitrary<DirectionState> = fc.record({
      held: fc.boolean(),
      delay: fc.option(
        fc.record({ ms: fc.integer({ min: 0, max: 500 }), jitterMs: fc.integer({ min: 0, max: 300 }) }),
      ),
      loss: fc.option(
        fc.record({
          rate: fc.double({ min: 0, max: 0.9, noNaN: true }),
          rtoMs: fc.integer({ min: 1, max: 300 }),
        }),
      ),
      throttle: fc.option(fc.record({ bytesPerSecond: fc.integer({ min: 1_000, max: 1_000_000 }) })),
    })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('send' as const), size: fc.integer({ min: 1, max: 9_000 }) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ kind: fc.constant('state' as const), state }),
      fc.record({ kind: fc.constant('full' as const), isFull: fc.boolean() }),
    )
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 60 }), (seed, steps) => {
        const { pipe, lane, line, clock } = createLine(seed)
        let sent = ''
        for (const one of steps) {
          if (one.kind === 'wait') clock.advance(one.ms)
          else if (one.kind === 'state') lane.set(one.state)
          else if (one.kind === 'full') {
            line.isFull = one.isFull
            if (!one.isFull) pipe.drained()
          } else {
            const text = String.fromCharCode(97 + (sent.length % 26)).repeat(one.size)
            sent += text
            pipe.data(Buffer.from(text))
          }
          expect(sent.startsWith(line.text())).toBe(true)
        }
        pipe.ended('end')
        line.isFull = false
        lane.set(OPEN_DIRECTION)
        pipe.drained()
        expect(line.text()).toBe(sent)
        expect(line.marks).toEqual(['end'])
        expect([line.isPaused, clock.timers]).toEqual([false, 0])
      }),
    )
  })

  it('drops what is for an end that is gone, and lets the sender go on', () => {
    const { pipe, lane, line } = createLine()
    lane.set(shaped({ held: true }))
    for (let sent = 0; sent < 100 && !line.isPaused; sent++) pipe.data(Buffer.alloc(64 * 1024))
    expect(line.isPaused).toBe(true)
    pipe.sinkGone()
    expect(line.isPaused).toBe(false)
    pipe.data(Buffer.from('late'))
    lane.set(OPEN_DIRECTION)
    expect(line.size()).toBe(0)
  })
})
