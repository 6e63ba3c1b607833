import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakePeerId } from '../../../tests/helpers/flow-networks.ts'
import { areDisjoint, type CarrierSituation, type PlacedCarrier, planCarriers } from './carrier-plan.ts'
import type { Path } from './ports.ts'

const target = fakePeerId(0)
const direct: Path = [target]
const via = (...hops: number[]): Path => [...hops.map((hop) => fakePeerId(hop)), target]
const primary = (path: Path, hasFailed = false): PlacedCarrier => ({ path, isPrimary: true, hasFailed })
const other = (path: Path, hasFailed = false): PlacedCarrier => ({ path, isPrimary: false, hasFailed })
const plan = (over: Partial<CarrierSituation>) =>
  planCarriers({ isOpener: true, wantsStandby: true, mayImprove: true, paths: [], carriers: [], ...over })

describe('which paths are disjoint', () => {
  it.each([
    [direct, direct, false],
    [direct, via(1), true],
    [via(1), via(2), true],
    [via(1, 2), via(3, 1), false],
    [via(1), via(1), false],
  ])('%# is told', (left, right, expected) => {
    expect(areDisjoint(left, right)).toBe(expected)
  })
})

describe('what a session lacks', () => {
  it('is a primary when there is no carrier, by the cheapest path first', () => {
    expect(plan({ paths: [direct, via(1)] })).toEqual({
      kind: 'primary',
      isUrgent: true,
      paths: [direct, via(1)],
    })
  })

  it('is a primary when all have failed, by untried paths first', () => {
    expect(plan({ paths: [direct, via(1)], carriers: [primary(direct, true)] })).toEqual({
      kind: 'primary',
      isUrgent: true,
      paths: [via(1), direct],
    })
  })

  it('is a disjoint standby once it has a primary', () => {
    expect(plan({ paths: [via(1, 2), via(2, 3), via(4)], carriers: [primary(via(1, 2))] })).toEqual({
      kind: 'standby',
      paths: [via(4)],
    })
  })

  it('is nothing for a young session, for the other end, and where no disjoint path is', () => {
    const enough = { kind: 'enough', surplus: [] }
    const situation = { paths: [direct, via(1)], carriers: [primary(direct)] }
    expect(plan({ ...situation, wantsStandby: false })).toEqual(enough)
    expect(plan({ ...situation, isOpener: false })).toEqual(enough)
    expect(plan({ paths: [via(1, 2), via(1, 3)], carriers: [primary(via(1, 2))] })).toEqual(enough)
  })

  it('is the cheaper path, after the standby and after a while', () => {
    const situation = { paths: [direct, via(1), via(2)], carriers: [primary(via(1)), other(via(2))] }
    expect(plan(situation)).toEqual({ kind: 'primary', isUrgent: false, paths: [direct] })
    expect(plan({ ...situation, mayImprove: false })).toEqual({ kind: 'enough', surplus: [] })
    expect(plan({ ...situation, carriers: [primary(via(1))] })).toMatchObject({ kind: 'standby' })
  })

  it('is never a second carrier on a path where one has failed', () => {
    const carriers = [primary(via(1)), other(direct, true)]
    expect(plan({ paths: [direct, via(1)], carriers })).toEqual({ kind: 'enough', surplus: [] })
  })

  it('is less when more than a primary and its standby are there', () => {
    const carriers = [other(via(3)), primary(direct), other(via(2)), other(via(1), true)]
    expect(plan({ paths: [direct], carriers })).toEqual({ kind: 'enough', surplus: [2, 3] })
  })

  it('is never a path that is not offered, nor a standby that shares a node with the primary', () => {
    const paths = fc.uniqueArray(fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }), {
      maxLength: 5,
      selector: (hops) => hops.join(),
    })
    const carriers = fc.array(
      fc.record({
        hops: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
        hasFailed: fc.boolean(),
      }),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(paths, carriers, fc.boolean(), (offered, placed, isOpener) => {
        const situation = {
          isOpener,
          paths: offered.map((hops) => via(...hops)),
          carriers: placed.map(({ hops, hasFailed }, index) => ({
            path: via(...hops),
            hasFailed,
            isPrimary: index === 0,
          })),
        }
        const result = plan(situation)
        if (result.kind === 'enough') {
          expect(result.surplus).not.toContain(0)
          return
        }
        for (const path of result.paths) expect(situation.paths).toContain(path)
        const [first] = situation.carriers
        if (result.kind === 'standby') {
          for (const path of result.paths) expect(areDisjoint(path, first?.path ?? [])).toBe(true)
        }
      }),
    )
  })
})
