import type { IncidentId, PeerId } from '../../domain/ids.ts'
import { type Incident, type IncidentState, isOver, type TimelineEntry } from '../../domain/incident.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Symptom } from '../../domain/symptom.ts'
import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { IncidentStore } from '../ports.ts'
import {
  type Consequence,
  cut,
  mayMove,
  withConsequences,
  withEntry,
  withEvidence,
  withWitnesses,
  worse,
} from './incident-edits.ts'
import { illegalMove, unknownIncident } from './incident-fault.ts'
import { epochOf, incidentId, topicOf } from './incident-id.ts'
import { byUrgency, createIncidentShelf, type IncidentFilter } from './incident-shelf.ts'
import { createPeopleDesk, type PeopleDesk } from './people-desk.ts'
import { isNameOf, type Testimony, type WitnessReport, withTestimony } from './witness-report.ts'

/** What the analysis found: a root cause, what it explains, and what the evidence says of it. */
export interface Observation {
  readonly root: Symptom
  /** One line for lists, with names and not ids: `Link between ada and boris is down`. */
  readonly title: string
  readonly consequences: readonly Consequence[]
  /** The cause in words; `undefined` while it is not known: the incident stays `open`. */
  readonly diagnosis: string | undefined
}

export type IncidentEvents = {
  /** `before` is undefined for one that has just been opened. Their ids differ when witnesses agreed on another name. */
  changed: { readonly before: Incident | undefined; readonly after: Incident }
}

export interface IncidentBook extends Lifecycle, PeopleDesk {
  readonly events: Pick<Emitter<IncidentEvents>, 'on'>
  /** By its id or by one that it had before the witnesses agreed. */
  get(id: IncidentId): Incident | undefined
  /** The urgent first: those not over before those that are, by severity, then the newest. */
  list(filter?: IncidentFilter): readonly Incident[]
  /** Opens an incident or adds to the one that is open for this root; undefined when the book is full of worse ones. */
  observe(observation: Observation): Incident | undefined
  /** The symptom is gone. Whether the fault is healed is for the verification to say. */
  clear(id: IncidentId, at: number): Incident
  /** @throws FaultError INCIDENT_UNKNOWN, INCIDENT_ILLEGAL_MOVE. To `resolved`: `entry.at` is when delivery was verified. */
  advance(id: IncidentId, to: IncidentState, entry: TimelineEntry): Incident
  /** Adds to the timeline; a plan that the entry names becomes one of the incident's. */
  append(id: IncidentId, entry: TimelineEntry): Incident
  /** Another incident explains it after all: it is closed without a delivery, and becomes a consequence of that one. */
  absorb(id: IncidentId, into: IncidentId): void
  /** Who saw it too, and who acts. */
  setWitnesses(id: IncidentId, witnesses: readonly PeerId[], coordinator: PeerId): Incident
  /** The one that is not over and has this root. */
  openOn(code: string, subject: Subject): Incident | undefined
  /** Adds what another witness saw; takes the coordinator's name for it, where that can be a name of this very fault. */
  testify(id: IncidentId, by: Testimony, report: WitnessReport): Incident
}

export interface IncidentBookDeps {
  readonly clock: Clock
  readonly store: IncidentStore
  readonly logger: Logger
}

export interface IncidentBookOptions {
  readonly self: PeerId
}

/** Epochs that are tried when an incident of the same root has just been resolved under this name. */
const MAX_EPOCHS_TRIED = 1_000

