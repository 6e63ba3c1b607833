import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../tests/helpers/seeded-random.ts'
import { drawScore, MAX_EXPERIENCE, type Tally, withOutcome } from './ranking.ts'

const fresh = (playbook: string): Tally => ({ playbook, code: 'link-down', wins: 0, losses: 0 })

describe('ranking by outcomes', () => {
  it('puts the one playbook that helps first after ten outcomes, whatever the seed', () => {
    let rightFirst = 0
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seededRandom(seed)
      let tallies = [fresh('useless'), fresh('useful')]
      const first = (): string => {
        const scored = tallies.map((tally) => ({ tally, score: drawScore(tally, random) }))
        return scored.sort((a, b) => b.score - a.score)[0]?.tally.playbook ?? ''
      }
      // As the loop does it: the one that is drawn first runs, and when it does not help the other one runs as well.
      for (let outcomes = 0; outcomes < 10; ) {
        const order = first() === 'useful' ? ['useful'] : ['useless', 'useful']
        for (const name of order) {
          tallies = tallies.map((tally) =>
            tally.playbook === name ? withOutcome(tally, name === 'useful') : tally,
          )
          outcomes += 1
        }
      }
      if (first() === 'useful') rightFirst += 1
    }
    expect(rightFirst).toBeGreaterThan(285)
  })

  it('draws scores between 0 and 1 whose mean is the rate that the outcomes suggest', () => {
    const random = seededRandom(7)
    const draws = Array.from({ length: 4_000 }, () => drawScore({ wins: 7, losses: 1 }, random))
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...draws)).toBeLessThanOrEqual(1)
    expect(draws.reduce((sum, score) => sum + score, 0) / draws.length).toBeCloseTo(0.8, 1)
  })

  it('keeps what it learns within bounds, and lets a playbook that has failed for ever come back', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (outcomes) => {
        const tally = outcomes.reduce(withOutcome, fresh('any'))
        expect(tally.wins + tally.losses).toBeLessThanOrEqual(MAX_EXPERIENCE + 1e-9)
        expect(Math.min(tally.wins, tally.losses)).toBeGreaterThanOrEqual(0)
      }),
    )
    const failed = Array(1_000).fill(false).reduce(withOutcome, fresh('any'))
    const back = Array(60).fill(true).reduce(withOutcome, failed)
    expect(back.wins).toBeGreaterThan(back.losses)
  })
})
