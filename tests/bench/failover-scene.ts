import { setTimeout as delay } from 'node:timers/promises'
import { serviceNameSchema } from '../../node-core/contract/schemas.ts'
import type { NodeName } from '../../node-core/domain/ids.ts'
import { type JudgeTarget, startEchoTarget } from '../../node-core/lab/invariants/targets.ts'
import { createInvariantWatch, type InvariantWatch } from '../../node-core/lab/invariants/watch.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import type { TopologyLink } from '../../node-core/lab/topology.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { makeLab, nodeName } from '../helpers/lab.ts'
import { waitFor } from '../helpers/x0t.ts'

/** The two sides of the ring, three links apart either way. */
export const NEAR = nodeName('n1')
export const FAR = nodeName('n4')
const SIDES = [
  ['n1', 'n2', 'n3', 'n4'],
  ['n1', 'n6', 'n5', 'n4'],
].map((side) => side.map(nodeName))
const PROVIDERS = ['n3', 'n5'].map(nodeName)
const SERVICE = serviceNameSchema.parse('either')

const READY_MS = 40_000
/** Long enough for requests every 20 ms to tell the path in use from one that only proves that it lives. */
const LOOK_MS = 300
/** Seldom: asking every node takes time from those that are measured. */
const INVARIANTS_EVERY_MS = 10_000

/** One way around the ring. */
export interface Side {
  readonly links: readonly TopologyLink[]
  /** The nodes between the two ends. */
  readonly transits: readonly NodeName[]
}

/** A service that two nodes provide, and a forward to any of them. */
export interface EitherService {
  readonly port: number
  /** Connections that each provider's target has accepted so far. */
  accepted(): ReadonlyMap<NodeName, number>
}

/** A ring of six real nodes, the same for many runs, and whole again before each of them. */
export interface Scene {
  readonly lab: Lab
  readonly either: EitherService
  /** Takes back every fault, and waits until both ways around are known at both ends. */
  mend(): Promise<void>
  /** The way that has carried more since `before`. */
  sideInUse(before: Traffic): Promise<Side>
  traffic(): Promise<Traffic>
  /** What must hold whatever breaks, and did not, since the scene began. */
  violations(): readonly string[]
  /** Watches the links for a moment. */
  look(): Promise<Side>
  stop(): Promise<void>
}

export type Traffic = Awaited<ReturnType<Lab['traffic']>>

export async function startScene(): Promise<Scene> {
  const lab = await makeLab('ring:6')
  const targets = new Map<NodeName, JudgeTarget>()
  const watch = createInvariantWatch({ clock: systemClock, random: systemRandom }, lab, {
    ...{ everyMs: INVARIANTS_EVERY_MS, traffic: false },
  })
  const stop = async (): Promise<void> => {
    await watch.stop()
    await lab.stop()
    for (const target of targets.values()) await target.close()
  }
  try {
    await lab.start()
    await lab.linked()
    for (const provider of PROVIDERS) targets.set(provider, await startEchoTarget())
    const either = await openEither(lab, targets)
    await watch.start()
    return createScene(lab, either, { watch, stop })
  } catch (error) {
    await stop()
    throw error
  }
}

async function openEither(lab: Lab, targets: ReadonlyMap<NodeName, JudgeTarget>): Promise<EitherService> {
  for (const [provider, { target }] of targets) {
    await lab.client(provider).services.expose({ name: SERVICE, target, check: null })
  }
  await waitForProviders(lab)
  const { forward } = await lab.client(NEAR).forwards.add({ port: 0, service: SERVICE, node: null })
  return {
    port: forward.port,
    accepted: () => new Map([...targets].map(([provider, { accepted }]) => [provider, accepted])),
  }
}

const waitForProviders = (lab: Lab): Promise<void> =>
  waitFor(
    'both providers to be known',
    async () => {
      const { items } = await lab.client(NEAR).services.list()
      const healthy = items.filter(({ name, state }) => name === SERVICE && state === 'healthy')
      return healthy.length === PROVIDERS.length
    },
    READY_MS,
  )

function createScene(
  lab: Lab,
  either: EitherService,
  { watch, stop }: { readonly watch: InvariantWatch; readonly stop: () => Promise<void> },
): Scene {
  const bothWays = async (from: NodeName, to: NodeName): Promise<boolean> => {
    const { items } = await lab.client(from).routes.list({ node: to })
    return items[0]?.paths.length === SIDES.length
  }
  const sideInUse = async (before: Traffic): Promise<Side> => {
    const after = await lab.traffic()
    const carried = (side: Side): number =>
      side.links.reduce((sum, link) => sum + bytesOf(after, link) - bytesOf(before, link), 0)
    const [most] = SIDES.map(sideOf).toSorted((one, other) => carried(other) - carried(one))
    if (most === undefined) throw new RangeError('a ring has two sides')
    return most
  }
  return {
    lab,
    either,
    stop,
    violations: () => watch.violations().map(({ kind, detail }) => `${kind}: ${detail}`),
    sideInUse,
    traffic: () => lab.traffic(),
    async look() {
      const before = await lab.traffic()
      await delay(LOOK_MS)
      return sideInUse(before)
    },
    async mend() {
      await lab.heal()
      const { nodes } = await lab.status()
      for (const { name, state } of nodes) {
        if (state === 'stopped') await lab.act(name, 'cont')
        else if (state === 'dead') await lab.act(name, 'restart')
      }
      await lab.linked(READY_MS)
      await waitFor(
        'both ways around to be known',
        async () => (await bothWays(NEAR, FAR)) && (await bothWays(FAR, NEAR)),
        READY_MS,
      )
      await waitForProviders(lab)
    },
  }
}

function sideOf(nodes: readonly NodeName[]): Side {
  return {
    transits: nodes.slice(1, -1),
    links: nodes.flatMap((a, at) => {
      const b = nodes[at + 1]
      return b === undefined ? [] : [{ a, b }]
    }),
  }
}

function bytesOf(traffic: Traffic, { a, b }: TopologyLink): number {
  const found = traffic.find((link) => (link.a === a && link.b === b) || (link.a === b && link.b === a))
  if (found === undefined) throw new RangeError(`there is no link ${a}-${b}`)
  return found.bytes
}
