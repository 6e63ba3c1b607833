import type { Random } from '../../platform/random.ts'

/** What is known of a playbook against a symptom: verified repairs, and attempts that repaired nothing. */
export interface Tally {
  readonly playbook: string
  readonly code: string
  readonly wins: number
  readonly losses: number
}

/** Old experience fades, or a playbook that failed a hundred times could never show that it works by now. */
export const MAX_EXPERIENCE = 40

/** The tally after one more outcome. Both counts shrink in proportion when they reach the bound. */
export function withOutcome(tally: Tally, succeeded: boolean): Tally {
  const wins = tally.wins + (succeeded ? 1 : 0)
  const losses = tally.losses + (succeeded ? 0 : 1)
  const scale = Math.min(1, MAX_EXPERIENCE / (wins + losses))
  return { ...tally, wins: wins * scale, losses: losses * scale }
}

/**
 * Thompson sampling: a draw from the distribution of the success rate that the outcomes leave, Beta(1 + wins, 1 +
 * losses). What is known to work mostly wins; what is little known is tried now and then (Thompson, Biometrika 1933;
 * Chapelle and Li, "An empirical evaluation of Thompson sampling", 2011).
 */
export function drawScore({ wins, losses }: Pick<Tally, 'wins' | 'losses'>, random: Random): number {
  const a = drawGamma(1 + Math.max(0, wins), random)
  const b = drawGamma(1 + Math.max(0, losses), random)
  return a / (a + b)
}

/** Marsaglia and Tsang, "A simple method for generating gamma variables", 2000. `shape` is at least 1. */
function drawGamma(shape: number, random: Random): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  // Accepted in more than 95 of 100 rounds: a bound in place of trust in the generator.
  for (let round = 0; round < 1_000; round += 1) {
    const x = drawNormal(random)
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    const u = Math.max(random.unit(), Number.MIN_VALUE)
    if (Math.log(u) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return d * v
  }
  return shape
}

/** Box and Muller, 1958. */
function drawNormal(random: Random): number {
  const u = Math.max(random.unit(), Number.MIN_VALUE)
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * random.unit())
}
