import type { Impairment } from '../../node-core/contract/lab.ts'
import type { NodeName } from '../../node-core/domain/ids.ts'
import { chance } from '../../node-core/lab/impairment/seeded.ts'
import type { Topology, TopologyLink } from '../../node-core/lab/topology.ts'

/** Something that goes wrong for a while. */
export type SoakFault =
  | {
      readonly kind: 'link'
      readonly link: TopologyLink
      readonly impairment: Impairment
      readonly forMs: number
    }
  | {
      readonly kind: 'node'
      readonly node: NodeName
      readonly action: 'kill' | 'stop'
      readonly forMs: number
    }

export interface FaultWorld {
  readonly topology: Topology
  /** Nodes that judge, and never fail themselves: the end of a connection that dies takes the connection with it. */
  readonly ends: readonly [NodeName, NodeName]
  /** Faults in force, and those that are over but whose links are not back. */
  readonly broken: readonly SoakFault[]
  readonly mayKill: boolean
}

const MIN_MS = 500
const MAX_MS = 8_000
const TRIES = 30
/** Of all faults, those of nodes. */
const NODE_SHARE = 0.25

/** Which numbers of one step are used for what. */
const DICE = { kind: 1, which: 2, how: 3, amount: 4, time: 5 } as const

/**
 * The fault of a step, the same for the same seed in the same world: one after which the two ends still reach each
 * other. Undefined when none is found.
 */
export function chooseFault(seed: number, step: number, world: FaultWorld): SoakFault | undefined {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const dice = (what: keyof typeof DICE): number => chance(seed, step, attempt, DICE[what])
    const fault = dice('kind') < NODE_SHARE ? nodeFault(dice, world) : linkFault(dice, world)
    if (fault === undefined || isTaken(fault, world.broken)) continue
    if (areConnected(world.topology, world.ends, [...world.broken, fault])) return fault
  }
  return undefined
}

type Dice = (what: keyof typeof DICE) => number

const pick = <T>(items: readonly T[], unit: number): T | undefined => items[Math.floor(unit * items.length)]
const between = (least: number, most: number, unit: number): number =>
  Math.round(least + (most - least) * unit)

function nodeFault(dice: Dice, { topology, ends, mayKill }: FaultWorld): SoakFault | undefined {
  const node = pick(
    topology.nodes.filter((name) => !ends.includes(name)),
    dice('which'),
  )
  if (node === undefined) return undefined
  const action = mayKill && dice('how') < 0.5 ? 'kill' : 'stop'
  return { kind: 'node', node, action, forMs: between(MIN_MS, MAX_MS, dice('time')) }
}

function linkFault(dice: Dice, { topology }: FaultWorld): SoakFault | undefined {
  const chosen = pick(topology.links, dice('which'))
  if (chosen === undefined) return undefined
  const impairment = pick(IMPAIRMENTS, dice('how'))?.(dice('amount'))
  if (impairment === undefined) return undefined
  // The order of the ends is the direction of what is one way.
  const link = dice('amount') < 0.5 ? chosen : { a: chosen.b, b: chosen.a }
  return { kind: 'link', link, impairment, forMs: between(MIN_MS, MAX_MS, dice('time')) }
}

const IMPAIRMENTS: readonly ((amount: number) => Impairment)[] = [
  () => ({ kind: 'cut' }),
  () => ({ kind: 'blackhole' }),
  () => ({ kind: 'oneway' }),
  (amount) => ({
    kind: 'flap',
    downMs: between(100, 1_500, amount),
    upMs: between(500, 3_000, 1 - amount),
  }),
  (amount) => ({ kind: 'delay', ms: between(5, 60, amount), jitterMs: between(0, 20, 1 - amount) }),
  (amount) => ({ kind: 'loss', rate: 0.05 * amount }),
  (amount) => ({ kind: 'throttle', bytesPerSecond: between(200_000, 5_000_000, amount) }),
]

/** Whether nothing passes, at least for a time, or in one direction. The other impairments only slow down. */
const isBreaking = ({ kind }: Impairment): boolean =>
  kind === 'cut' || kind === 'blackhole' || kind === 'oneway' || kind === 'flap'

const isSameLink = (one: TopologyLink, other: TopologyLink): boolean =>
  (one.a === other.a && one.b === other.b) || (one.a === other.b && one.b === other.a)

function isTaken(fault: SoakFault, broken: readonly SoakFault[]): boolean {
  return broken.some((other) => {
    if (fault.kind === 'link') return other.kind === 'link' && isSameLink(fault.link, other.link)
    return other.kind === 'node' && other.node === fault.node
  })
}

/** Whether the ends reach each other over what is not broken. */
export function areConnected(
  topology: Topology,
  [from, to]: readonly [NodeName, NodeName],
  broken: readonly SoakFault[],
): boolean {
  const isOpen = (link: TopologyLink): boolean =>
    !broken.some((fault) =>
      fault.kind === 'link'
        ? isBreaking(fault.impairment) && isSameLink(fault.link, link)
        : fault.node === link.a || fault.node === link.b,
    )
  const open = topology.links.filter(isOpen)
  const reached = new Set([from])
  // The set grows while it is walked.
  for (const node of reached) {
    for (const { a, b } of open) {
      if (a === node) reached.add(b)
      if (b === node) reached.add(a)
    }
  }
  return reached.has(to)
}

/** Whether a link is to be up again when everything in `broken` is still in force. */
export function isWhole({ a, b }: TopologyLink, broken: readonly SoakFault[]): boolean {
  return !broken.some((fault) =>
    fault.kind === 'link' ? isSameLink(fault.link, { a, b }) : fault.node === a || fault.node === b,
  )
}

/** The links that a fault takes away or slows down. */
export function linksOf(fault: SoakFault, topology: Topology): readonly TopologyLink[] {
  return fault.kind === 'link'
    ? topology.links.filter((link) => isSameLink(link, fault.link))
    : topology.links.filter(({ a, b }) => a === fault.node || b === fault.node)
}

/** In words, for the history. */
export function describeFault(fault: SoakFault): string {
  if (fault.kind === 'node') return `${fault.action} ${fault.node} for ${fault.forMs} ms`
  const { kind, ...how } = fault.impairment
  const amounts = Object.entries(how).map(([name, value]) => ` ${name} ${value}`)
  return `${kind}${amounts.join('')} ${fault.link.a}-${fault.link.b} for ${fault.forMs} ms`
}
