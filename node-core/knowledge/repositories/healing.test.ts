import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  incidentId,
  incidentOf,
  planId,
  planOf,
  symptomOf,
} from '../../../tests/helpers/healing-documents.ts'
import type { JournalEntry, Outcome } from '../../domain/history.ts'
import { INCIDENT_STATES } from '../../domain/incident.ts'
import { PLAN_STATES } from '../../domain/plan.ts'
import { silentLogger } from '../../platform/logger.ts'
import { type Knowledge, openKnowledge } from '../knowledge.ts'

let folder = ''
let path = ''
let opened: Knowledge[] = []
const open = (): Knowledge => {
  const knowledge = openKnowledge({ logger: silentLogger }, { path })
  opened.push(knowledge)
  return knowledge
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-healing-'))
  path = join(folder, 'knowledge.db')
})
afterEach(() => {
  for (const knowledge of opened) knowledge.close()
  opened = []
  rmSync(folder, { recursive: true, force: true })
})

describe('incidents and symptoms', () => {
  it('come back over a restart as they were given, whatever is in them', () => {
    const before = open()
    const changes = fc.record({
      title: fc.string(),
      confidence: fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0),
      diagnosis: fc.option(fc.string(), { nil: undefined }),
      resolvedAt: fc.option(fc.nat(), { nil: undefined }),
      state: fc.constantFrom(...INCIDENT_STATES),
    })
    fc.assert(
      fc.property(changes, (change) => {
        const incident = incidentOf(1, change)
        before.incidents.save(incident)
        expect(before.incidents.get(incident.id)).toEqual(incident)
      }),
    )
    before.incidents.save(incidentOf(2))
    before.symptoms.save(symptomOf())
    const after = open()
    expect(after.incidents.get(incidentId(2))).toStrictEqual(incidentOf(2))
    expect(after.symptoms.seenBetween(0, 3_000, 10)).toStrictEqual([symptomOf()])
  })

  it('are listed by what is over and by time, the newest first', () => {
    const { incidents } = open()
    for (const n of [1, 2, 3]) incidents.save(incidentOf(n))
    incidents.save(incidentOf(2, { state: 'resolved', resolvedAt: 5_000 }))
    const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id)
    expect(ids(incidents.unresolved(10))).toEqual([incidentId(3), incidentId(1)])
    expect(ids(incidents.unresolved(1))).toEqual([incidentId(3)])
    expect(ids(incidents.recent(10))).toEqual([3, 2, 1].map(incidentId))
    expect(ids(incidents.recent(10, 1_003))).toEqual([2, 1].map(incidentId))
    expect(ids(incidents.openBetween(5_000, 6_000, 10))).toEqual([3, 2, 1].map(incidentId))
    expect(ids(incidents.openBetween(5_001, 6_000, 10))).toEqual([3, 1].map(incidentId))
    expect(ids(incidents.openBetween(0, 1_002, 10))).toEqual([incidentId(1)])
    incidents.remove(incidentId(3))
    expect(ids(incidents.unresolved(10))).toEqual([incidentId(1)])
  })

  it('keeps one row for a symptom that lasts', () => {
    const { symptoms } = open()
    symptoms.save(symptomOf())
    symptoms.save(symptomOf({ lastSeenAt: 9_000 }))
    symptoms.save(symptomOf({ firstSeenAt: 8_000, lastSeenAt: 8_500 }))
    expect(symptoms.seenBetween(0, 10_000, 10).map(({ lastSeenAt }) => lastSeenAt)).toEqual([9_000, 8_500])
    expect(symptoms.seenBetween(0, 9_000, 10)).toHaveLength(1)
  })

  it('is damage when a document is not one', () => {
    const { incidents } = open()
    incidents.save(incidentOf(1))
    const other = new Database(path)
    for (const document of ['{', '{}', JSON.stringify({ ...incidentOf(1), coordinator: 'nobody' })]) {
      other.prepare('UPDATE incidents SET document = ?').run(document)
      expect(() => incidents.get(incidentId(1))).toThrow('not a document of an incident')
    }
    other.close()
  })
})

