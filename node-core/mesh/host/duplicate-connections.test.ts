import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../domain/ids.ts'
import { connectionToKeep, SIMULTANEOUS_DIAL_MS } from './duplicate-connections.ts'

const LOW = '12D3KooWa' as PeerId
const HIGH = '12D3KooWz' as PeerId

/** A connection as its two ends see it. */
interface Made {
  readonly dialledBy: PeerId
  readonly openedAtMs: Record<string, number>
}

/** Which of the two the end keeps that sees them in this order of its own clock. */
function keptBy(self: PeerId, peer: PeerId, made: readonly [Made, Made]): Made {
  const seen = made.map((connection) => ({
    made: connection,
    direction: connection.dialledBy === self ? ('outbound' as const) : ('inbound' as const),
    openedAtMs: connection.openedAtMs[self] ?? 0,
  }))
  const [first, second] = seen.sort((a, b) => a.openedAtMs - b.openedAtMs)
  if (first === undefined || second === undefined) throw new Error('two connections are compared')
  return connectionToKeep(self, peer, first, second).made
}

describe('duplicate connections', () => {
  it('are resolved alike at both ends when both dialled at once, in whatever order each saw them', () => {
    const time = fc.integer({ min: 0, max: SIMULTANEOUS_DIAL_MS })
    fc.assert(
      fc.property(time, time, time, time, (a, b, c, d) => {
        const made: [Made, Made] = [
          { dialledBy: LOW, openedAtMs: { [LOW]: a, [HIGH]: b } },
          { dialledBy: HIGH, openedAtMs: { [LOW]: c, [HIGH]: d } },
        ]
        expect(keptBy(LOW, HIGH, made).dialledBy).toBe(LOW)
        expect(keptBy(HIGH, LOW, made).dialledBy).toBe(LOW)
      }),
    )
  })

  it('keep the newer when the other end has evidently lost the older', () => {
    for (const [first, second] of [
      [LOW, HIGH],
      [HIGH, LOW],
      [LOW, LOW],
      [HIGH, HIGH],
    ] as const) {
      const made: [Made, Made] = [
        { dialledBy: first, openedAtMs: { [LOW]: 0, [HIGH]: 10 } },
        { dialledBy: second, openedAtMs: { [LOW]: 60_000, [HIGH]: 60_020 } },
      ]
      expect(keptBy(LOW, HIGH, made)).toBe(made[1])
      expect(keptBy(HIGH, LOW, made)).toBe(made[1])
    }
  })
})
