import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { incidentOf, peer } from '../../../tests/helpers/incidents.ts'
import { playbookOf } from '../../../tests/helpers/playbooks.ts'
import type { PlanStep, StepAction } from '../../domain/plan.ts'
import { subjectKey } from '../../domain/subject.ts'
import { expandSteps } from '../plan/expand-steps.ts'
import type { RankedPlaybook } from '../plan/planner.ts'
import { type Backing, GUARD_DEFAULTS, type GuardFacts, judgePlan } from './guards.ts'
import { isWithin, parseMaintenance } from './maintenance.ts'

const NOW = 1_700_000_000_000
const PEERS = ['A', 'B', 'C', 'D', 'E', 'F'].map(peer)
const [A, B] = [peer('A'), peer('B')]
const INCIDENT = incidentOf()
const KEY = subjectKey(INCIDENT.subject)
const NOBODY: Backing = { approvals: 0, witnesses: 1 }

const mesh = { self: A, members: PEERS, isReachable: () => true }
function ranked(given: object = {}): RankedPlaybook {
  const playbook = playbookOf(given)
  const steps = expandSteps(playbook, INCIDENT, mesh)
  const blastRadius = new Set(steps.map(({ target }: PlanStep) => target)).size
  return { playbook, score: 0.5, mode: 'auto', steps, blastRadius }
}

const factsOf = (given: Partial<GuardFacts> = {}): GuardFacts => ({
  now: NOW,
  limits: GUARD_DEFAULTS,
  openedAt: [NOW - 100],
  past: [],
  underWay: [],
  members: 6,
  reachable: 6,
  paused: undefined,
  windows: [],
  failedAt: [],
  ...given,
})

const guardOf = (chosen: RankedPlaybook, facts: GuardFacts, backing = NOBODY): string => {
  const verdict = judgePlan(INCIDENT, chosen, backing, facts)
  return verdict.kind === 'allowed' ? 'allowed' : verdict.guard
}

const past = (ago: number, given = {}) => ({
  ...{
    at: NOW - ago,
    playbook: 'other',
    subject: 'mesh',
    target: B,
    action: 'redial' as StepAction,
    ...given,
  },
})
const times = (count: number, make: (at: number) => number): number[] =>
  Array.from({ length: count }, (_, at) => make(at))

