import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { IncidentId, PeerId, PlanId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'
import type { ActionOrder } from '../../mapek/execute/ports.ts'
import { createTargetGuards } from './target-guards.ts'

const SELF = '12D3KooWself' as PeerId
const FROM = '12D3KooWfrom' as PeerId
const ANNA = '12D3KooWanna' as PeerId
const OTHER = '12D3KooWother' as PeerId

const order = (
  action: ActionOrder['action'],
  subject: ActionOrder['subject'] = { kind: 'node', peer: OTHER },
): ActionOrder => ({
  ...{ plan: 'plan-0000000000000000' as PlanId, incident: 'inc-0000000000000000' as IncidentId, step: 's' },
  ...{ action, subject, args: {}, target: SELF, key: 'k', isResumed: false },
})

const guards = (
  more: { role?: Role | undefined; mayHeal?: boolean; paused?: boolean; broken?: boolean } = {},
) => {
  const clock = createManualClock()
  const judge = createTargetGuards({
    ...{ clock, self: SELF },
    isPaused: () => more.paused ?? false,
    roleOf: () => ('role' in more ? more.role : 'operator'),
    mayHeal: () => more.mayHeal ?? true,
    isServiceBroken: () => more.broken ?? true,
  })
  return { clock, judge }
}

describe('the guards of a node that is asked for a step', () => {
  it('let a member have it leave a path', () => {
    expect(guards().judge(FROM, order('reroute', { kind: 'link', ends: [OTHER, SELF] }), [])).toBeUndefined()
  })

  it('refuse whoever the policy lets heal nothing', () => {
    expect(guards({ mayHeal: false }).judge(FROM, order('redial'), [])).toMatch(/policy/)
  })

  it('shut nobody out, and let nobody in again, for a node without the role, whatever approver it names', () => {
    for (const role of ['viewer', 'none', undefined] as const) {
      const { judge } = guards({ role })
      expect(judge(FROM, order('quarantine-peer'), [ANNA])).toMatch(/operator/)
      expect(judge(FROM, order('release-peer'), [ANNA])).toMatch(/operator/)
    }
    expect(guards().judge(FROM, order('quarantine-peer'), [])).toMatch(/approval/)
    expect(guards().judge(FROM, order('quarantine-peer'), [ANNA])).toBeUndefined()
  })

  it('hold still while the loop of this node is paused, but undo', () => {
    const { judge } = guards({ paused: true })
    expect(judge(FROM, order('redial'), [])).toMatch(/paused/)
    expect(judge(FROM, order('release-route'), [])).toBeUndefined()
  })

  it('touch no link of others and run no command for a service that works', () => {
    const { judge } = guards({ broken: false })
    expect(judge(FROM, order('reroute', { kind: 'link', ends: [FROM, OTHER] }), [])).toMatch(/no end/)
    const service = { kind: 'service', name: 'web' as never, provider: SELF } as const
    expect(judge(FROM, order('run-command', service), [])).toMatch(/works/)
    expect(judge(FROM, order('run-command'), [])).toMatch(/services of this node/)
  })

  it('take thirty orders a minute from one member, and as many from another', () => {
    const { clock, judge } = guards()
    for (let at = 0; at < 30; at++) expect(judge(FROM, order('redial'), [])).toBeUndefined()
    expect(judge(FROM, order('redial'), [])).toMatch(/too many/)
    expect(judge(OTHER, order('redial'), [])).toBeUndefined()
    clock.advance(61_000)
    expect(judge(FROM, order('redial'), [])).toBeUndefined()
  })
})