export function createIncidentBook(deps: IncidentBookDeps, options: IncidentBookOptions): IncidentBook {
  const { clock, store } = deps
  const log = deps.logger.child({ component: 'incidents' })
  const events = createEmitter<IncidentEvents>((error) =>
    log.error('a listener to incidents failed', { error: messageOf(error) }),
  )
  const shelf = createIncidentShelf({ store, logger: log })

  const find = (id: IncidentId): Incident => {
    const incident = shelf.get(id)
    if (incident === undefined) throw unknownIncident(id)
    return incident
  }
  const put = (before: Incident | undefined, after: Incident): Incident => {
    if (before === after) return after
    shelf.put(after)
    events.emit('changed', { before, after })
    return after
  }
  const change = (id: IncidentId, edit: (incident: Incident) => Incident): Incident => {
    const before = find(id)
    return put(before, edit(before))
  }
  const freshId = (root: Symptom): IncidentId => {
    const epoch = epochOf(root.firstSeenAt)
    for (let tried = 0; tried < MAX_EPOCHS_TRIED; tried += 1) {
      const id = incidentId(root.code, root.subject, epoch + tried)
      if (shelf.get(id) === undefined) return id
    }
    return incidentId(root.code, root.subject, epochOf(clock.now()) + MAX_EPOCHS_TRIED)
  }

  return {
    ...createPeopleDesk({ clock, change }),
    events,
    async start() {
      shelf.load()
    },
    async stop() {
      shelf.retryUnsaved()
    },
    get: (id) => shelf.get(id),
    list: (filter = {}) => shelf.list(filter).sort(byUrgency),
    observe(observation) {
      const { root } = observation
      const open = shelf.openOn(topicOf(root.code, root.subject))
      if (open !== undefined) return put(open, observedAgain(open, observation, clock.now()))
      if (!shelf.hasRoomFor(root.severity)) {
        log.warn('an incident was not opened: the book is full of worse ones', { code: root.code })
        return undefined
      }
      const incident = opened(freshId(root), observation, options.self, clock.now())
      return put(undefined, incident)
    },
    clear: (id, at) =>
      change(id, (incident) =>
        incident.clearedAt === undefined && !isOver(incident.state)
          ? withEntry(
              { ...incident, clearedAt: at },
              { at, kind: 'evidence', text: 'The symptom is not seen any more.' },
            )
          : incident,
      ),
    advance: (id, to, entry) =>
      change(id, (incident) => {
        if (!mayMove(incident.state, to)) throw illegalMove(id, incident.state, to)
        const resolvedAt = to === 'resolved' ? entry.at : undefined
        return withEntry({ ...incident, state: to, resolvedAt }, entry)
      }),
    absorb(id, into) {
      const { code, subject, state } = find(id)
      if (isOver(state) || id === into) return
      const root = change(into, (incident) => withConsequences(incident, [{ code, subject }]))
      const text = `Explained by ${root.id}: ${root.title}`
      change(id, (incident) =>
        withEntry({ ...incident, state: 'resolved' }, { at: clock.now(), kind: 'diagnosis', text }),
      )
    },
    append: (id, entry) => change(id, (incident) => withEntry(incident, entry)),
    setWitnesses: (id, witnesses, coordinator) =>
      change(id, (incident) => {
        const known = withWitnesses(incident, witnesses)
        return known.coordinator === coordinator ? known : { ...known, coordinator }
      }),
    openOn: (code, subject) => shelf.openOn(topicOf(code, subject)),
    testify(id, by, report) {
      const told = change(id, (incident) => withTestimony(incident, by, report))
      const { id: name } = report
      const isFree = shelf.get(name) === undefined && told.aliases.length < MAX_ALIASES
      if (by.from !== told.coordinator || !isFree || !isNameOf(name, told)) return told
      const after = put(told, { ...told, id: name, aliases: [...told.aliases, told.id] })
      // Afterwards: a crash between the two leaves it twice, never not at all.
      shelf.forget(told.id)
      return after
    },
  }
}

const MAX_ALIASES = 8

function opened(id: IncidentId, { root, ...found }: Observation, self: PeerId, now: number): Incident {
  const base: Incident = {
    ...{ id, aliases: [], code: root.code, subject: root.subject, severity: root.severity },
    ...{ confidence: root.confidence, impactsConnectivity: root.impactsConnectivity },
    state: found.diagnosis === undefined ? 'open' : 'diagnosed',
    title: cut(found.title),
    diagnosis: found.diagnosis === undefined ? undefined : cut(found.diagnosis),
    ...{ firstEvidenceAt: root.firstSeenAt, openedAt: now, clearedAt: undefined, resolvedAt: undefined },
    ...{ evidence: [], consequences: [], witnesses: [self], coordinator: self, plans: [] },
    people: { acknowledgedBy: undefined, owner: undefined, silencedUntil: undefined, notes: [] },
    timeline: [],
  }
  const told = root.evidence.reduce(
    (incident, { at, text }) => withEntry(incident, { at, kind: 'evidence', text }),
    withConsequences(withEvidence(base, root.evidence), found.consequences),
  )
  return found.diagnosis === undefined
    ? told
    : withEntry(told, { at: now, kind: 'diagnosis', text: found.diagnosis })
}

function observedAgain(incident: Incident, { root, ...found }: Observation, now: number): Incident {
  let next = withConsequences(withEvidence(incident, root.evidence), found.consequences)
  const severity = worse(incident.severity, root.severity)
  const confidence = Math.max(incident.confidence, root.confidence)
  const impactsConnectivity = incident.impactsConnectivity || root.impactsConnectivity
  if (
    severity !== next.severity ||
    confidence !== next.confidence ||
    impactsConnectivity !== next.impactsConnectivity
  ) {
    next = { ...next, severity, confidence, impactsConnectivity }
  }
  if (next.clearedAt !== undefined) {
    next = withEntry(
      { ...next, clearedAt: undefined },
      { at: now, kind: 'evidence', text: 'The symptom is seen again.' },
    )
  }
  const { diagnosis } = found
  if (diagnosis === undefined || cut(diagnosis) === next.diagnosis) return next
  const state = next.state === 'open' ? 'diagnosed' : next.state
  return withEntry(
    { ...next, state, title: cut(found.title), diagnosis: cut(diagnosis) },
    { at: now, kind: 'diagnosis', text: diagnosis },
  )
}
