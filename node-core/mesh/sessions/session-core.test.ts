import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { SessionCore } from './core-contract.ts'
import { type Carrier, MIN_STALL_MS } from './lane.ts'
import { createSessionCore } from './session-core.ts'
import type { ResetReason, SessionFrame } from './session-frames.ts'

const WINDOW_BYTES = 32 * 1024

/** One end with everything it told its owner. */
interface End {
  readonly core: SessionCore
  readonly got: Uint8Array[]
  ended: boolean
  flushed: boolean
  finished: boolean
  released: number
  stalls: number
  failed: ResetReason | undefined
  primaries: number
  orphaned: boolean
}

/** Two ends, and carriers between them whose frames move only when the test says so. */
function createPair() {
  const clock = createManualClock()
  const createEnd = (): End => {
    const end: End = {
      got: [],
      ended: false,
      flushed: false,
      finished: false,
      released: 0,
      stalls: 0,
      failed: undefined,
      primaries: 0,
      orphaned: false,
      core: createSessionCore(
        { clock, defer: (work) => work() },
        { windowBytes: WINDOW_BYTES, moreWindow: () => 0 },
        {
          deliver: (payload) => {
            end.got.push(payload.slice())
            end.core.consumed(payload.length)
          },
          remoteEnded: () => {
            end.ended = true
          },
          released: (size) => {
            end.released += size
          },
          flushed: () => {
            end.flushed = true
          },
          finished: () => {
            end.finished = true
          },
          failed: (reason) => {
            end.failed = reason
          },
          stalled: () => {
            end.stalls++
          },
          promoted: () => {
            end.primaries++
          },
          orphaned: () => {
            end.orphaned = true
          },
        },
      ),
    }
    return end
  }
  const ends = [createEnd(), createEnd()] as const
  return {
    clock,
    a: ends[0],
    b: ends[1],
    connect: (role: 'primary' | 'standby') => connect(ends[0], ends[1], role),
  }
}

interface Wire {
  /** Frames on their way to each end, in order. */
  readonly toA: SessionFrame[]
  readonly toB: SessionFrame[]
  /** Moves at most `count` frames towards an end. */
  move(to: 'a' | 'b', count: number): void
  cut(): void
  readonly alive: boolean
}

function connect(a: End, b: End, role: 'primary' | 'standby'): Wire {
  let alive = true
  const lane = (queue: SessionFrame[]): Carrier => ({
    send: (frame) => {
      if (alive) queue.push(frame)
    },
    writable: true,
    room: Number.POSITIVE_INFINITY,
  })
  const toA: SessionFrame[] = []
  const toB: SessionFrame[] = []
  const atA = lane(toB)
  const atB = lane(toA)
  const [fromA, fromB] = [a.core.position(), b.core.position()]
  a.core.attach(atA, fromB, role)
  b.core.attach(atB, fromA, role)
  return {
    toA,
    toB,
    get alive() {
      return alive
    },
    move(to, count) {
      const [queue, end, carrier] = to === 'a' ? ([toA, a, atA] as const) : ([toB, b, atB] as const)
      for (const frame of queue.splice(0, count)) if (alive) end.core.receive(carrier, frame)
    },
    cut() {
      alive = false
      a.core.detach(atA)
      b.core.detach(atB)
    },
  }
}

const join = (chunks: readonly Uint8Array[]): Buffer => Buffer.concat(chunks)

function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 255)
}

type Act =
  | { kind: 'write'; by: 'a' | 'b'; size: number }
  | { kind: 'move'; wire: number; to: 'a' | 'b'; count: number }
  | { kind: 'cut'; wire: number }
  | { kind: 'pass'; ms: number }
  | { kind: 'connect'; role: 'primary' | 'standby' }

const side = fc.constantFrom<'a' | 'b'>('a', 'b')
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), by: side, size: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({
    kind: fc.constant('move' as const),
    wire: fc.nat(5),
    to: side,
    count: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant('cut' as const), wire: fc.nat(5) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 800 }) }),
  fc.record({ kind: fc.constant('connect' as const), role: fc.constantFrom('primary', 'standby') }),
)

