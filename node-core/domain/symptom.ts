import type { PeerId } from './ids.ts'
import type { Subject } from './subject.ts'

export const SEVERITIES = ['critical', 'warning', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/** Where a figure comes from. Whoever shows one says so. */
export const FIGURE_KINDS = ['measured', 'estimated', 'simulated'] as const
export type FigureKind = (typeof FIGURE_KINDS)[number]

/** One observation that speaks for a symptom. */
export interface Evidence {
  /** In words, for a tired operator: `no heartbeat from boris for 1,240 ms`. */
  readonly text: string
  /** When it was observed, milliseconds since the Unix epoch. */
  readonly at: number
  /** Who observed it. */
  readonly witness: PeerId
  readonly figure?: {
    readonly name: string
    readonly value: number
    readonly unit: string
    readonly kind: FigureKind
  }
}

/** A condition that a detector or an event has shown, by its stable code (docs/symptoms.md). */
export interface Symptom {
  readonly code: string
  readonly subject: Subject
  readonly severity: Severity
  /** How sure it is, 0 to 1. */
  readonly confidence: number
  readonly impactsConnectivity: boolean
  /** First evidence, milliseconds since the Unix epoch: where MTTR starts. */
  readonly firstSeenAt: number
  readonly lastSeenAt: number
  readonly evidence: readonly Evidence[]
}
