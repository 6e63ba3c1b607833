import type { IncidentId } from '../domain/ids.ts'
import type { Incident } from '../domain/incident.ts'

/** What the loop needs of the world; `app/mapek` fits the real thing to it. */

/** Where incidents outlive the process. Each call may throw when the store is at fault: the loop goes on without it. */
export interface IncidentStore {
  /** Writes it, in place of an earlier version. Durable when it returns. */
  save(incident: Incident): void
  get(id: IncidentId): Incident | undefined
  /** Forgets a name that was given up for another one. */
  remove(id: IncidentId): void
  /** Those that are not resolved, the newest first. */
  unresolved(limit: number): readonly Incident[]
  /** All, by `openedAt`, the newest first; `before` leaves out what was opened then or later. */
  recent(limit: number, before?: number): readonly Incident[]
}
