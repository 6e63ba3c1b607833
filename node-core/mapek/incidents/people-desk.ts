import type { IncidentId } from '../../domain/ids.ts'
import { type Incident, type IncidentPeople, isOver } from '../../domain/incident.ts'
import type { Clock } from '../../platform/clock.ts'
import { cut, withEntry } from './incident-edits.ts'
import { incidentOver, notesFull } from './incident-fault.ts'

/** What people do with an incident. `by` is who: a member's name. @throws FaultError INCIDENT_UNKNOWN, INCIDENT_OVER */
export interface PeopleDesk {
  /** Somebody has seen it. */
  acknowledge(id: IncidentId, by: string): Incident
  /** Somebody takes care of it, or nobody any more. */
  own(id: IncidentId, by: string, owner: string | undefined): Incident
  note(id: IncidentId, by: string, text: string): Incident
  /** No notification of it until then; 0 ends the silence. It stays on every page and in every count. */
  silence(id: IncidentId, by: string, until: number): Incident
  /** A person vouches that it is over. */
  resolve(id: IncidentId, by: string, reason: string): Incident
}

export const MAX_NOTES = 100

export function createPeopleDesk(deps: {
  readonly clock: Clock
  readonly change: (id: IncidentId, edit: (incident: Incident) => Incident) => Incident
}): PeopleDesk {
  const { clock, change } = deps
  const act = (
    ...[id, by, text, edit]: [IncidentId, string, string, (people: IncidentPeople) => IncidentPeople]
  ): Incident =>
    change(id, (incident) => {
      if (isOver(incident.state)) throw incidentOver(id)
      const people = edit(incident.people)
      return withEntry({ ...incident, people }, { at: clock.now(), kind: 'person', actor: by, text })
    })

  return {
    acknowledge: (id, by) =>
      act(id, by, `${by} has seen it.`, (people) => ({ ...people, acknowledgedBy: by })),
    own: (id, by, owner) =>
      act(id, by, owner === undefined ? 'Nobody owns it now.' : `${owner} owns it.`, (people) => ({
        ...people,
        owner,
      })),
    // Also of one that is over: what was learned comes afterwards.
    note: (id, by, text) =>
      change(id, (incident) => {
        const { people } = incident
        if (people.notes.length >= MAX_NOTES) throw notesFull(id, MAX_NOTES)
        const notes = [...people.notes, { by, at: clock.now(), text: cut(text) }]
        return withEntry(
          { ...incident, people: { ...people, notes } },
          { at: clock.now(), kind: 'person', actor: by, text },
        )
      }),
    silence: (id, by, until) =>
      act(
        id,
        by,
        until > clock.now() ? `Silenced until ${new Date(until).toISOString()}.` : 'The silence has ended.',
        (people) => ({ ...people, silencedUntil: until > clock.now() ? until : undefined }),
      ),
    resolve: (id, by, reason) =>
      change(id, (incident) => {
        if (isOver(incident.state)) throw incidentOver(id)
        const at = clock.now()
        const text = `${by} closed it: ${reason}`
        return withEntry(
          { ...incident, state: 'resolved', resolvedAt: at },
          { at, kind: 'person', actor: by, text },
        )
      }),
  }
}
