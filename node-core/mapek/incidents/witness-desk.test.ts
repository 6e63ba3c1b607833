import { describe, expect, it } from 'vitest'
import { incidentIdOf, peer } from '../../../tests/helpers/incidents.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createMemoryIncidentStore } from '../../../tests/helpers/memory-incident-store.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import { linkSubject, type Subject } from '../../domain/subject.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createIncidentBook } from './incident-book.ts'
import { agreeingWitnesses } from './incident-edits.ts'
import { EPOCH_MS, epochOf, incidentId } from './incident-id.ts'
import { createWitnessDesk } from './witness-desk.ts'
import { reportOf, type WitnessReport } from './witness-report.ts'

const [COORDINATOR, SELF, OTHER, GONE] = [peer('A'), peer('B'), peer('C'), peer('D')]
const ABOUT: Subject = { kind: 'node', peer: GONE }

function setUp() {
  const clock = createManualClock()
  const store = createMemoryIncidentStore()
  const book = createIncidentBook({ clock, store, logger: silentLogger }, { self: SELF })
  const desk = createWitnessDesk({ clock, self: SELF, book, nameOf: (of) => `node-${of.at(-1)}` })
  const open = (code = 'node-down', subject = ABOUT): Incident => {
    const incident = book.observe({
      root: {
        ...{ code, subject, severity: 'critical', confidence: 0.85, impactsConnectivity: true },
        ...{ firstSeenAt: clock.now(), lastSeenAt: clock.now() },
        evidence: [{ text: 'it answers no more', at: clock.now(), witness: SELF }],
      },
      ...{ title: 'D is down', consequences: [], diagnosis: 'It answers nobody.' },
    })
    if (incident === undefined) throw new Error('not opened')
    return book.setWitnesses(incident.id, [COORDINATOR, SELF, OTHER], COORDINATOR)
  }
  const now = (incident: Incident): Incident => {
    const latest = book.get(incident.id)
    if (latest === undefined) throw new Error('lost')
    return latest
  }
  const report = (incident: Incident, over: Partial<WitnessReport> = {}): WitnessReport => ({
    ...reportOf(incident, COORDINATOR),
    evidence: [{ at: clock.now(), text: 'I see it too' }],
    ...over,
  })
  return { clock, store, book, desk, open, now, report }
}

/** All that decides on what is done and on what is counted. */
const verdictOf = ({ state, severity, confidence, coordinator, firstEvidenceAt, ...rest }: Incident) => ({
  ...{ state, severity, confidence, coordinator, firstEvidenceAt, clearedAt: rest.clearedAt },
  ...{ resolvedAt: rest.resolvedAt, plans: rest.plans, people: rest.people, code: rest.code },
})

