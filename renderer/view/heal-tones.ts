import type { IncidentState } from '../../node-core/domain/incident.ts'
import type { PlanState, Risk, StepState } from '../../node-core/domain/plan.ts'
import type { Tone } from '../ui/tones.ts'

export const INCIDENT_TONES: Readonly<Record<IncidentState, Tone>> = {
  open: 'bad',
  diagnosed: 'bad',
  healing: 'attention',
  verifying: 'attention',
  resolved: 'good',
  escalated: 'bad',
}

export const PLAN_TONES: Readonly<Record<PlanState, Tone>> = {
  proposed: 'info',
  waiting: 'attention',
  approved: 'info',
  running: 'attention',
  verifying: 'attention',
  succeeded: 'good',
  failed: 'bad',
  'rolled-back': 'bad',
  rejected: 'unknown',
  expired: 'unknown',
  withheld: 'unknown',
}

export const STEP_TONES: Readonly<Record<StepState, Tone>> = {
  pending: 'unknown',
  intent: 'info',
  started: 'attention',
  done: 'good',
  failed: 'bad',
  skipped: 'unknown',
  compensated: 'info',
}

export const RISK_TONES: Readonly<Record<Risk, Tone>> = { low: 'good', medium: 'attention', high: 'bad' }
