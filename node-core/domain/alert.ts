import type { IncidentId, PlanId } from './ids.ts'
import type { Severity } from './symptom.ts'

/** What people are told of: a fault, one that the mesh could not repair, its end, and a repair that waits for a yes. */
export const ALERT_EVENTS = ['opened', 'escalated', 'resolved', 'approval'] as const
export type AlertEvent = (typeof ALERT_EVENTS)[number]

export const CHANNEL_KINDS = [
  'webhook',
  'command',
  'email',
  'slack',
  'telegram',
  'splunk',
  'datadog',
] as const

export interface Alert {
  /** `test`: asked for by a person, about nothing. */
  readonly event: AlertEvent | 'test'
  readonly severity: Severity
  /** Of the symptom: `link-down`. */
  readonly code: string
  readonly title: string
  /** What is known of the cause, or what is asked for. */
  readonly text: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly incident: IncidentId | undefined
  readonly plan: PlanId | undefined
}
