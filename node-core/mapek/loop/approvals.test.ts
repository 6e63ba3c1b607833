import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createMemoryPlans, planOf } from '../../../tests/helpers/plan-store.ts'
import type { Plan, PlanVote } from '../../domain/plan.ts'
import { createApprovals } from './approvals.ts'

const HOUR_MS = 3_600_000
const never = new AbortController().signal

function setUp() {
  const clock = createManualClock()
  const { plans } = createMemoryPlans()
  const told: string[] = []
  const make = () => createApprovals({ clock, plans }, ({ state }) => void told.push(state))
  const waiting: Plan = planOf({ state: 'waiting', approvalExpiresAt: clock.now() + HOUR_MS })
  plans.save(waiting)
  const vote = (by: string, verdict: PlanVote['verdict'] = 'approve'): PlanVote => ({
    ...{ by, verdict, at: clock.now(), comment: undefined },
  })
  return { clock, plans, told, make, waiting, vote, stored: () => plans.get(waiting.id) }
}

describe('approvals', () => {
  it('are decided by the first of two votes that cross, and the second is told so', async () => {
    const { make, waiting, vote, stored } = setUp()
    const approvals = make()
    const decided = approvals.decided(waiting, never)
    approvals.vote(waiting.id, vote('anna'))
    expect(() => approvals.vote(waiting.id, vote('boris', 'reject'))).toThrow(
      expect.objectContaining({ code: 'PLAN_NOT_WAITING' }),
    )
    expect(await decided).toMatchObject({ state: 'approved', approvals: [{ by: 'anna' }] })
    expect(stored()?.approvals).toHaveLength(1)
  })

  it('count one certificate once', () => {
    const { make, waiting, vote } = setUp()
    const approvals = make()
    approvals.vote(waiting.id, vote('anna'))
    expect(() => approvals.vote(waiting.id, vote('anna'))).toThrow(
      expect.objectContaining({ code: 'PLAN_VOTED' }),
    )
  })

  it('are on the disk before anybody acts on them', async () => {
    const { make, waiting, vote, stored } = setUp()
    const approvals = make()
    const seen = approvals.decided(waiting, never).then(() => stored()?.state)
    approvals.vote(waiting.id, vote('anna'))
    expect(await seen).toBe('approved')
  })

  it('expire to a no, and a yes that comes later is refused', async () => {
    const { make, clock, waiting, vote, stored } = setUp()
    const approvals = make()
    const decided = approvals.decided(waiting, never)
    clock.advance(HOUR_MS)
    expect(await decided).toMatchObject({ state: 'expired', approvals: [] })
    expect(() => approvals.vote(waiting.id, vote('anna'))).toThrow(
      expect.objectContaining({ code: 'PLAN_NOT_WAITING' }),
    )
    expect(stored()?.state).toBe('expired')
  })

  it('expire also when the timer was lost in a restart, before the vote is counted', () => {
    const { make, clock, waiting, vote, stored } = setUp()
    clock.advance(HOUR_MS + 1)
    const afterRestart = make()
    expect(() => afterRestart.vote(waiting.id, vote('anna'))).toThrow(
      expect.objectContaining({ code: 'PLAN_NOT_WAITING' }),
    )
    expect(stored()?.state).toBe('expired')
  })

  it('are denied at the start when their time ran out while nobody ran, and no others are', () => {
    const { make, clock, plans, waiting } = setUp()
    const running = planOf({ id: `plan-${'2'.repeat(16)}` as Plan['id'], state: 'running' })
    plans.save(running)
    expect(make().expire()).toEqual([])
    clock.advance(HOUR_MS)
    expect(
      make()
        .expire()
        .map(({ id, state }) => [id, state]),
    ).toEqual([[waiting.id, 'expired']])
    expect(plans.get(running.id)?.state).toBe('running')
  })

  it('are seen by whoever waits after a restart, although the vote came before', async () => {
    const { make, waiting, vote } = setUp()
    const approvals = make()
    approvals.vote(waiting.id, vote('anna', 'reject'))
    expect(await approvals.decided(waiting, never)).toMatchObject({ state: 'rejected' })
  })

  it('are not decided by a loop that stops', async () => {
    const { make, clock, waiting, stored } = setUp()
    const stopping = new AbortController()
    const decided = make().decided(waiting, stopping.signal)
    stopping.abort(new Error('the node stops'))
    await expect(decided).rejects.toThrow('the node stops')
    expect(stored()?.state).toBe('waiting')
    expect(clock.timers).toBe(0)
  })

  it('are of plans that are known', () => {
    const { make, vote } = setUp()
    expect(() => make().vote(`plan-${'9'.repeat(16)}` as Plan['id'], vote('anna'))).toThrow(
      expect.objectContaining({ code: 'PLAN_UNKNOWN' }),
    )
  })
})
