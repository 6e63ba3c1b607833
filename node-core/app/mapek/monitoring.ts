import type { Knowledge } from '../../knowledge/knowledge.ts'
import type { SeriesStore } from '../../knowledge/series/series-store.ts'
import { createAnalyzer } from '../../mapek/analyze/analyzer.ts'
import { createIncidentBook, type IncidentBook } from '../../mapek/incidents/incident-book.ts'
import { createWitnessDesk } from '../../mapek/incidents/witness-desk.ts'
import type { IncidentStore } from '../../mapek/ports.ts'
import type { PeerStreams } from '../../mesh/host/peer-streams.ts'
import type { NoiseHfsParts } from '../../noise-hfs/noise-hfs.ts'
import { type Lifecycle, startAll, stopAll } from '../../platform/lifecycle.ts'
import { createIncidentExchange } from './incident-exchange.ts'
import { createMeshWatch, type WatchedParts } from './mesh-watch.ts'
import { createResources, type Resources } from './resources.ts'
import { createStoreCheck } from './store-check.ts'
import { createUsual } from './usual.ts'

export interface Monitoring extends Lifecycle {
  readonly incidents: IncidentBook
  readonly resources: Pick<Resources, 'sample'>
}

export interface MonitoringDeps extends WatchedParts {
  readonly noise: Pick<NoiseHfsParts, 'events'>
  readonly meshStreams: PeerStreams
  readonly knowledge: {
    readonly incidents: IncidentStore
    readonly meta: { set(key: string, value: string): void }
    readonly events: Pick<Knowledge['events'], 'on'>
  }
  readonly series: Pick<SeriesStore, 'events' | 'query'>
}

/** Watches the mesh and keeps the book of incidents: M and A of the loop, fitted to the parts of this node. */
export function createMonitoring(deps: MonitoringDeps, options: { readonly home: string }): Monitoring {
  const { clock, logger, knowledge, membership } = deps
  const storeCheck = createStoreCheck({ clock, meta: knowledge.meta, series: deps.series })
  // Whatever could not be written, and by whom: it is looked into at the next look.
  knowledge.events.on('fault', storeCheck.failed)
  const { takeWorstLagMs } = deps.links
  const resources = createResources({ clock, home: options.home, takeWorstLagMs })
  const incidents = createIncidentBook(
    { clock, logger, store: noting(knowledge.incidents, storeCheck.failed) },
    { self: membership.self },
  )
  const watch = createMeshWatch(deps, deps.noise, {
    ...{ resources, storeCheck },
    usual: createUsual({ series: deps.series, logger }),
  })
  const { self, nameOf } = watch
  const desk = createWitnessDesk({ clock, self, book: incidents, nameOf })
  const { isToldOneWay } = desk
  const analyzer = createAnalyzer({ clock, logger, watch, book: incidents, isToldOneWay })
  const exchange = createIncidentExchange({
    ...{ clock, logger, self, streams: deps.meshStreams, book: incidents, desk },
  })
  const parts = [incidents, watch, exchange, analyzer]
  return {
    ...{ incidents, resources },
    start: () => startAll(parts),
    async stop() {
      const failures = await stopAll(parts)
      if (failures.length > 0) throw new AggregateError(failures, 'the monitoring did not stop cleanly')
    },
  }
}

/** The store of incidents, telling of each failure. */
function noting(store: IncidentStore, failed: () => void): IncidentStore {
  const guarded = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      failed()
      throw error
    }
  }
  return {
    save: (incident) => guarded(() => store.save(incident)),
    get: (id) => guarded(() => store.get(id)),
    remove: (id) => guarded(() => store.remove(id)),
    unresolved: (limit) => guarded(() => store.unresolved(limit)),
    recent: (limit, before) => guarded(() => store.recent(limit, before)),
  }
}