describe('the word of another member', () => {
  it('adds its evidence under its own name to what this node sees itself', () => {
    const { desk, open, now, report } = setUp()
    const incident = open()
    expect(agreeingWitnesses(incident)).toBe(1)
    expect(desk.take(OTHER, report(incident))).toBe('taken')
    expect(now(incident).evidence.map(({ witness, text }) => [witness, text])).toEqual([
      [SELF, 'it answers no more'],
      [OTHER, 'I see it too'],
    ])
    // Where a witness stands makes it none: it has to have said something.
    expect(agreeingWitnesses(now(incident))).toBe(2)
  })

  it('opens nothing, whatever it says', () => {
    const { desk, open, book, report, store } = setUp()
    const incident = open()
    book.advance(incident.id, 'resolved', { at: incident.openedAt, kind: 'verification', text: 'over' })
    expect(desk.take(OTHER, report(incident))).toBe('unseen')
    expect(desk.take(OTHER, report(incident, { subject: { kind: 'node', peer: SELF } }))).toBe('unseen')
    expect(book.list({ open: true })).toEqual([])
    expect(store.saved.size).toBe(1)
  })

  it('moves, closes, renames, ages and worsens nothing, from a liar and from the coordinator alike', () => {
    const { desk, open, now, report, clock } = setUp()
    const incident = open()
    const before = verdictOf(incident)
    for (const from of [OTHER, COORDINATOR]) {
      desk.take(
        from,
        report(incident, {
          ...{ id: incidentIdOf('f'), firstEvidenceAt: 1 },
          evidence: [{ at: 1, text: 'it is all over, resolved' }],
          progress: [{ at: 1, kind: 'verification', text: 'delivery was verified' }],
        }),
      )
      expect(verdictOf(now(incident))).toEqual(before)
      expect(now(incident).id).toBe(incident.id)
    }
    const times = now(incident).timeline.map(({ at }) => at)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(incident.firstEvidenceAt)
    expect(Math.max(...times)).toBeLessThanOrEqual(clock.now())
  })

  it('tells what was done only from the coordinator', () => {
    const { desk, open, now, report, clock } = setUp()
    const incident = open()
    const progress = [{ at: clock.now(), kind: 'step' as const, text: 'rerouted' }]
    const steps = (): (string | undefined)[] =>
      now(incident)
        .timeline.filter(({ kind }) => kind === 'step')
        .map(({ actor }) => actor)
    desk.take(OTHER, report(incident, { progress }))
    expect(steps()).toEqual([])
    desk.take(COORDINATOR, report(incident, { progress }))
    desk.take(COORDINATOR, report(incident, { progress }))
    expect(steps()).toEqual(['the loop of node-A'])
  })

  it('names an incident only as its coordinator can have named it', () => {
    const { desk, open, now, book, report } = setUp()
    const incident = open()
    const epoch = epochOf(incident.firstEvidenceAt)
    const near = incidentId(incident.code, ABOUT, epoch - 1)
    expect(EPOCH_MS).toBe(10_000)
    desk.take(OTHER, report(incident, { id: near }))
    expect(now(incident).id).toBe(incident.id)
    desk.take(COORDINATOR, report(incident, { id: incidentId(incident.code, ABOUT, epoch + 100) }))
    desk.take(COORDINATOR, report(incident, { id: incidentId('storm', ABOUT, epoch) }))
    expect(now(incident).id).toBe(incident.id)
    desk.take(COORDINATOR, report(incident, { id: near }))
    expect(now(incident)).toMatchObject({ id: near, aliases: [incident.id] })
    expect(book.list()).toHaveLength(1)
  })

  it('takes no name that another incident of this node has', () => {
    const { desk, open, now, book, report } = setUp()
    const first = open()
    book.advance(first.id, 'resolved', { at: first.openedAt, kind: 'verification', text: 'over' })
    const second = open()
    expect(second.id).not.toBe(first.id)
    desk.take(COORDINATOR, report(second, { id: first.id }))
    expect(now(second).id).toBe(second.id)
    expect(now(first).state).toBe('resolved')
  })

  it('counts from nobody who cannot see it', () => {
    const { desk, open, now, report } = setUp()
    const link = open('link-down', linkSubject(SELF, COORDINATOR))
    expect(desk.take(OTHER, report(link))).toBe('no-witness')
    const part = open('node-overloaded', { kind: 'part', peer: SELF, part: 'resources' })
    expect(desk.take(OTHER, report(part))).toBe('no-witness')
    const node = open()
    expect(desk.take(GONE, report(node))).toBe('no-witness')
    for (const one of [link, part, node]) expect(now(one).evidence).toHaveLength(1)
  })

  it('is bounded: in what one witness adds, and in how often it is heard', () => {
    const { desk, open, now, report, clock } = setUp()
    const incident = open()
    const flood = (from: PeerId, times: number): string[] =>
      Array.from({ length: times }, (_, turn) =>
        desk.take(
          from,
          report(incident, {
            evidence: [{ at: clock.now(), text: `claim ${turn}` }],
            progress: [{ at: clock.now(), kind: 'step', text: `step ${turn}` }],
          }),
        ),
      )
    const verdicts = flood(COORDINATOR, 500)
    expect(verdicts.filter((verdict) => verdict === 'too-many').length).toBeGreaterThan(300)
    expect(now(incident).evidence.length).toBeLessThan(10)
    expect(now(incident).timeline.length).toBeLessThan(70)
    // Others are heard all the same, and so is this one after a while.
    expect(flood(OTHER, 1)).toEqual(['taken'])
    clock.advance(60_000)
    expect(flood(COORDINATOR, 1)).toEqual(['taken'])
  })

  it('says which direction of a shared link is silent, for a while', () => {
    const { desk, report, open, clock } = setUp()
    const link = open('link-down', linkSubject(SELF, OTHER))
    expect(desk.isToldOneWay(OTHER)).toBe(false)
    expect(desk.take(OTHER, report(link, { code: 'link-one-way' }))).toBe('unseen')
    desk.take(COORDINATOR, report(link, { code: 'link-one-way' }))
    expect([OTHER, COORDINATOR].map(desk.isToldOneWay)).toEqual([true, false])
    clock.advance(60_000)
    expect(desk.isToldOneWay(OTHER)).toBe(false)
  })
})
