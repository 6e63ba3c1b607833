import { type IncidentId, type PeerId, parseIncidentId, parsePeerId } from '../../node-core/domain/ids.ts'
import type { Incident } from '../../node-core/domain/incident.ts'
import { linkSubject } from '../../node-core/domain/subject.ts'

export function peer(letter: string): PeerId {
  const id = parsePeerId(`12D3KooW${letter.repeat(44)}`)
  if (id === undefined) throw new TypeError(`${letter} makes no peer id`)
  return id
}

export function incidentIdOf(digit: string): IncidentId {
  const id = parseIncidentId(`inc-${digit.repeat(16).slice(0, 16)}`)
  if (id === undefined) throw new TypeError(`${digit} makes no incident id`)
  return id
}

/** An incident as the book holds it: a link between A and B that is down, diagnosed and not repaired. */
export function incidentOf(given: Partial<Incident> = {}): Incident {
  const at = 1_700_000_000_000
  return {
    id: incidentIdOf('a'),
    aliases: [],
    code: 'link-down',
    subject: linkSubject(peer('A'), peer('B')),
    severity: 'warning',
    confidence: 0.95,
    impactsConnectivity: true,
    state: 'diagnosed',
    title: 'Link between ada and boris is down',
    diagnosis: 'The link between ada and boris is down, and both are alive.',
    firstEvidenceAt: at,
    openedAt: at + 100,
    clearedAt: undefined,
    resolvedAt: undefined,
    evidence: [{ text: 'no heartbeat from boris for 800 ms', at, witness: peer('A') }],
    consequences: [],
    witnesses: [peer('A'), peer('B')],
    coordinator: peer('A'),
    plans: [],
    people: { acknowledgedBy: undefined, owner: undefined, silencedUntil: undefined, notes: [] },
    timeline: [],
    ...given,
  }
}
