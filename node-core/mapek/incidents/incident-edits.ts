import type { PeerId } from '../../domain/ids.ts'
import { type Incident, type IncidentState, MAX_TIMELINE, type TimelineEntry } from '../../domain/incident.ts'
import { type Subject, subjectKey } from '../../domain/subject.ts'
import { type Evidence, SEVERITIES, type Severity } from '../../domain/symptom.ts'

/** Each a pure function from one version of an incident to the next. */

/** From a state to those that it may become. `resolved` is the end: a fault that comes back is a new incident. */
const MOVES: Readonly<Record<IncidentState, readonly IncidentState[]>> = {
  open: ['diagnosed', 'healing', 'resolved', 'escalated'],
  diagnosed: ['healing', 'resolved', 'escalated'],
  // A candidate that failed gives way to the next one, which begins at the diagnosis.
  healing: ['verifying', 'diagnosed', 'escalated'],
  verifying: ['resolved', 'healing', 'diagnosed', 'escalated'],
  // A person approved a plan after all, or repaired it by hand, or the fault went away.
  escalated: ['diagnosed', 'healing', 'resolved'],
  resolved: [],
}

export const mayMove = (from: IncidentState, to: IncidentState): boolean => MOVES[from].includes(to)

/** So much evidence of an incident is kept: the first and the last. */
const MAX_EVIDENCE = 40
const MAX_CONSEQUENCES = 200
const MAX_WITNESSES = 64
const MAX_PLANS_KEPT = 50
/** Cuts what people and members write to a length that a screen and a store can take. */
const MAX_TEXT = 2_000

/** The first ones and the last ones, when there are too many for both. */
function headAndTail<T>(all: readonly T[], limit: number): readonly T[] {
  if (all.length <= limit) return all
  const head = Math.ceil(limit / 4)
  return [...all.slice(0, head), ...all.slice(all.length - (limit - head))]
}

export const cut = (text: string): string =>
  text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text

export function withEntry(incident: Incident, entry: TimelineEntry): Incident {
  const { planId } = entry
  const isNewPlan = planId !== undefined && !incident.plans.includes(planId)
  return {
    ...incident,
    plans: isNewPlan ? [...incident.plans, planId].slice(-MAX_PLANS_KEPT) : incident.plans,
    timeline: headAndTail([...incident.timeline, { ...entry, text: cut(entry.text) }], MAX_TIMELINE),
  }
}

const sameEvidence = (a: Evidence, b: Evidence): boolean =>
  a.at === b.at && a.witness === b.witness && a.text === b.text

export function withEvidence(incident: Incident, evidence: readonly Evidence[]): Incident {
  const news = evidence.filter((item) => !incident.evidence.some((known) => sameEvidence(known, item)))
  if (news.length === 0) return incident
  const all = [...incident.evidence, ...news].sort((a, b) => a.at - b.at)
  return {
    ...incident,
    evidence: headAndTail(all, MAX_EVIDENCE),
    firstEvidenceAt: Math.min(incident.firstEvidenceAt, all[0]?.at ?? incident.firstEvidenceAt),
  }
}

export type Consequence = { readonly code: string; readonly subject: Subject }

/** Adds what is new; what was a consequence once stays one, so that the picture of the whole fault is kept. */
export function withConsequences(incident: Incident, consequences: readonly Consequence[]): Incident {
  const key = ({ code, subject }: Consequence): string => `${code} ${subjectKey(subject)}`
  const all = new Map(incident.consequences.map((one) => [key(one), one]))
  for (const one of consequences.filter((other) => !all.has(key(other)))) {
    if (all.size < MAX_CONSEQUENCES) all.set(key(one), { code: one.code, subject: one.subject })
  }
  return all.size === incident.consequences.length
    ? incident
    : { ...incident, consequences: [...all.values()] }
}

export function withWitnesses(incident: Incident, witnesses: readonly PeerId[]): Incident {
  const all = [...new Set([...incident.witnesses, ...witnesses])].slice(0, MAX_WITNESSES)
  return all.length === incident.witnesses.length ? incident : { ...incident, witnesses: all.sort() }
}

/** Who has said something of it, each once: where a node stands makes it no witness that counts. */
export const agreeingWitnesses = ({ evidence }: Incident): number =>
  new Set(evidence.map(({ witness }) => witness)).size

export const worse = (a: Severity, b: Severity): Severity =>
  SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b
