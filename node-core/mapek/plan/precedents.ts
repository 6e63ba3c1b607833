import type { Incident } from '../../domain/incident.ts'

/** A past incident that resembles this one, and how much: 1 is alike in all that is compared. */
export interface Precedent {
  readonly incident: Incident
  readonly likeness: number
}

const MAX_PRECEDENTS = 3
const MIN_LIKENESS = 0.6

/** What an incident looks like, each part within 0 and 1. The code weighs most: it is what a repair answers to. */
export function featuresOf(incident: Incident): readonly number[] {
  const hour = (incident.firstEvidenceAt / 3_600_000) % 24
  return [
    Math.min(1, Math.log2(1 + incident.consequences.length) / 6),
    Math.min(1, Math.log2(1 + incident.witnesses.length) / 4),
    incident.confidence,
    incident.impactsConnectivity ? 1 : 0,
    incident.severity === 'critical' ? 1 : incident.severity === 'warning' ? 0.5 : 0,
    // On a circle, so that 23:00 is near to 01:00.
    0.5 + 0.5 * Math.cos((2 * Math.PI * hour) / 24),
    0.5 + 0.5 * Math.sin((2 * Math.PI * hour) / 24),
  ]
}

const WEIGHTS = [2, 1, 1, 2, 1, 0.25, 0.25]
const TOTAL = WEIGHTS.reduce((sum, weight) => sum + weight, 0)

/** 0 to 1. Of another kind of subject or another code never more than half. */
function likeness(a: Incident, b: Incident): number {
  const [left, right] = [featuresOf(a), featuresOf(b)]
  const apart = WEIGHTS.reduce(
    (sum, weight, at) => sum + weight * Math.abs((left[at] ?? 0) - (right[at] ?? 0)),
    0,
  )
  const shape = 1 - apart / TOTAL
  if (a.code === b.code) return 0.6 + 0.4 * shape
  return a.subject.kind === b.subject.kind ? 0.5 * shape : 0.25 * shape
}

/** The most alike first; resolved or escalated ones alone, because from others nothing can be learned yet. */
export function precedentsOf(incident: Incident, past: readonly Incident[]): readonly Precedent[] {
  return past
    .filter(({ id, state }) => id !== incident.id && (state === 'resolved' || state === 'escalated'))
    .map((other) => ({ incident: other, likeness: likeness(incident, other) }))
    .filter((precedent) => precedent.likeness >= MIN_LIKENESS)
    .sort((a, b) => b.likeness - a.likeness || b.incident.openedAt - a.incident.openedAt)
    .slice(0, MAX_PRECEDENTS)
}
