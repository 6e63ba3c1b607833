import type { PeerId } from '../../domain/ids.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Clock } from '../../platform/clock.ts'
import type { IncidentBook } from './incident-book.ts'
import type { WitnessReport } from './witness-report.ts'

/** Judges what other members tell of incidents. */
export interface WitnessDesk {
  /** @param from as its connection proves */
  take(from: PeerId, report: WitnessReport): 'taken' | 'unseen' | 'no-witness' | 'too-many'
  /** The other end of a link has said, of late, that of its two directions one arrives. */
  isToldOneWay(peer: PeerId): boolean
}

const WINDOW_MS = 60_000
/** A storm of a large mesh is a few reports a second; more is somebody who wants to keep this node busy. */
const MAX_REPORTS_PER_WINDOW = 120
const MAX_SENDERS = 1_024
/** Reports are repeated while evidence is added. */
const TOLD_MS = 60_000

export interface WitnessDeskDeps {
  readonly clock: Clock
  readonly self: PeerId
  readonly book: Pick<IncidentBook, 'openOn' | 'testify'>
  readonly nameOf: (peer: PeerId) => string
}

export function createWitnessDesk({ clock, self, book, nameOf }: WitnessDeskDeps): WitnessDesk {
  const counts = new Map<PeerId, { sinceMs: number; count: number }>()
  const oneWay = new Map<PeerId, number>()

  const noteOneWay = (from: PeerId): void => {
    oneWay.delete(from)
    oneWay.set(from, clock.monotonicMs() + TOLD_MS)
    const [oldest] = oneWay.keys()
    if (oldest !== undefined && oneWay.size > MAX_SENDERS) oneWay.delete(oldest)
  }
  const isTooMany = (from: PeerId): boolean => {
    const nowMs = clock.monotonicMs()
    const known = counts.get(from)
    const one =
      known !== undefined && nowMs - known.sinceMs < WINDOW_MS ? known : { sinceMs: nowMs, count: 0 }
    one.count += 1
    counts.delete(from)
    counts.set(from, one)
    const [oldest] = counts.keys()
    if (oldest !== undefined && counts.size > MAX_SENDERS) counts.delete(oldest)
    return one.count > MAX_REPORTS_PER_WINDOW
  }

  return {
    take(from, report) {
      if (isTooMany(from)) return 'too-many'
      if (!canSee(from, report.subject)) return 'no-witness'
      const isOwnLink = report.subject.kind === 'link' && report.subject.ends.includes(self)
      if (report.code === 'link-one-way' && isOwnLink) noteOneWay(from)
      const incident = book.openOn(report.code, report.subject)
      // What this node does not see itself it does not open: a member's word is no incident.
      if (incident === undefined) return 'unseen'
      book.testify(incident.id, { from, name: nameOf(from), now: clock.now() }, report)
      return 'taken'
    },
    isToldOneWay: (peer) => clock.monotonicMs() < (oneWay.get(peer) ?? 0),
  }
}

/** Whether a member is where such a fault can be seen from; nobody testifies about what is inside of another node. */
function canSee(from: PeerId, subject: Subject): boolean {
  switch (subject.kind) {
    case 'link':
      return subject.ends.includes(from)
    case 'node':
      return subject.peer !== from
    case 'part':
      return subject.peer === from
    case 'service':
    case 'mesh':
      return true
  }
}