describe('a session over carriers that hold, repeat and break', () => {
  it('delivers every byte once and in order, whatever happens, once a carrier works', () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 60 }), (script) => {
        const { clock, a, b, connect: dial } = createPair()
        const wires: Wire[] = [dial('primary')]
        const sent = { a: [] as Uint8Array[], b: [] as Uint8Array[] }
        for (const [step, act] of script.entries()) {
          const live = wires.filter((wire) => wire.alive)
          if (act.kind === 'write') {
            const payload = bytes(act.size, step)
            sent[act.by].push(payload)
            ;(act.by === 'a' ? a : b).core.write(payload)
          } else if (act.kind === 'move') live[act.wire % live.length]?.move(act.to, act.count)
          else if (act.kind === 'cut') live[act.wire % live.length]?.cut()
          else if (act.kind === 'pass') clock.advance(act.ms)
          else if (live.length < 2) wires.push(dial(act.role))
        }
        a.core.end()
        b.core.end()
        // Every carrier so far dies; one good one finishes the work.
        for (const wire of wires) if (wire.alive) wire.cut()
        const good = dial('primary')
        for (let round = 0; round < 400 && !(a.finished && b.finished); round++) {
          good.move('b', 8)
          good.move('a', 8)
        }
        expect([a.failed, b.failed]).toEqual([undefined, undefined])
        expect(join(b.got).equals(join(sent.a))).toBe(true)
        expect(join(a.got).equals(join(sent.b))).toBe(true)
        expect([a.finished, b.finished, a.ended, b.ended]).toEqual([true, true, true, true])
      }),
      { numRuns: 500 },
    )
  })

  it('repeats on the standby when the primary makes no progress, and makes it the primary once it acknowledges', () => {
    const { clock, a, b, connect: dial } = createPair()
    const hole = dial('primary')
    const standby = dial('standby')
    a.core.write(bytes(1_000, 1))
    hole.toB.length = 0
    clock.advance(MIN_STALL_MS - 1)
    expect(standby.toB).toHaveLength(0)
    clock.advance(2)
    expect(standby.toB.map((frame) => frame.kind)).toEqual(['data'])
    standby.move('b', 1)
    standby.move('a', 9)
    expect(a.primaries).toBe(2)
    expect(join(b.got)).toHaveLength(1_000)
    a.core.write(bytes(10, 2))
    expect(standby.toB.map((frame) => frame.kind)).toEqual(['data'])
  })

  it('answers over the carrier that brought the question when its own primary is silent', () => {
    const { clock, a, b, connect: dial } = createPair()
    const hole = dial('primary')
    const standby = dial('standby')
    a.core.write(bytes(100, 1))
    clock.advance(MIN_STALL_MS)
    standby.move('b', 1)
    b.core.write(bytes(50, 2))
    expect(hole.toA.filter(({ kind }) => kind === 'data')).toEqual([])
    standby.move('a', 9)
    expect(join(a.got)).toHaveLength(50)
  })

  it('stays with a primary that was heard of, whatever another carrier brings', () => {
    const { clock, a, b, connect: dial } = createPair()
    const first = dial('primary')
    const standby = dial('standby')
    a.core.write(bytes(100, 1))
    clock.advance(MIN_STALL_MS)
    first.move('b', 1)
    a.core.write(bytes(100, 2))
    standby.move('b', 9)
    b.core.write(bytes(50, 3))
    expect(first.toA.filter(({ kind }) => kind === 'data')).toHaveLength(1)
  })

  it('takes a carrier that stalled for failed until something comes in on it', () => {
    const { clock, a, connect: dial } = createPair()
    const slow = dial('primary')
    expect(a.core.view().failed).toEqual([])
    a.core.write(bytes(100, 1))
    clock.advance(MIN_STALL_MS)
    expect(a.core.view().failed).toHaveLength(1)
    slow.move('b', 9)
    slow.move('a', 9)
    expect(a.core.view().failed).toEqual([])
  })

  it('asks on every carrier for credit that may have been lost', () => {
    const { clock, a, b, connect: dial } = createPair()
    const first = dial('primary')
    const standby = dial('standby')
    a.core.write(bytes(2 * WINDOW_BYTES, 1))
    first.move('b', 99)
    // All has arrived, and the last word of it gives no credit; the grant that follows is lost.
    const received = b.core.position().received
    first.toA.splice(0, 99, { kind: 'ack', received, credit: WINDOW_BYTES })
    first.move('a', 1)
    expect(first.toB).toEqual([])
    clock.advance(250)
    expect([first.toB, standby.toB].map((frames) => frames.map(({ kind }) => kind))).toEqual([
      ['ask'],
      ['ask'],
    ])
    standby.move('b', 9)
    standby.move('a', 9)
    expect(a.stalls).toBe(0)
    first.move('b', 99)
    expect(join(b.got)).toHaveLength(2 * WINDOW_BYTES)
  })

  it('goes back to the old primary when the promoted standby breaks', () => {
    const { clock, a, b, connect: dial } = createPair()
    const slow = dial('primary')
    const standby = dial('standby')
    a.core.write(bytes(500, 1))
    clock.advance(MIN_STALL_MS + 1)
    standby.move('b', 1)
    standby.move('a', 9)
    standby.cut()
    expect([a.orphaned, b.orphaned]).toEqual([false, false])
    a.core.write(bytes(500, 2))
    slow.move('b', 9)
    expect(join(b.got)).toHaveLength(1_000)
  })

  it('runs no stall timer while nothing is on its way', () => {
    const { clock, a, connect: dial } = createPair()
    dial('primary')
    const standby = dial('standby')
    clock.advance(60_000)
    a.core.write(bytes(10, 1))
    clock.advance(MIN_STALL_MS - 1)
    expect(standby.toB).toHaveLength(0)
  })

  it('sends no more than the credit', () => {
    const { a, connect: dial } = createPair()
    const wire = dial('primary')
    a.core.write(bytes(3 * WINDOW_BYTES, 1))
    const data = wire.toB.filter((frame) => frame.kind === 'data')
    expect(data.reduce((sum, frame) => sum + frame.payload.length, 0)).toBe(WINDOW_BYTES)
  })

  it.each([
    ['sends beyond its credit', { kind: 'data', offset: WINDOW_BYTES, payload: new Uint8Array(1) }],
    ['acknowledges what was never sent', { kind: 'ack', received: 1, credit: 0 }],
    ['leaves a gap', { kind: 'data', offset: 1, payload: new Uint8Array(1) }],
  ] as const)('ends with a reset when the other end %s', (_name, frame) => {
    const { a, b, connect: dial } = createPair()
    const wire = dial('primary')
    wire.toB.push(frame)
    wire.move('b', 1)
    expect(b.failed).toBe('protocol-error')
    wire.move('a', 9)
    expect(a.failed).toBe('protocol-error')
  })

  it('never takes two different ends of one stream', () => {
    const { b, connect: dial } = createPair()
    const wire = dial('primary')
    wire.toB.push({ kind: 'fin', offset: 5 }, { kind: 'fin', offset: 6 })
    wire.move('b', 2)
    expect(b.failed).toBe('protocol-error')
  })
})
