import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Applied, Impairment } from '../contract/lab.ts'
import { addImpairment, linkStateOf } from './applied.ts'
import { OPEN_DIRECTION, OPEN_LINK } from './impairment/state.ts'
import { parseTopologyText, type TopologyLink } from './topology.ts'

const LINK = parseTopologyText('chain:2').links[0] as TopologyLink
const HELD = { ...OPEN_DIRECTION, held: true }

function stateAfter(...steps: readonly (readonly [Impairment, 'a' | 'b', boolean?])[]) {
  let applied: readonly Applied[] = []
  for (const [impairment, from, oneWay = false] of steps) {
    applied = addImpairment(applied, LINK, LINK[from], impairment, oneWay)
  }
  return linkStateOf(applied, LINK)
}

describe('the impairments of a link', () => {
  it('are none at first', () => {
    expect(linkStateOf([], LINK)).toEqual(OPEN_LINK)
  })

  it('hold the direction that was named', () => {
    expect(stateAfter([{ kind: 'oneway' }, 'b'])).toEqual({ ...OPEN_LINK, forth: HELD })
    expect(stateAfter([{ kind: 'oneway' }, 'a'])).toEqual({ ...OPEN_LINK, back: HELD })
    expect(stateAfter([{ kind: 'blackhole' }, 'a'])).toEqual({ ...OPEN_LINK, forth: HELD, back: HELD })
  })

  it('replace what excludes them and leave the rest', () => {
    const delay = { kind: 'delay', ms: 40, jitterMs: 5 } as const
    expect(stateAfter([delay, 'a'], [{ kind: 'cut' }, 'a'], [{ kind: 'blackhole' }, 'a'])).toEqual({
      ...OPEN_LINK,
      forth: { ...HELD, delay: { ms: 40, jitterMs: 5 } },
      back: { ...HELD, delay: { ms: 40, jitterMs: 5 } },
    })
  })

  it('in one direction leave the other one as it was', () => {
    const state = stateAfter([{ kind: 'loss', rate: 0.1 }, 'a'], [{ kind: 'loss', rate: 0.3 }, 'a', true])
    expect([state.back.loss?.rate, state.forth.loss?.rate]).toEqual([0.3, 0.1])
  })

  it('never hold two that exclude each other, in whatever order they come', () => {
    const impairment: fc.Arbitrary<Impairment> = fc.oneof(
      fc.constantFrom<Impairment>({ kind: 'cut' }, { kind: 'blackhole' }, { kind: 'oneway' }),
      fc.constant<Impairment>({ kind: 'flap', downMs: 1, upMs: 1 }),
      fc.nat(99).map((ms): Impairment => ({ kind: 'delay', ms, jitterMs: 0 })),
      fc.nat(9).map((tenths): Impairment => ({ kind: 'loss', rate: tenths / 10 })),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(impairment, fc.constantFrom('a', 'b'), fc.boolean())), (steps) => {
        let applied: readonly Applied[] = []
        for (const [one, from, oneWay] of steps) {
          applied = addImpairment(applied, LINK, LINK[from], one, oneWay)
          expect(applied.at(-1)?.impairment).toEqual(one)
        }
        const kinds = applied.map(({ impairment: { kind } }) => kind)
        expect(kinds.filter((kind) => !['delay', 'loss'].includes(kind)).length).toBeLessThanOrEqual(1)
        for (const kind of ['delay', 'loss']) {
          const directions = applied.flatMap((one) =>
            one.impairment.kind !== kind ? [] : one.bothWays ? [LINK.a, LINK.b] : [one.from],
          )
          expect(new Set(directions).size).toBe(directions.length)
        }
      }),
    )
  })
})
