import type { SeriesInfo } from '../../domain/series.ts'
import type { ResourceFact } from '../../mapek/monitor/picture.ts'
import type { Resources } from '../mapek/resources.ts'
import { serviceCheck } from '../mapek/usual.ts'
import type { NodeParts } from '../node-parts.ts'

/** What moves slowly is sampled so often; a change is seen at the next turn all the same. */
const SLOW_EVERY_MS = 10_000

type Sampled = Pick<NodeParts, 'series' | 'membership' | 'services' | 'links'>

/** Samples of this node itself: what it uses, what it has left, how its services answer, how its clock differs. */
export function createNodeSampler(
  { series, membership, services, links }: Sampled,
  resources: Pick<Resources, 'sample'>,
): (at: number) => void {
  const { self } = membership
  const checkedAt = new Map<string, number>()
  let slowAt = Number.NEGATIVE_INFINITY
  let last: ResourceFact | undefined

  const add = (info: SeriesInfo, at: number, value: number | undefined, digits: number): void => {
    // What a system does not tell has no sample: unknown is not zero.
    if (value === undefined) return
    series.add(series.open(info), at, Number(value.toFixed(digits)))
  }
  const ofNode = (metric: string, unit: string): SeriesInfo => ({
    ...{ metric: `node.${metric}`, unit, kind: 'measured' },
    subject: { kind: 'part', peer: self, part: 'resources' },
  })
  const sampleChecks = (): void => {
    for (const { name, peer, checked } of services.services()) {
      if (checked === undefined || checkedAt.get(name) === checked.at) continue
      checkedAt.set(name, checked.at)
      add(serviceCheck(name, peer), checked.at, checked.tookMs, 1)
    }
  }

  return (at) => {
    sampleChecks()
    // Read here, measured once a second by whoever asks first.
    const fact = resources.sample()
    if (fact !== undefined && fact !== last) {
      last = fact
      add(ofNode('cpu', 'share'), at, fact.cpuShare, 3)
      add(ofNode('loop-lag', 'ms'), at, fact.loopLagMs, 0)
    }
    if (at - slowAt < SLOW_EVERY_MS) return
    slowAt = at
    add(ofNode('memory', 'bytes'), at, fact?.memoryBytes, 0)
    add(ofNode('memory-free', 'share'), at, fact?.freeMemoryShare, 3)
    add(ofNode('disk-free', 'share'), at, fact?.freeDiskShare, 4)
    add(ofNode('descriptors', 'count'), at, fact?.descriptors, 0)
    const expiresAt = membership.longestOwnChain()?.leaf.expiresAt
    add(
      {
        ...{ metric: 'certificate.left', unit: 'ms', kind: 'measured' },
        subject: { kind: 'part', peer: self, part: 'certificate' },
      },
      ...([at, expiresAt === undefined ? undefined : expiresAt - at, 0] as const),
    )
    for (const { peer, clockOffsetMs } of links.links()) {
      const subject = { kind: 'part', peer, part: 'clock' } as const
      add({ metric: 'clock.offset', subject, unit: 'ms', kind: 'estimated' }, at, clockOffsetMs, 1)
    }
  }
}
