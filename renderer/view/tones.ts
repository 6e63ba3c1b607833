import type { TopicItem } from '../../node-core/contract/events-schemas.ts'
import type { LinkState } from '../../node-core/domain/link.ts'
import type { Severity } from '../../node-core/domain/symptom.ts'
import type { Tone } from '../ui/tones.ts'

/*
 * How states of the node are shown. The same state has the same colour, shape and words on every page.
 */

export const LINK_TONES: Readonly<Record<LinkState, Tone>> = {
  up: 'good',
  degraded: 'attention',
  suspect: 'attention',
  down: 'bad',
}

export const SERVICE_TONES: Readonly<Record<TopicItem<'services'>['state'], Tone>> = {
  healthy: 'good',
  unhealthy: 'bad',
  unknown: 'unknown',
}

export const SEVERITY_TONES: Readonly<Record<Severity, Tone>> = {
  critical: 'bad',
  warning: 'attention',
  info: 'info',
}

export type Member = TopicItem<'members'>

export const MEMBER_STATES = [
  'self',
  'direct',
  'routed',
  'unreachable',
  'quarantined',
  'expired',
  'revoked',
] as const
export type MemberState = (typeof MEMBER_STATES)[number]

/** Unreachable is judged by this node; a member that was put out is neither up nor down. */
export function memberState({ self, standing, reachable, hops }: Member): MemberState {
  if (standing !== 'member') return standing
  if (self) return 'self'
  if (!reachable) return 'unreachable'
  return hops === 1 ? 'direct' : 'routed'
}

export const MEMBER_TONES: Readonly<Record<MemberState, Tone>> = {
  self: 'good',
  direct: 'good',
  routed: 'good',
  unreachable: 'bad',
  quarantined: 'attention',
  expired: 'unknown',
  revoked: 'unknown',
}
