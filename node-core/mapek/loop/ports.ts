import type { Outcome, PlaybookSetting } from '../../domain/history.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Plan, Verification } from '../../domain/plan.ts'
import type { GuardLimits } from '../guards/guards.ts'
import type { MaintenanceWindow } from '../guards/maintenance.ts'
import type { MeshView } from '../plan/expand-steps.ts'
import type { Playbook, VerifyKind } from '../playbooks/playbook-schema.ts'

/** Measures again what was broken, from both ends where it can. */
export interface HealProbe {
  /** Never rejects: what cannot be measured has not passed. */
  measure(incident: Incident, kind: VerifyKind, signal: AbortSignal): Promise<Measurement>
}
export type Measurement = Pick<Verification, 'passed' | 'checks'>

export interface PlaybookSource {
  all(): readonly Playbook[]
}

export interface SettingStore {
  list(): readonly PlaybookSetting[]
}

export interface OutcomeStore {
  append(outcome: Outcome): boolean
  /** The newest first. */
  recent(limit: number, code?: string): readonly Outcome[]
}

export interface HealMesh {
  view(): MeshView
  nameOf(peer: PeerId): string
}

export interface HealPeople {
  /** Tells people what the loop cannot do alone. Never rejects. */
  call(incident: Incident, text: string): Promise<void>
}

export interface LoopSettings {
  readonly limits: GuardLimits
  readonly windows: readonly MaintenanceWindow[]
  /** How long a person has to decide before it is denied. */
  readonly approvalMs: number
}

export type LoopEvents = {
  /** A plan is new or another. */
  plan: Plan
  /** Paused, resumed, or in safe mode. */
  status: Record<string, never>
}
