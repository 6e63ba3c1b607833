import type { IncidentId } from '../../domain/ids.ts'
import { type Incident, type IncidentState, isOver } from '../../domain/incident.ts'
import { SEVERITIES, type Severity } from '../../domain/symptom.ts'
import { byCodeUnits } from '../../domain/text-order.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { IncidentStore } from '../ports.ts'
import { topicOf } from './incident-id.ts'

export interface IncidentFilter {
  readonly states?: readonly IncidentState[]
  /** True: those that are not over. False: those that are. */
  readonly open?: boolean
  /** At most so many; MAX_LISTED where nothing is said. */
  readonly limit?: number
}

/** The incidents in memory, and behind them those in the store. Goes on from memory while the store is at fault. */
export interface IncidentShelf {
  load(): void
  get(id: IncidentId): Incident | undefined
  /** The one that is not over and has this root. */
  openOn(topic: string): Incident | undefined
  list(filter: IncidentFilter): Incident[]
  hasRoomFor(severity: Severity): boolean
  put(incident: Incident): void
  /** A name that was given up for another one. */
  forget(id: IncidentId): void
  retryUnsaved(): void
}

/** More than these at once is one storm, which is an incident of its own. */
export const MAX_OPEN = 300
const MAX_OVER_IN_MEMORY = 100
const MAX_LISTED = 500

export const byUrgency = (a: Incident, b: Incident): number =>
  Number(isOver(a.state)) - Number(isOver(b.state)) ||
  (isOver(a.state) ? 0 : SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)) ||
  b.openedAt - a.openedAt ||
  byCodeUnits(a.id, b.id)

export function createIncidentShelf(deps: {
  readonly store: IncidentStore
  readonly logger: Logger
}): IncidentShelf {
  const { store, logger } = deps
  const byId = new Map<IncidentId, Incident>()
  const aliases = new Map<IncidentId, IncidentId>()
  const open = new Map<string, Incident>()
  const unsaved = new Set<IncidentId>()

  /** Whatever the store throws costs durability, never the incident itself. */
  const guarded = <T>(what: string, work: () => T, otherwise: T): T => {
    try {
      return work()
    } catch (error) {
      logger.error('the store of incidents is at fault', { what, error: messageOf(error) })
      return otherwise
    }
  }
  const save = (incident: Incident): void => {
    unsaved.add(incident.id)
    guarded(
      'save',
      () => {
        store.save(incident)
        unsaved.delete(incident.id)
      },
      undefined,
    )
  }
  const drop = (incident: Incident): void => {
    byId.delete(incident.id)
    unsaved.delete(incident.id)
    for (const alias of incident.aliases) if (aliases.get(alias) === incident.id) aliases.delete(alias)
    const topic = topicOf(incident.code, incident.subject)
    if (open.get(topic)?.id === incident.id) open.delete(topic)
  }
  const index = (incident: Incident): void => {
    // Set anew, so that the map's order is that of the last change.
    byId.delete(incident.id)
    byId.set(incident.id, incident)
    for (const alias of incident.aliases) aliases.set(alias, incident.id)
    const topic = topicOf(incident.code, incident.subject)
    if (!isOver(incident.state)) open.set(topic, incident)
    else if (open.get(topic)?.id === incident.id) open.delete(topic)
  }
  /** Out of memory go the resolved ones longest untouched, then the least severe of the rest; the store keeps them. */
  const evict = (): void => {
    const over = [...byId.values()].filter(({ state }) => isOver(state))
    for (const incident of over.slice(0, Math.max(0, over.length - MAX_OVER_IN_MEMORY))) drop(incident)
    while (open.size > MAX_OPEN) {
      const least = [...open.values()].sort(byUrgency).at(-1)
      if (least === undefined) return
      logger.warn('an incident left memory for worse ones', { id: least.id, code: least.code })
      drop(least)
    }
  }
  const inMemory = (id: IncidentId): Incident | undefined => byId.get(id) ?? byId.get(aliases.get(id) ?? id)

  return {
    load() {
      for (const incident of guarded('load', () => store.unresolved(MAX_OPEN), []).toReversed()) {
        index(incident)
      }
    },
    get: (id) => inMemory(id) ?? guarded('get', () => store.get(id), undefined),
    openOn: (topic) => open.get(topic),
    list({ states, open: wantsOpen, limit = MAX_LISTED }) {
      const most = Math.min(limit, MAX_LISTED)
      const stored = wantsOpen === true ? [] : guarded('list', () => store.recent(MAX_LISTED), [])
      const all = new Map(stored.map((incident) => [incident.id, incident]))
      for (const incident of byId.values()) all.set(incident.id, incident)
      return [...all.values()]
        .filter(({ state }) => wantsOpen === undefined || isOver(state) !== wantsOpen)
        .filter(({ state }) => states === undefined || states.includes(state))
        .sort(byUrgency)
        .slice(0, most)
    },
    hasRoomFor: (severity) =>
      open.size < MAX_OPEN ||
      [...open.values()].some(
        (incident) => SEVERITIES.indexOf(incident.severity) > SEVERITIES.indexOf(severity),
      ),
    put(incident) {
      index(incident)
      save(incident)
      if (unsaved.size > 0 && !unsaved.has(incident.id)) this.retryUnsaved()
      evict()
    },
    forget(id) {
      const incident = byId.get(id)
      if (incident !== undefined) drop(incident)
      guarded('remove', () => store.remove(id), undefined)
    },
    retryUnsaved() {
      for (const id of [...unsaved]) {
        const incident = byId.get(id)
        if (incident === undefined) unsaved.delete(id)
        else save(incident)
      }
    },
  }
}
