import type { FloodTimes } from '../../node-core/mesh/flood/flood.ts'
import { createHost, type Host } from '../../node-core/mesh/host/host.ts'
import { createAuthoritySync } from '../../node-core/mesh/membership/authority-sync.ts'
import { createJoinCarrier, type JoinCarrier } from '../../node-core/mesh/membership/join-carrier.ts'
import { createRenewal } from '../../node-core/mesh/membership/renewal.ts'
import { createSync } from '../../node-core/mesh/membership/sync.ts'
import { createMeshNoise, type MeshNoiseOptions } from '../../node-core/noise-hfs/noise-hfs.ts'
import { startAll, stopAll } from '../../node-core/platform/lifecycle.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import type { SecurityWorld, TestNode } from './security-world.ts'
import { startTestMember, type TestMember, type TestMemberOptions } from './test-members.ts'

/** A member with a real host on loopback and everything that keeps membership going over it. */
export interface MeshNode extends TestMember {
  readonly host: Host
  /** With its PeerId, as an invite names it. */
  addresses(): readonly string[]
  dial(other: Pick<MeshNode, 'addresses'>): Promise<unknown>
  stop(): Promise<void>
}

export interface MeshNodeOptions extends TestMemberOptions {
  readonly sync?: FloodTimes
  readonly noise?: MeshNoiseOptions
  /** Is called when a neighbour holds just what this node holds. */
  readonly onSame?: () => void
}

export async function startMeshNode(
  world: SecurityWorld,
  node: TestNode,
  options: MeshNodeOptions,
): Promise<MeshNode> {
  const { clock } = options
  let carrier: JoinCarrier | undefined
  const member = await startTestMember(world, node, {
    ...options,
    carry: async (request, signal) =>
      (await carrier?.carry(request, signal)) ?? { kind: 'refused', code: 'busy', genuine: false },
  })
  const { membership, identity } = member
  const noise = createMeshNoise({ admission: member.admission, clock }, options.noise)
  const common = { clock, random: systemRandom, logger: silentLogger, membership }
  const host = createHost({ ...common, identity, noise }, { listen: ['/ip4/127.0.0.1/tcp/0'] })
  carrier = createJoinCarrier({ ...common, streams: () => host })
  const parts = [
    createSync({ ...common, streams: host, onSame: () => options.onSame?.() }, options.sync),
    createAuthoritySync({ ...common, streams: host }, options.sync),
    createRenewal({ ...common, streams: host }),
    carrier,
    host,
  ]
  await startAll(parts)
  return {
    ...member,
    host,
    addresses: () => host.listenAddresses().map((address) => `${address}/p2p/${identity.peerId}`),
    dial: (other) => host.dial(other.addresses(), AbortSignal.timeout(10_000)),
    async stop() {
      await stopAll([membership, member.tickets, ...parts])
    },
  }
}