describe('plans, their journal and their votes', () => {
  const entry = (n: number, over: Partial<JournalEntry> = {}): JournalEntry => ({
    ...{ planId: planId(1), stepId: 'redial', idempotencyKey: `plan-1/redial/${n}`, attempt: n },
    ...{ phase: 'intent', at: 3_000 + n, detail: 'redials boris' },
    ...over,
  })

  it('come back over a restart as they were given', () => {
    const before = open()
    for (const state of PLAN_STATES) {
      before.plans.save(planOf(1, { state, verification: undefined }))
      expect(before.plans.get(planId(1))).toStrictEqual(planOf(1, { state, verification: undefined }))
    }
    before.plans.save(planOf(2))
    before.plans.save(planOf(3, { state: 'succeeded', endedAt: 9_000 }))
    const { plans } = open()
    expect(plans.get(planId(2))).toStrictEqual(planOf(2))
    expect(plans.unfinished(10).map(({ id }) => id)).toEqual([planId(1), planId(2)])
    expect(plans.ofIncident(incidentId(1)).map(({ id }) => id)).toEqual([1, 2, 3].map(planId))
    expect(plans.ofIncident(incidentId(9))).toEqual([])
    expect(plans.recent(2).map(({ id }) => id)).toEqual([planId(3), planId(2)])
  })

  it('keeps every line of the journal in the order of writing, and finds the last one of an effect', () => {
    const { journal } = open()
    const lines = [entry(1), entry(1, { phase: 'started' }), entry(2), entry(1, { phase: 'done', at: 0 })]
    for (const line of lines) journal.append(line)
    journal.append(entry(7, { planId: planId(2) }))
    expect(open().journal.ofPlan(planId(1))).toEqual(lines)
    expect(journal.last('plan-1/redial/1')?.phase).toBe('done')
    expect(journal.last('plan-1/redial/3')).toBeUndefined()
  })

  it('counts one vote of each voter, also when two come at once', () => {
    const [one, two] = [open(), open()]
    const vote = { by: 'anna', verdict: 'approve', at: 5, comment: undefined } as const
    expect(one.votes.cast(planId(1), vote)).toBe(true)
    expect(two.votes.cast(planId(1), { ...vote, verdict: 'reject' })).toBe(false)
    expect(two.votes.cast(planId(1), { ...vote, by: 'boris', comment: 'yes' })).toBe(true)
    expect(two.votes.cast(planId(2), vote)).toBe(true)
    expect(one.votes.ofPlan(planId(1))).toEqual([vote, { ...vote, by: 'boris', comment: 'yes' }])
  })

  it('keeps an incident and its plan together or not at all', () => {
    const { incidents, plans, atomic } = open()
    const failing = () =>
      atomic(() => {
        incidents.save(incidentOf(1))
        plans.save(planOf(1))
        throw new RangeError('in the middle')
      })
    expect(failing).toThrow('in the middle')
    expect([incidents.get(incidentId(1)), plans.get(planId(1))]).toEqual([undefined, undefined])
  })
})

describe('what was learned', () => {
  const outcome = (n: number, over: Partial<Outcome> = {}): Outcome => ({
    ...{ at: n, plan: planId(n), incident: incidentId(n), playbook: 'redial', playbookVersion: 1 },
    ...{ code: 'link-silent', features: [0.1, n, -1e-9], succeeded: n % 2 === 0, durationMs: 12.5 },
    ...over,
  })

  it('has one outcome for a plan, and can be reset', () => {
    const { outcomes } = open()
    for (const n of [1, 2, 3]) expect(outcomes.append(outcome(n))).toBe(true)
    expect(outcomes.append(outcome(3, { succeeded: true }))).toBe(false)
    outcomes.append(outcome(4, { code: 'node-down', playbook: 'switch' }))
    expect(outcomes.recent(2, 'link-silent')).toEqual([outcome(3), outcome(2)])
    expect(outcomes.recent(10)).toHaveLength(4)
    expect([outcomes.reset('redial'), outcomes.reset()]).toEqual([3, 1])
  })

  it('keeps settings of playbooks and baselines over a restart', () => {
    const before = open()
    const setting = {
      playbook: 'redial',
      enabled: false,
      mode: 'ask',
      changedBy: 'anna',
      changedAt: 7,
    } as const
    before.playbookSettings.put({ ...setting, enabled: true, mode: undefined })
    before.playbookSettings.put({ ...setting, playbook: 'a', mode: undefined })
    before.playbookSettings.put(setting)
    before.baselines.putAll([{ series: 's', updatedAt: 1, state: 'old' }])
    before.baselines.putAll([
      { series: 's', updatedAt: 2, state: 'new' },
      { series: 'r', updatedAt: 2, state: '[1]' },
    ])
    const { playbookSettings, baselines } = open()
    expect(playbookSettings.list()).toEqual([{ ...setting, playbook: 'a', mode: undefined }, setting])
    expect(playbookSettings.get('redial')).toEqual(setting)
    expect([playbookSettings.remove('a'), playbookSettings.remove('a')]).toEqual([true, false])
    expect(baselines.all().map(({ series, state }) => `${series} ${state}`)).toEqual(['r [1]', 's new'])
    baselines.remove('r')
    expect(baselines.all()).toHaveLength(1)
  })
})

describe('forgetting', () => {
  const YEAR_MS = 366 * 86_400_000
  it('lets what is old and over go, in slices, with all that belongs to it', () => {
    const { incidents, plans, journal, votes, symptoms, forget, atomic } = open()
    atomic(() => {
      for (let n = 1; n <= 250; n += 1) {
        incidents.save(incidentOf(n, { state: 'resolved', resolvedAt: 5_000 }))
        plans.save(planOf(n, { state: 'failed', endedAt: 5_000 }))
      }
      journal.append({
        ...{ planId: planId(1), stepId: 'a', idempotencyKey: 'k', attempt: 1 },
        ...{ phase: 'done', at: 1, detail: '' },
      })
      votes.cast(planId(1), { by: 'anna', verdict: 'approve', at: 1, comment: undefined })
      incidents.save(incidentOf(300))
      plans.save(planOf(300))
      symptoms.save(symptomOf())
      symptoms.save(symptomOf({ lastSeenAt: YEAR_MS, firstSeenAt: YEAR_MS }))
    })
    expect(forget(5_000)).toBe(false)
    expect(incidents.recent(1_000)).toHaveLength(251)
    expect([forget(YEAR_MS + 10_000), forget(YEAR_MS + 10_000)]).toEqual([true, false])
    expect(incidents.recent(1_000).map(({ id }) => id)).toEqual([incidentId(300)])
    expect(plans.recent(1_000).map(({ id }) => id)).toEqual([planId(300)])
    expect([journal.ofPlan(planId(1)), votes.ofPlan(planId(1))]).toEqual([[], []])
    expect(symptoms.seenBetween(0, 2 * YEAR_MS, 10)).toHaveLength(1)
  })
})
