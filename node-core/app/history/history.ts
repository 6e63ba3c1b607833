import { changesBetween, EMPTY_MESH, type MeshState, withChanges } from '../../domain/mesh-history.ts'
import type { SeriesInfo } from '../../domain/series.ts'
import { linkSubject } from '../../domain/subject.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Resources } from '../mapek/resources.ts'
import type { NodeParts } from '../node-parts.ts'
import { meshView } from './mesh-view.ts'
import { createNodeSampler } from './node-sampler.ts'
import { reportStoreFaults } from './store-health.ts'

export const SAMPLE_EVERY_MS = 1_000
const STARTING_MS = 5_000
const LOOK_EVERY_MS = 10_000
const FORGET_EVERY_MS = 600_000
const FORGET_STEP_MS = 1_000

/** Of all other members, the share that this node has a way to: what `x0t slo` rests on. */
export const REACHABLE: SeriesInfo = {
  metric: 'mesh.reachable',
  subject: { kind: 'mesh' },
  unit: 'share',
  kind: 'measured',
}

/** Remembers how the mesh is: its topology, what is reached, and how the links of this node are. */
export function createHistory(parts: NodeParts, resources: Pick<Resources, 'sample'>): Lifecycle {
  const { clock, logger, series, membership, links } = parts
  const offs: (() => void)[] = []
  let before: MeshState = EMPTY_MESH
  let now: MeshState = EMPTY_MESH
  /** The view is made anew when routing says that something changed, and now and then for the costs. */
  let looksAt = 0

  const look = (at: number): void => {
    looksAt = clock.monotonicMs() + LOOK_EVERY_MS
    now = meshView(parts)
    const changes = changesBetween(before, now, at)
    if (changes.length === 0) return
    series.recordChanges(changes)
    before = withChanges(before, changes)
  }

  const sampleNode = createNodeSampler(parts, resources)

  const sample = (): void => {
    const at = clock.now()
    if (clock.monotonicMs() >= looksAt) look(at)
    const others = now.nodes.filter(({ peer }) => peer !== membership.self)
    const reached = others.filter(({ reachable }) => reachable).length
    // For a moment after the start no link is there yet: that is not an outage.
    const isStarting = reached === 0 && at - parts.startedAt < STARTING_MS
    if (others.length > 0 && !isStarting) {
      series.add(series.open(REACHABLE), at, reached / others.length)
    }
    sampleNode(at)
    for (const { peer, rttMs, lossEstimate } of links.links()) {
      const subject = linkSubject(membership.self, peer)
      if (rttMs !== undefined) {
        const id = series.open({ metric: 'link.rtt', subject, unit: 'ms', kind: 'measured' })
        series.add(id, at, Math.round(rttMs * 100) / 100)
      }
      if (lossEstimate !== undefined) {
        const id = series.open({ metric: 'link.loss', subject, unit: 'share', kind: 'estimated' })
        series.add(id, at, Math.round(lossEstimate * 1_000) / 1_000)
      }
    }
  }

  const repeat = (failedMs: number, work: () => number): (() => void) => {
    let cancel = (): void => {}
    const run = (): void => {
      let nextMs = failedMs
      try {
        nextMs = work()
      } catch (error) {
        logger.warn('history was not written', { error: messageOf(error) })
      }
      cancel = clock.after(nextMs, run)
    }
    run()
    return () => cancel()
  }

  return {
    async start() {
      offs.push(
        ...reportStoreFaults(parts),
        parts.routing.events.on('changed', () => {
          looksAt = 0
        }),
        repeat(SAMPLE_EVERY_MS, () => {
          sample()
          return SAMPLE_EVERY_MS
        }),
        repeat(FORGET_EVERY_MS, () =>
          parts.knowledge.forget(clock.now()) ? FORGET_STEP_MS : FORGET_EVERY_MS,
        ),
      )
    },
    async stop() {
      for (const off of offs.splice(0)) off()
    },
  }
}
