import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { incidentId, incidentOf, planId } from '../../tests/helpers/healing-documents.ts'
import type { Outcome } from './history.ts'
import { findPrecedents } from './precedents.ts'
import { computeSlo } from './slo.ts'

const targets = { availability: 0.99, mttrMs: 1_000, windowMs: 100_000 }
const facts = { reachable: [], everyMs: 1_000, incidents: [] }
const point = (at: number, mean: number, count = 60) => ({ at, min: mean, max: mean, mean, count })
const repaired = (n: number, from: number, until: number) =>
  incidentOf(n, { firstEvidenceAt: from, resolvedAt: until, state: 'resolved' })

describe('the service levels', () => {
  it('are unknown, not met, when nothing was measured', () => {
    const slo = computeSlo(targets, facts, 200_000)
    expect([slo.availability.verdict, slo.mttr.verdict]).toEqual(['unknown', 'unknown'])
    expect(slo.availability).toMatchObject({ value: undefined, samples: 0, coveredMs: 0 })
    expect([slo.from, slo.until]).toEqual([100_000, 200_000])
  })

  it('weigh each minute by its samples and name the worst ones', () => {
    const reachable = [point(0, 1), point(60_000, 0.5, 30), point(120_000, 1)]
    const { availability } = computeSlo(targets, { ...facts, reachable }, 200_000)
    expect(availability).toMatchObject({ value: 0.9, samples: 150, coveredMs: 150_000, verdict: 'missed' })
    expect(availability.worst).toEqual([{ at: 60_000, value: 0.5 }])
    const full = computeSlo(targets, { ...facts, reachable: [point(0, 0.995)] }, 200_000)
    expect(full.availability.verdict).toBe('met')
  })

  it('give a median of any repairs, and a 95th percentile of thirty only', () => {
    const few = [repaired(1, 150_000, 150_500), repaired(2, 150_000, 152_000), incidentOf(3)]
    const { mttr } = computeSlo(targets, { ...facts, incidents: few }, 200_000)
    expect(mttr).toMatchObject({
      medianMs: 500,
      p95Ms: undefined,
      repaired: 2,
      unresolved: 1,
      verdict: 'met',
    })
    expect(mttr.slowest.map(({ durationMs }) => durationMs)).toEqual([2_000, 500])
    const many = Array.from({ length: 40 }, (_, n) => repaired(n, 150_000, 150_000 + (n < 36 ? 100 : 5_000)))
    const all = computeSlo(targets, { ...facts, incidents: many }, 200_000).mttr
    expect(all).toMatchObject({ medianMs: 100, p95Ms: 5_000, verdict: 'missed' })
    const before = computeSlo(targets, { ...facts, incidents: [repaired(1, 10, 20)] }, 200_000).mttr
    expect(before).toMatchObject({ repaired: 0, verdict: 'unknown' })
  })

  it('count time that several incidents share once, and what lasts until now', () => {
    const incidents = [
      repaired(1, 120_000, 130_000),
      repaired(2, 125_000, 140_000),
      incidentOf(3, { firstEvidenceAt: 190_000 }),
      repaired(4, 50_000, 101_000),
      { ...repaired(5, 150_000, 180_000), impactsConnectivity: false },
    ]
    expect(computeSlo(targets, { ...facts, incidents }, 200_000).impaired).toEqual({
      ms: 31_000,
      incidents: 4,
    })
  })
})

describe('precedents', () => {
  const outcome = (n: number, features: readonly number[]): Outcome => ({
    ...{ at: n, plan: planId(n), incident: incidentId(n), playbook: 'p', playbookVersion: 1 },
    ...{ code: 'c', features, succeeded: true, durationMs: 1 },
  })

  it('are the nearest ones, each feature by its own spread', () => {
    const past = [outcome(1, [1_000, 0.1]), outcome(2, [10, 0.9]), outcome(3, [12, 0.1]), outcome(4, [1])]
    const found = findPrecedents([11, 0.1], past, 2)
    expect(found.map(({ outcome: { at } }) => at)).toEqual([3, 1])
    expect(found[0]?.similarity).toBeGreaterThan(0.99)
    expect(findPrecedents([Number.NaN, 0], past, 2)).toEqual([])
  })

  it('put what is the same first, with a similarity from 0 to 1', () => {
    const vector = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(vector, fc.array(vector, { maxLength: 20 }), (own, others) => {
        const past = [...others.map((other, n) => outcome(n, other)), outcome(99, own)]
        const found = findPrecedents(own, past, 50)
        expect(found[0]?.outcome.at).toBe(99)
        expect(found.every(({ similarity }) => similarity >= 0 && similarity <= 1)).toBe(true)
      }),
    )
  })
})
