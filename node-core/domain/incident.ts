import type { IncidentId, PeerId, PlanId } from './ids.ts'
import type { Subject } from './subject.ts'
import type { Evidence, Severity } from './symptom.ts'

export const INCIDENT_STATES = ['open', 'diagnosed', 'healing', 'verifying', 'resolved', 'escalated'] as const
export type IncidentState = (typeof INCIDENT_STATES)[number]

/** A fault with one root, from its first evidence to the first verified delivery. */
export interface Incident {
  readonly id: IncidentId
  /** Other ids that witnesses gave it before they agreed; each still finds it. */
  readonly aliases: readonly IncidentId[]
  /** Of the root symptom. */
  readonly code: string
  readonly subject: Subject
  readonly severity: Severity
  readonly confidence: number
  readonly impactsConnectivity: boolean
  readonly state: IncidentState
  readonly title: string
  /** What the evidence says is the cause, in words; `undefined` until diagnosed. */
  readonly diagnosis: string | undefined
  readonly firstEvidenceAt: number
  readonly openedAt: number
  /** When its symptom was found gone; `undefined` while it holds. Gone is not healed: that takes a verified delivery. */
  readonly clearedAt: number | undefined
  /** The first delivery that was verified after the repair; MTTR ends here. */
  readonly resolvedAt: number | undefined
  readonly evidence: readonly Evidence[]
  /** Symptoms that this root explains: not incidents of their own, on no page and in no count. */
  readonly consequences: readonly { readonly code: string; readonly subject: Subject }[]
  readonly witnesses: readonly PeerId[]
  /** The lowest reachable PeerId among the witnesses: it alone acts. */
  readonly coordinator: PeerId
  readonly plans: readonly PlanId[]
  readonly people: IncidentPeople
  /** What happened, in order. At most MAX_TIMELINE entries are kept: the first and the last ones. */
  readonly timeline: readonly TimelineEntry[]
}

export interface IncidentPeople {
  readonly acknowledgedBy: string | undefined
  readonly owner: string | undefined
  readonly silencedUntil: number | undefined
  readonly notes: readonly { readonly by: string; readonly at: number; readonly text: string }[]
}

export const TIMELINE_KINDS = [
  'evidence',
  'diagnosis',
  'proposal',
  'approval',
  'step',
  'verification',
  'state',
  'person',
] as const

export interface TimelineEntry {
  readonly at: number
  readonly kind: (typeof TIMELINE_KINDS)[number]
  readonly text: string
  readonly planId?: PlanId
  /** Who did it: a member's name, or `the loop of NAME`. */
  readonly actor?: string
}

export const MAX_TIMELINE = 500

export const isOver = (state: IncidentState): boolean => state === 'resolved'
