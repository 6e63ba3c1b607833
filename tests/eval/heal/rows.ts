import { connect } from 'node:net'
import { serviceNameSchema } from '../../../node-core/contract/schemas.ts'
import type { Lab } from '../../../node-core/lab/lab.ts'
import { startHttpSite } from '../../helpers/http-site.ts'
import { waitFor } from '../../helpers/x0t.ts'
import { type Judge, streamJudge } from './judges.ts'
import { GRID, RING, type Scene, type Stage } from './stage.ts'

/** An incident as a node of the mesh tells it, while the run is watched. */
export interface Seen {
  readonly id: string
  readonly code: string
  readonly state: string
}

/** What is done while a run is watched: called again and again until the run is over. */
export type Attend = (seen: readonly Seen[], sinceMs: number) => Promise<void>

/** One row of the table of faults (the numbers are those of docs/symptoms.md and of the reports). */
export interface HealRow {
  readonly row: number
  readonly name: string
  /** Traffic itself is at stake, and the mesh has a way around: its repair times are pooled. */
  readonly pooled?: true
  /** To be healed without a person. */
  readonly healable: boolean
  /** Codes that name the root rightly. */
  readonly roots: readonly string[]
  /** A node may put it right before it is a symptom. */
  readonly mayGoUnseen?: true
  /** The fault itself ends delivery, and nothing can bring it back: that is not what was made worse. */
  readonly endsDelivery?: true
  readonly scenes: readonly Scene[]
  readonly settings?: readonly string[]
  /** Longer than this it is not watched, ms. */
  readonly limitMs: number
  /** More than this is a bad way although something arrives, ms. */
  readonly goodRttMs?: number
  /** Sets up what is broken, and who judges it. */
  prepare(stage: Stage): Promise<Judge>
  inject(stage: Stage): Promise<Attend | undefined>
  /** What has to hold besides delivery before the mesh is whole. */
  isWhole?(stage: Stage): Promise<boolean>
}

const BOTH = [RING, GRID]
const QUICK_MS = 15_000
const SLOW_MS = 30_000
/** A fault that only ends from outside ends after this time. */
const LASTS_MS = 6_000

type Impairment = Parameters<Lab['impair']>[2]

const lasting =
  (inject: (stage: Stage) => Promise<unknown>): HealRow['inject'] =>
  async (stage) => {
    await inject(stage)
    return undefined
  }

const onLink = (impairment: Impairment): HealRow['inject'] =>
  lasting(({ lab, scene: { link } }) => lab.impair(...link, impairment))

/** Cuts links, and mends them after a while. */
const cutForAWhile =
  (linksOf: (stage: Stage) => Scene['cut']): HealRow['inject'] =>
  async (stage) => {
    const links = linksOf(stage)
    await Promise.all(links.map(([a, b]) => stage.lab.impair(a, b, { kind: 'cut' })))
    let isMended = false
    return async (_seen, sinceMs) => {
      if (isMended || sinceMs < LASTS_MS) return
      isMended = true
      await stage.lab.heal()
    }
  }

const stream = { prepare: streamJudge, scenes: BOTH }
const connectivity = { ...stream, pooled: true, healable: true, limitMs: QUICK_MS } as const
const quality = { ...stream, healable: true, limitMs: SLOW_MS, goodRttMs: 100 } as const
/** What one link can carry from now on, and what a download beside the judge's requests comes at. */
const THROTTLED_BYTES_PER_S = 100_000
const DOWNLOAD_BYTES_PER_S = 400_000
const DOWNLOAD_BYTES = 16 * 1024 * 1024

/** A throttled link is only slow under load. */
async function downloadThroughThrottle(stage: Stage): Promise<undefined> {
  const { lab, scene, onEnd } = stage
  const site = await startHttpSite(DOWNLOAD_BYTES, { bytesPerSecond: DOWNLOAD_BYTES_PER_S })
  onEnd(() => site.close())
  const name = serviceNameSchema.parse('download')
  await lab.client(scene.to).services.expose({ name, target: site.target, check: null })
  const near = lab.client(scene.from)
  await waitFor('the download to be known', async () =>
    (await near.services.list()).items.some((service) => service.name === name),
  )
  const { forward } = await near.forwards.add({ port: 0, service: name, node: null })
  const socket = connect({ port: forward.port, host: '127.0.0.1' })
  onEnd(() => socket.destroy())
  socket.on('error', () => {})
  socket.resume()
  socket.write(`GET ${site.path} HTTP/1.0\r\n\r\n`)
  await lab.impair(...scene.link, { kind: 'throttle', bytesPerSecond: THROTTLED_BYTES_PER_S })
}

/** What the lab makes by itself. */
export const LINK_ROWS: readonly HealRow[] = [
  {
    ...{ row: 1, name: 'node killed', roots: ['node-down'], ...connectivity },
    inject: lasting(({ lab, scene }) => lab.act(scene.between, 'kill')),
  },
  {
    ...{ row: 2, name: 'node hangs', roots: ['node-down'], ...connectivity },
    inject: lasting(({ lab, scene }) => lab.act(scene.between, 'stop')),
  },
  {
    ...{ row: 3, name: 'link cut', roots: ['link-down'], ...connectivity },
    inject: onLink({ kind: 'cut' }),
  },
  {
    ...{ row: 4, name: 'black hole', roots: ['link-down'], ...connectivity },
    inject: onLink({ kind: 'blackhole' }),
  },
  {
    ...{ row: 5, name: 'one-way loss', roots: ['link-one-way', 'link-down'], ...connectivity },
    inject: onLink({ kind: 'oneway' }),
  },
  {
    ...{ row: 6, name: 'loss 20 %', roots: ['link-lossy', 'link-slow'], ...quality },
    inject: onLink({ kind: 'loss', rate: 0.2 }),
  },
  {
    ...{ row: 7, name: 'delay 150 ms', roots: ['link-slow'], ...quality },
    inject: onLink({ kind: 'delay', ms: 150, jitterMs: 10 }),
  },
  {
    ...{ row: 8, name: 'throttled', ...quality },
    roots: ['link-congested', 'link-slow', 'link-lossy'],
    inject: downloadThroughThrottle,
  },
  {
    ...{ row: 9, name: 'flapping', roots: ['link-flapping', 'link-down'], ...quality },
    inject: onLink({ kind: 'flap', downMs: 700, upMs: 1_500 }),
  },
  {
    ...{ row: 10, name: 'partition', roots: ['mesh-partition'], ...stream },
    ...{ healable: false, limitMs: SLOW_MS },
    inject: cutForAWhile(({ scene }) => scene.cut),
  },
  {
    ...{ row: 11, name: 'own uplink', roots: ['uplink-down'], ...stream },
    ...{ healable: false, limitMs: SLOW_MS },
    inject: cutForAWhile(({ lab, scene: { aside } }) =>
      lab.topology.links.filter(({ a, b }) => a === aside || b === aside).map(({ a, b }) => [a, b] as const),
    ),
  },
  {
    // Neighbours that died together look from outside like the far side of a partition, and nobody can tell which it is.
    ...{ row: 22, name: 'cascade', roots: ['storm', 'mesh-partition'], ...stream },
    ...{ healable: false, limitMs: QUICK_MS },
    inject: lasting(({ lab, scene: { storm } }) => Promise.all(storm.map((node) => lab.act(node, 'kill')))),
  },
]
