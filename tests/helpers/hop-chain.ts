import type { Duplex } from 'node:stream'
import type { PeerId } from '../../node-core/domain/ids.ts'
import { createFlow } from '../../node-core/mesh/flows/flow.ts'
import type { HopLimits } from '../../node-core/mesh/multihop/hop-accounts.ts'
import type { RoutedConnection } from '../../node-core/mesh/multihop/routed-connection.ts'
import {
  createRoutedConnections,
  type RoutedConnections,
} from '../../node-core/mesh/multihop/routed-connections.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import type { CertificateGrant } from '../../node-core/security/issue.ts'
import { decodePolicyVersion, signPolicyVersion } from '../../node-core/security/policy-version.ts'
import { eventually } from './eventually.ts'
import { type MeshNode, type MeshNodeOptions, startMeshNode } from './mesh-nodes.ts'
import { type SecurityWorld, securityWorld, type TestNode } from './security-world.ts'
import { worldClock } from './test-members.ts'

/** A member with a real host and the multi-hop transport on it. */
export interface HopNode extends MeshNode {
  readonly peer: PeerId
  readonly routed: RoutedConnections
  /** Links to these are taken for down although they are connected. */
  readonly downLinks: Set<PeerId>
}

export interface HopChain {
  readonly world: SecurityWorld
  readonly nodes: readonly HopNode[]
  node(index: number): HopNode
  /** The peers from one index to another, without the first: a path. */
  path(from: number, to: number): readonly PeerId[]
  /** Opens a routed connection along the chain and waits until the far end has it too. */
  connect(
    from: number,
    to: number,
  ): Promise<{ readonly near: RoutedConnection; readonly far: RoutedConnection }>
  link(left: number, right: number): Promise<void>
  /** Signs the next version of the policy and gives it to the first node, which tells the others. */
  setPolicy(document: string): void
  stop(): Promise<void>
}

export interface HopChainOptions extends Partial<MeshNodeOptions> {
  readonly limits?: Partial<HopLimits>
  /** By index: what a member's certificate says other than usual. */
  readonly grants?: Readonly<Record<number, Partial<CertificateGrant>>>
}

const limit = () => AbortSignal.timeout(10_000)

/** A member with a real host and the multi-hop transport on it, started. */
export async function startHopNode(
  world: SecurityWorld,
  member: TestNode,
  options: MeshNodeOptions & Pick<HopChainOptions, 'limits'>,
): Promise<HopNode> {
  const node = await startMeshNode(world, member, options)
  const downLinks = new Set<PeerId>()
  const { peerId } = member.identity
  const routed = createRoutedConnections(
    {
      self: peerId,
      clock: options.clock,
      logger: options.logger ?? silentLogger,
      host: node.host,
      membership: node.membership,
      isUp: (peer) => node.host.peers().includes(peer) && !downLinks.has(peer),
    },
    options.limits === undefined ? {} : { limits: options.limits },
  )
  await routed.start()
  return { ...node, peer: peerId, routed, downLinks }
}

/** Members in a row on loopback, each connected to the next alone; the first holds the authority's key. */
export async function startChain(length: number, options: HopChainOptions = {}): Promise<HopChain> {
  const world = securityWorld()
  const clock = worldClock()
  const nodes: HopNode[] = []
  for (let index = 0; index < length; index++) {
    const member =
      index === 0 ? world.founder : world.member('operator', world.founder, options.grants?.[index])
    nodes.push(await startHopNode(world, member, { clock, ...options, holdsAuthority: index === 0 }))
  }
  const node = (index: number): HopNode => {
    const found = nodes[index]
    if (found === undefined) throw new RangeError(`there is no node ${index}`)
    return found
  }
  const link = async (left: number, right: number): Promise<void> => {
    await node(left).dial(node(right))
    await eventually('the other end knows', () => node(right).host.peers().includes(node(left).peer))
  }
  for (let index = 1; index < length; index++) await link(index - 1, index)
  await eventually('all know all and the policy', () =>
    nodes.every(
      ({ membership }) => membership.members().length >= length && membership.policy().rules.length > 0,
    ),
  )
  const path = (from: number, to: number): readonly PeerId[] => {
    const step = from < to ? 1 : -1
    return Array.from({ length: Math.abs(to - from) }, (_, index) => node(from + step * (index + 1)).peer)
  }
  return {
    world,
    nodes,
    node,
    path,
    link,
    setPolicy(document) {
      const row = node(0).store.policies.latest()
      const current = row === undefined ? undefined : decodePolicyVersion(row.policy)
      const next = signPolicyVersion(world.authority, current, document, clock.now())
      node(0).membership.replica.accept({ kind: 'policy', bytes: next.bytes })
    },
    async connect(from, to) {
      const before = new Set(node(to).routed.all())
      const near = await node(from).routed.open(path(from, to), limit())
      let far: RoutedConnection | undefined
      await eventually('the far end has it', () => {
        far = node(to)
          .routed.all()
          .find((connection) => !before.has(connection))
        return far !== undefined
      })
      if (far === undefined) throw new Error('unreachable')
      return { near, far }
    },
    async stop() {
      await Promise.all(nodes.map(({ routed }) => routed.stop()))
      await Promise.all(nodes.map((each) => each.stop()))
    },
  }
}

const TEST_PROTOCOL = '/x0t/test/1'

/** Serves byte flows at a node: each goes to `accept`. */
export async function serveFlows(
  { routed }: Pick<HopNode, 'routed'>,
  accept: (flow: Duplex, connection: RoutedConnection) => void,
): Promise<void> {
  await routed.handle(TEST_PROTOCOL, (stream, connection) =>
    accept(quiet(createFlow(stream, connection.line)), connection),
  )
}

export async function openFlow(connection: RoutedConnection): Promise<Duplex> {
  return quiet(createFlow(await connection.newStream(TEST_PROTOCOL, limit()), connection.line))
}

/** A reset is looked for by whoever expects one. */
function quiet(flow: Duplex): Duplex {
  flow.on('error', () => undefined)
  return flow
}

/** Both ends of a flow over a routed connection; `far` is the node at its far end. */
export async function flowPair(
  { near }: { readonly near: RoutedConnection },
  far: Pick<HopNode, 'routed'>,
): Promise<{ readonly near: Duplex; readonly far: Duplex }> {
  const arrived = Promise.withResolvers<Duplex>()
  await serveFlows(far, arrived.resolve)
  return { near: await openFlow(near), far: await arrived.promise }
}
