import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createMemoryIncidentStore } from '../../../tests/helpers/memory-incident-store.ts'
import { type IncidentId, type PeerId, parsePeerId } from '../../domain/ids.ts'
import { INCIDENT_STATES, type Incident, type IncidentState, MAX_TIMELINE } from '../../domain/incident.ts'
import { linkSubject } from '../../domain/subject.ts'
import type { Severity, Symptom } from '../../domain/symptom.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createIncidentBook, type Observation } from './incident-book.ts'
import { mayMove } from './incident-edits.ts'
import { EPOCH_MS, incidentId } from './incident-id.ts'
import { MAX_OPEN } from './incident-shelf.ts'
import { MAX_NOTES } from './people-desk.ts'

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const peerOf = (n: number): PeerId => {
  const tail = `${ALPHABET[n % 49]}${ALPHABET[Math.floor(n / 49)]}`
  const peer = parsePeerId(`12D3KooW${tail}${'1'.repeat(42)}`)
  if (peer === undefined) throw new Error('not a peer id')
  return peer
}
const ADA = peerOf(0)
const BORIS = peerOf(1)

function setUp(store = createMemoryIncidentStore()) {
  const clock = createManualClock()
  const book = createIncidentBook({ clock, store, logger: silentLogger }, { self: ADA })
  const changes: { before: Incident | undefined; after: Incident }[] = []
  book.events.on('changed', (change) => changes.push(change))
  const symptom = (over: Partial<Symptom> = {}): Symptom => ({
    ...{ code: 'link-down', subject: linkSubject(ADA, BORIS), severity: 'warning', confidence: 0.9 },
    ...{ impactsConnectivity: true, firstSeenAt: clock.now(), lastSeenAt: clock.now() },
    evidence: [{ text: 'no heartbeat from boris', at: clock.now(), witness: ADA }],
    ...over,
  })
  const seen = (over: Partial<Symptom> = {}, more: Partial<Observation> = {}): Observation => ({
    ...{
      root: symptom(over),
      title: 'The link to boris is down',
      consequences: [],
      diagnosis: 'It was cut.',
    },
    ...more,
  })
  const open = (over: Partial<Symptom> = {}, more: Partial<Observation> = {}): Incident => {
    const incident = book.observe(seen(over, more))
    if (incident === undefined) throw new Error('not opened')
    return incident
  }
  return { clock, book, store, changes, symptom, seen, open }
}
const at = (clock: { now(): number }) => ({ at: clock.now(), kind: 'state', text: 'x' }) as const