describe('the guards', () => {
  it('let a quiet mesh be repaired', () => {
    expect(guardOf(ranked(), factsOf())).toBe('allowed')
  })

  it.each<[string, object, Partial<GuardFacts>]>([
    ['pause', {}, { paused: { reason: 'moving house', by: 'ada' } }],
    ['storm', {}, { openedAt: times(5, (at) => NOW - 1_000 * at) }],
    ['breaker', {}, { failedAt: times(5, (at) => NOW - 5_000 + at) }],
    ['one-at-a-time', {}, { underWay: [{ subject: KEY, actions: [] }] }],
    ['one-at-a-time', {}, { underWay: [{ subject: 'mesh', actions: [{ target: A, action: 'reroute' }] }] }],
    ['cooldown', {}, { past: [past(29_999, { playbook: 'around', subject: KEY })] }],
    ['rate', {}, { past: times(30, (at) => at).map((at) => past(at)) }],
    ['rate', { guards: { 'per-hour': 2 } }, { past: [1, 2].map((at) => past(at, { playbook: 'around' })) }],
    ['blast-radius', { steps: [{ id: 'a', do: 'reroute', on: 'everyone' }] }, {}],
    ['blast-radius', { guards: { 'blast-radius': 1 }, steps: [{ id: 'a', do: 'reroute', on: 'ends' }] }, {}],
    ['minimum-healthy', { risk: 'medium' }, { reachable: 2 }],
    ['minimum-healthy', { guards: { 'healthy-share': 1 } }, { reachable: 5 }],
    ['maintenance', { guards: { when: 'maintenance' } }, {}],
    ['destructive', { steps: [{ id: 'a', do: 'quarantine-peer' }] }, {}],
  ])('hold it back by %s for %j', (guard, given, facts) => {
    expect(guardOf(ranked(given), factsOf(facts))).toBe(guard)
  })

  it('let a destructive action pass for a person, or for three nodes that agree, and for nothing less', () => {
    const chosen = ranked({ steps: [{ id: 'a', do: 'quarantine-peer' }] })
    expect(guardOf(chosen, factsOf(), { approvals: 1, witnesses: 0 })).toBe('allowed')
    expect(guardOf(chosen, factsOf(), { approvals: 0, witnesses: 3 })).toBe('allowed')
    expect(guardOf(chosen, factsOf(), { approvals: 0, witnesses: 2 })).toBe('destructive')
  })

  it('tell people also in a storm and with an open breaker, but do not while paused', () => {
    const notify = ranked({ steps: [{ id: 'tell', do: 'notify' }] })
    const storm = { openedAt: times(50, () => NOW), failedAt: times(9, () => NOW) }
    expect(guardOf(notify, factsOf(storm))).toBe('allowed')
    expect(guardOf(notify, factsOf({ ...storm, paused: { reason: 'x', by: 'ada' } }))).toBe('pause')
  })

  it('release whatever they held back by time alone', () => {
    const facts = fc.record({
      openedAt: fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 20 }),
      past: fc.array(fc.record({ ago: fc.integer({ min: 0, max: 3_600_000 }), own: fc.boolean() }), {
        maxLength: 60,
      }),
      failedAt: fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 10 }),
    })
    fc.assert(
      fc.property(facts, (given) => {
        const held = factsOf({
          openedAt: given.openedAt.map((ago) => NOW - ago),
          failedAt: given.failedAt.map((ago) => NOW - ago).sort((a, b) => a - b),
          past: given.past
            .map(({ ago, own }) => past(ago, own ? { playbook: 'around', subject: KEY } : {}))
            .sort((a, b) => a.at - b.at),
        })
        let now = NOW
        for (let looks = 0; looks < 500; looks += 1) {
          const verdict = judgePlan(INCIDENT, ranked(), NOBODY, { ...held, now })
          if (verdict.kind === 'allowed') return
          expect(verdict.until).toBeGreaterThan(now)
          now = verdict.until ?? now
        }
        expect.unreachable('a guard never let go')
      }),
    )
  })

  it('never let more actions through in a minute than the limit, however incidents come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 100, maxLength: 200 }),
        (gaps) => {
          const done: GuardFacts['past'][number][] = []
          let now = NOW
          for (const [at, gap] of gaps.entries()) {
            now += gap
            const facts = factsOf({ now, past: done, openedAt: [] })
            const verdict = judgePlan(INCIDENT, ranked({ playbook: `p${at}` }), NOBODY, facts)
            if (verdict.kind === 'allowed')
              done.push({ ...past(0, { playbook: `p${at}`, subject: KEY }), at: now })
            const inMinute = done.filter((action) => now - action.at < 60_000)
            expect(inMinute.length).toBeLessThanOrEqual(GUARD_DEFAULTS.actionsPerMinute)
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('a maintenance window', () => {
  const at = (text: string): number => Date.parse(`2026-11-${text}:00Z`)

  it.each([
    ['02:00-04:00', '24T02:00', true],
    ['02:00-04:00', '24T04:00', false],
    ['22:00-02:00', '24T01:59', true],
    ['22:00-02:00', '24T21:59', false],
    ['sat,sun 22:00-02:00', '21T23:00', true],
    ['sat,sun 22:00-02:00', '23T01:00', true],
    ['sat,sun 22:00-02:00', '23T23:00', false],
    ['sat,sun 22:00-02:00', '21T01:00', false],
    ['00:00-00:00', '24T12:00', true],
  ])('%s on %s: %s', (text, time, isOpen) => {
    const window = parseMaintenance(text)
    expect(window && isWithin(window, at(time))).toBe(isOpen)
  })

  it.each(['', '2:00-4:00', '24:00-25:00', 'foo 02:00-04:00', '02:00'])('is not %j', (text) => {
    expect(parseMaintenance(text)).toBeUndefined()
  })
})
