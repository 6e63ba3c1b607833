import { describe, expect, it } from 'vitest'
import { incidentIdOf, incidentOf, peer } from '../../../tests/helpers/incidents.ts'
import { playbookOf } from '../../../tests/helpers/playbooks.ts'
import { seededRandom } from '../../../tests/helpers/seeded-random.ts'
import { modeFor, type PlanningFacts, propose } from './planner.ts'
import { precedentsOf } from './precedents.ts'

const [A, B, C] = [peer('A'), peer('B'), peer('C')]

const factsOf = (given: Partial<PlanningFacts> = {}): PlanningFacts => ({
  mesh: { self: A, members: [A, B, C], isReachable: () => true },
  playbooks: [playbookOf()],
  settings: new Map(),
  tallies: [],
  tried: new Set(),
  ...given,
})

const proposed = (facts: PlanningFacts, incident = incidentOf()) => propose(incident, facts, seededRandom(1))

describe('the planner', () => {
  it('proposes what answers to the symptom, and says of each candidate why it stands where it stands', () => {
    const other = playbookOf({ playbook: 'other', trigger: { symptoms: ['node-down'] } })
    const useful = playbookOf({ playbook: 'useful' })
    const tally = { playbook: 'useful', code: 'link-down', wins: 30, losses: 0 }
    const bad = { playbook: 'around', code: 'link-down', wins: 0, losses: 30 }
    const { candidates } = proposed(
      factsOf({ playbooks: [playbookOf(), other, useful], tallies: [tally, bad] }),
    )
    expect(candidates.map(({ playbook, chosen }) => [playbook, chosen])).toEqual([
      ['useful', true],
      ['around', false],
    ])
    expect(candidates[0]?.reasons[0]).toBe('repaired 30 of 30: its score is a draw from that')
  })

  it('makes a step for each node that has to act and can be reached, after all those that go before', () => {
    const playbook = playbookOf({
      steps: [
        { id: 'away', do: 'reroute', on: 'ends' },
        { id: 'dial', do: 'redial', after: ['away'] },
      ],
    })
    const [both] = proposed(factsOf({ playbooks: [playbook] })).ranked
    expect(both?.steps.map(({ id, target, after }) => [id, target, after])).toEqual([
      ['away.1', A, []],
      ['away.2', B, []],
      ['dial', A, ['away.1', 'away.2']],
    ])
    const mesh = { self: A, members: [A, B], isReachable: () => false }
    const [alone] = proposed(factsOf({ playbooks: [playbook], mesh })).ranked
    expect(alone?.steps.map(({ id, target }) => [id, target])).toEqual([
      ['away', A],
      ['dial', A],
    ])
  })

  it('leaves out what was tried, what is disabled and what nobody can do, and says so', () => {
    const dead = playbookOf({ playbook: 'dead', steps: [{ id: 'a', do: 'redial', on: 'subject' }] })
    const { ranked, candidates } = proposed(
      factsOf({
        playbooks: [playbookOf(), playbookOf({ playbook: 'off' }), dead],
        tried: new Set(['around']),
        settings: new Map([['off', { enabled: false, mode: undefined }]]),
        mesh: { self: C, members: [A, B, C], isReachable: () => false },
      }),
    )
    expect(ranked).toEqual([])
    expect(candidates.map(({ reasons }) => reasons[0])).toEqual([
      'it was tried and did not repair this',
      'a person has disabled it',
      'no node that it needs can be reached',
    ])
  })

  it.each([
    [{}, 0.95, undefined, 'auto'],
    [{}, 0.4, undefined, 'ask'],
    [{}, 0.1, undefined, 'observe'],
    [{ risk: 'medium' }, 0.55, undefined, 'ask'],
    [{ risk: 'high' }, 1, undefined, 'ask'],
    [{ risk: 'high' }, 1, 'auto', 'ask'],
    [{ mode: 'observe' }, 1, undefined, 'observe'],
    [{}, 1, 'observe', 'observe'],
    [{ mode: 'observe' }, 1, 'auto', 'auto'],
    [{ steps: [{ id: 'q', do: 'quarantine-peer' }] }, 1, 'auto', 'ask'],
  ] as const)('lets %j at confidence %d, set to %s, go as far as %s', (given, confidence, set, mode) => {
    expect(modeFor(playbookOf(given), confidence, set).mode).toBe(mode)
  })

  it('finds the past incidents that resemble this one, and none that do not', () => {
    const past = [
      incidentOf({ id: incidentIdOf('1'), state: 'resolved' }),
      incidentOf({
        id: incidentIdOf('2'),
        state: 'resolved',
        severity: 'critical',
        impactsConnectivity: false,
      }),
      incidentOf({ id: incidentIdOf('3'), state: 'resolved', code: 'store-full', subject: { kind: 'mesh' } }),
      incidentOf({ id: incidentIdOf('4'), state: 'healing' }),
    ]
    const found = precedentsOf(incidentOf(), past)
    expect(found.map(({ incident }) => incident.id)).toEqual([incidentIdOf('1'), incidentIdOf('2')])
    expect(found[0]?.likeness).toBeCloseTo(1)
  })
})
