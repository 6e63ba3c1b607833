import type { IncidentId, PeerId } from '../../domain/ids.ts'
import { type Incident, isOver } from '../../domain/incident.ts'
import type { Subject } from '../../domain/subject.ts'
import { SEVERITIES, type Severity, type Symptom } from '../../domain/symptom.ts'
import type { Clock } from '../../platform/clock.ts'
import type { IncidentBook } from '../incidents/incident-book.ts'
import { topicOf } from '../incidents/incident-id.ts'
import { SYMPTOMS } from '../symptoms/catalogue.ts'
import { peersOf, type Root } from './correlate.ts'
import { diagnosisOf, titleOf } from './wording.ts'

/** Turns what is found at each look into incidents that open once and end when it is over. */
export interface Tracker {
  /** Takes up what was open when the node stopped. */
  adopt(): void
  see(roots: readonly Root[]): void
  /** Something is wrong, or was a moment ago. */
  readonly isBusy: boolean
}

export interface TrackerDeps {
  readonly clock: Clock
  readonly book: IncidentBook
  readonly self: PeerId
  readonly nameOf: (peer: PeerId) => string
  /** Who sees it too, and who acts. */
  readonly elect: (subject: Subject) => {
    readonly witnesses: readonly PeerId[]
    readonly coordinator: PeerId
  }
  /** An answer from a member, end to end. Rejects where there is none in time. */
  readonly confirm: (peer: PeerId) => Promise<unknown>
}

interface Tracked {
  readonly id: IncidentId
  severity: Severity
  seenMs: number
  toldAt: number
  confirming: boolean
  nextConfirmMs: number
}

/** So long it has to be unseen to be over. */
const CALM_MS = 1_500
/** Evidence of what goes on is added so often. */
const TELL_EVERY_MS = 30_000
const CONFIRM_PAUSE_MS = 1_000
const SURE = 0.5

const isMoreUrgent = (one: Severity, other: Severity): boolean =>
  SEVERITIES.indexOf(one) < SEVERITIES.indexOf(other)

export function createTracker({ clock, book, self, nameOf, elect, confirm }: TrackerDeps): Tracker {
  const tracked = new Map<string, Tracked>()

  const track = (topic: string, { id, severity }: Incident): Tracked => {
    const one = {
      ...{ id, severity, seenMs: clock.monotonicMs(), toldAt: clock.now() },
      ...{ confirming: false, nextConfirmMs: 0 },
    }
    tracked.set(topic, one)
    return one
  }

  const observe = (root: Root): void => {
    const { finding, consequences } = root
    const topic = topicOf(finding.code, finding.subject)
    const known = tracked.get(topic)
    const now = clock.now()
    if (known !== undefined) {
      known.seenMs = clock.monotonicMs()
      const incident = book.get(known.id)
      // Closed while it goes on, by a person or a verified way around it: it is no other fault until it was gone.
      if (incident === undefined || isOver(incident.state)) return
    }
    const { impactsConnectivity, severity: usual } = SYMPTOMS[finding.code]
    const severity = finding.severity ?? usual
    const isWorse = known !== undefined && isMoreUrgent(severity, known.severity)
    if (known !== undefined && isWorse) known.severity = severity
    const isNews = known === undefined || isWorse || now - known.toldAt >= TELL_EVERY_MS
    const evidence = { text: finding.text, at: now, witness: self }
    const symptom: Symptom = {
      ...{ code: finding.code, subject: finding.subject, severity, impactsConnectivity },
      ...{ confidence: finding.confidence, firstSeenAt: Math.min(finding.firstSeenAt, now), lastSeenAt: now },
      evidence: isNews
        ? [finding.figure === undefined ? evidence : { ...evidence, figure: finding.figure }]
        : [],
    }
    const isSure = finding.confidence >= SURE
    const incident = book.observe({
      root: symptom,
      title: titleOf(finding.code, finding.subject, nameOf),
      consequences,
      // Told once, and again when it grew worse: figures that move are no new diagnosis.
      diagnosis: isSure && (known === undefined || isWorse) ? diagnosisOf(root) : undefined,
    })
    if (incident === undefined) return
    const { witnesses, coordinator } = elect(finding.subject)
    book.setWitnesses(incident.id, witnesses, coordinator)
    if (known === undefined) track(topic, incident)
    else if (isNews) known.toldAt = now
    for (const consequence of consequences)
      absorb(topicOf(consequence.code, consequence.subject), incident.id)
  }

  const absorb = (topic: string, into: IncidentId): void => {
    const one = tracked.get(topic)
    if (one === undefined) return
    tracked.delete(topic)
    book.absorb(one.id, into)
  }

  const end = (topic: string, one: Tracked): void => {
    const incident = book.get(one.id)
    if (incident === undefined || isOver(incident.state)) {
      tracked.delete(topic)
      return
    }
    if (incident.clearedAt === undefined) book.clear(one.id, clock.now())
    // What a plan works on is for its verification to close.
    if (incident.state === 'healing' || incident.state === 'verifying') return
    const others = peersOf(incident.subject).filter((peer) => peer !== self)
    if (!incident.impactsConnectivity || others.length === 0) {
      close(incident, 'The symptom is gone.')
      return
    }
    if (one.confirming || clock.monotonicMs() < one.nextConfirmMs) return
    one.confirming = true
    Promise.all(others.map(confirm)).then(
      () => {
        one.confirming = false
        const latest = book.get(one.id)
        if (tracked.get(topic) !== one || latest?.clearedAt === undefined) return
        close(latest, `${others.map(nameOf).join(' and ')} answered: traffic arrives.`)
      },
      () => {
        one.confirming = false
        one.nextConfirmMs = clock.monotonicMs() + CONFIRM_PAUSE_MS
      },
    )
  }

  const close = ({ id, state }: Incident, text: string): void => {
    if (state === 'healing' || state === 'verifying' || isOver(state)) return
    book.advance(id, 'resolved', { at: clock.now(), kind: 'verification', text })
  }

  return {
    get isBusy() {
      return tracked.size > 0
    },
    adopt() {
      for (const incident of book.list({ open: true })) {
        if (incident.witnesses.includes(self)) track(topicOf(incident.code, incident.subject), incident)
      }
    },
    see(roots) {
      for (const root of roots) observe(root)
      for (const [topic, one] of [...tracked]) {
        if (clock.monotonicMs() - one.seenMs >= CALM_MS) end(topic, one)
      }
    },
  }
}
