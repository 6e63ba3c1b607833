import type { IncidentId } from '../../node-core/domain/ids.ts'
import type { Incident } from '../../node-core/domain/incident.ts'
import type { IncidentStore } from '../../node-core/mapek/ports.ts'

export interface MemoryIncidentStore extends IncidentStore {
  readonly saved: Map<IncidentId, Incident>
  /** From now on, until it is undefined again, each call throws this. */
  fault: Error | undefined
}

export function createMemoryIncidentStore(): MemoryIncidentStore {
  const saved = new Map<IncidentId, Incident>()
  const newestFirst = (): Incident[] => [...saved.values()].sort((a, b) => b.openedAt - a.openedAt)
  const guard = (): void => {
    if (store.fault !== undefined) throw store.fault
  }
  const store: MemoryIncidentStore = {
    saved,
    fault: undefined,
    save(incident) {
      guard()
      saved.set(incident.id, incident)
    },
    get(id) {
      guard()
      return saved.get(id)
    },
    remove(id) {
      guard()
      saved.delete(id)
    },
    unresolved(limit) {
      guard()
      return newestFirst()
        .filter(({ state }) => state !== 'resolved')
        .slice(0, limit)
    },
    recent(limit, before = Number.POSITIVE_INFINITY) {
      guard()
      return newestFirst()
        .filter(({ openedAt }) => openedAt < before)
        .slice(0, limit)
    },
  }
  return store
}