describe('the incident book', () => {
  it('opens one incident for a root, names it by code, subject and epoch, and says so once', () => {
    const { open, book, clock, changes } = setUp()
    const first = open()
    const again = open()
    expect(first.id).toBe(
      incidentId('link-down', linkSubject(BORIS, ADA), Math.floor(clock.now() / EPOCH_MS)),
    )
    expect(again).toBe(first)
    expect(changes).toHaveLength(1)
    expect(book.list()).toEqual([first])
    expect(first.state).toBe('diagnosed')
    expect(first.timeline.map(({ kind }) => kind)).toEqual(['evidence', 'diagnosis'])
  })

  it('stays open until there is a diagnosis, and takes new evidence and consequences', () => {
    const { open, clock } = setUp()
    const first = open({}, { diagnosis: undefined })
    expect(first).toMatchObject({ state: 'open', diagnosis: undefined })
    clock.advance(100)
    const consequence = { code: 'service-down', subject: { kind: 'mesh' } } as const
    const next = open(
      { severity: 'critical' },
      { consequences: [consequence, consequence], diagnosis: 'Cut.' },
    )
    expect(next).toMatchObject({ id: first.id, state: 'diagnosed', severity: 'critical', diagnosis: 'Cut.' })
    expect(next.evidence).toHaveLength(2)
    expect(next.firstEvidenceAt).toBe(first.firstEvidenceAt)
    expect(open({}, { consequences: [consequence] }).consequences).toHaveLength(1)
  })

  it('allows the legal moves of the state machine and no other', () => {
    for (const from of INCIDENT_STATES) {
      for (const to of INCIDENT_STATES) {
        const { book, clock, open } = setUp()
        const incident = open({}, { diagnosis: undefined })
        const road: Record<IncidentState, IncidentState[]> = {
          open: [],
          diagnosed: ['diagnosed'],
          healing: ['healing'],
          verifying: ['healing', 'verifying'],
          resolved: ['resolved'],
          escalated: ['escalated'],
        }
        for (const step of road[from]) book.advance(incident.id, step, at(clock))
        if (mayMove(from, to)) expect(book.advance(incident.id, to, at(clock)).state).toBe(to)
        else expect(() => book.advance(incident.id, to, at(clock))).toThrow(/cannot become/)
      }
    }
  })

  it('ends at the moment of the verified delivery, and takes the same fault afterwards for a new one', () => {
    const { book, clock, open } = setUp()
    const { id } = open()
    book.advance(id, 'healing', at(clock))
    book.advance(id, 'verifying', at(clock))
    const verified = { at: clock.now() + 7, kind: 'verification', text: 'it flows' } as const
    expect(book.advance(id, 'resolved', verified).resolvedAt).toBe(clock.now() + 7)
    const second = open()
    expect(second.id).not.toBe(id)
    expect(book.list().map((incident) => incident.id)).toEqual([second.id, id])
    expect(book.list({ open: true })).toHaveLength(1)
    expect(book.list({ states: ['resolved'] })).toHaveLength(1)
  })

  it('notes that a symptom went and came back', () => {
    const { book, clock, open } = setUp()
    const { id } = open()
    clock.advance(50)
    expect(book.clear(id, clock.now()).clearedAt).toBe(clock.now())
    expect(book.clear(id, clock.now() + 9).clearedAt).toBe(clock.now())
    expect(open().clearedAt).toBeUndefined()
  })

  it('keeps the first and the last entries of a long timeline, and the plans that they name', () => {
    const { book, clock, open } = setUp()
    const { id } = open()
    for (let n = 0; n < MAX_TIMELINE + 50; n += 1) {
      book.append(id, { at: clock.now(), kind: 'step', text: `step ${n}` })
    }
    const kept = book.get(id)?.timeline ?? []
    expect(kept).toHaveLength(MAX_TIMELINE)
    expect(kept[0]?.kind).toBe('evidence')
    expect(kept.at(-1)?.text).toBe(`step ${MAX_TIMELINE + 49}`)
  })

  it('takes the name that the coordinator gave it, and answers to both', () => {
    const { book, open, changes, store, clock } = setUp()
    const { id, code, subject } = open()
    book.setWitnesses(id, [ADA, BORIS], BORIS)
    const name = incidentId(code, subject, Math.floor(clock.now() / EPOCH_MS) - 1)
    const report = {
      ...{ id: name, code, subject, firstEvidenceAt: clock.now() },
      evidence: [],
      progress: [],
    }
    book.testify(id, { from: BORIS, name: 'boris', now: clock.now() }, report)
    for (const either of [id, name]) expect(book.get(either)?.id).toBe(name)
    expect([...store.saved.keys()]).toEqual([name])
    expect(changes.at(-1)).toMatchObject({ before: { id }, after: { id: name } })
    expect(open().id).toBe(name)
  })

  it('brings back after a restart what was not over', async () => {
    const { open, store, book } = setUp()
    const { id } = open()
    book.resolve(open({ code: 'node-down' }).id, 'ada', 'gone')
    const later = setUp(store)
    await later.book.start()
    expect(later.book.list({ open: true }).map((incident) => incident.id)).toEqual([id])
    expect(later.book.list()).toHaveLength(2)
    expect(later.open().id).toBe(id)
  })

  it('goes on while the store is at fault, and saves what it could not as soon as it can', () => {
    const { open, store, book } = setUp()
    store.fault = new Error('disk full')
    const { id } = open()
    expect(book.get(id)?.state).toBe('diagnosed')
    expect(book.list()).toHaveLength(1)
    store.fault = undefined
    open({ code: 'node-down' })
    expect(store.saved.size).toBe(2)
  })

  it('is bounded: what is worse finds room, what is not does not', () => {
    const { book, open, seen } = setUp()
    const flood = (severity: Severity, from: number): void => {
      for (let n = from; n < from + MAX_OPEN; n += 1) {
        book.observe(seen({ severity, subject: { kind: 'node', peer: peerOf(n) } }))
      }
    }
    flood('warning', 0)
    const inFlood = book.observe(seen({ severity: 'info', code: 'late' }))
    expect(inFlood).toBeUndefined()
    expect(open({ severity: 'critical', code: 'late' }).code).toBe('late')
    expect(book.list({ open: true })).toHaveLength(MAX_OPEN)
  })
})

describe('what people do with an incident', () => {
  it('acknowledges, owns, notes, silences and closes, and keeps who did it', () => {
    const { book, clock, open } = setUp()
    const { id } = open()
    expect(book.acknowledge(id, 'ada').people.acknowledgedBy).toBe('ada')
    expect(book.own(id, 'ada', 'boris').people.owner).toBe('boris')
    expect(book.own(id, 'ada', undefined).people.owner).toBeUndefined()
    expect(book.note(id, 'boris', 'a digger').people.notes[0]?.text).toBe('a digger')
    const until = clock.now() + 60_000
    expect(book.silence(id, 'ada', until).people.silencedUntil).toBe(until)
    expect(book.silence(id, 'ada', 0).people.silencedUntil).toBeUndefined()
    const closed = book.resolve(id, 'ada', 'replaced the cable')
    expect(closed).toMatchObject({ state: 'resolved', resolvedAt: clock.now() })
    expect(closed.timeline.at(-1)).toMatchObject({ kind: 'person', actor: 'ada' })
    expect(() => book.acknowledge(id, 'ada')).toThrow(/resolved already/)
    expect(book.note(id, 'ada', 'the digger paid').people.notes).toHaveLength(2)
    expect(() => book.note('inc-0123456789abcdef' as IncidentId, 'ada', 'x')).toThrow(/no incident/)
  })

  it('takes no more notes than it can keep', () => {
    const { book, open } = setUp()
    const { id } = open()
    for (let n = 0; n < MAX_NOTES; n += 1) book.note(id, 'ada', 'x')
    expect(() => book.note(id, 'ada', 'x')).toThrow(/takes no more/)
  })
})

describe('names of incidents', () => {
  it('differ by code, subject and epoch', () => {
    const base = incidentId('link-down', linkSubject(ADA, BORIS), 1)
    expect(base).toMatch(/^inc-[0-9a-f]{16}$/)
    expect(incidentId('link-down', linkSubject(BORIS, ADA), 1)).toBe(base)
    expect(incidentId('link-down', linkSubject(ADA, BORIS), 2)).not.toBe(base)
    expect(incidentId('node-down', linkSubject(ADA, BORIS), 1)).not.toBe(base)
  })
})
