import type { PeerId } from '../../node-core/domain/ids.ts'
import { createLinks, type Links } from '../../node-core/mesh/links/link-manager.ts'
import { createRouting, type Routing, type RoutingOptions } from '../../node-core/mesh/routing/routing.ts'
import { startAll, stopAll } from '../../node-core/platform/lifecycle.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { type MeshNode, type MeshNodeOptions, startMeshNode } from './mesh-nodes.ts'
import type { SecurityWorld, TestNode } from './security-world.ts'

/** A member with a real host on loopback, probed links and routing over them. */
export interface RoutedNode extends MeshNode {
  readonly peer: PeerId
  readonly links: Links
  readonly routing: Routing
}

export async function startRoutedNode(
  world: SecurityWorld,
  node: TestNode,
  options: MeshNodeOptions & { readonly routing?: RoutingOptions },
): Promise<RoutedNode> {
  const mesh = await startMeshNode(world, node, options)
  const { host, membership, identity } = mesh
  const common = { clock: options.clock, random: systemRandom, logger: silentLogger, membership }
  const links = createLinks({ ...common, host })
  const routing = createRouting(
    { ...common, links, streams: host, key: identity.key, store: mesh.store.meta },
    options.routing,
  )
  const parts = [routing, links]
  await startAll(parts)
  return {
    ...mesh,
    ...{ peer: identity.peerId, links, routing },
    async stop() {
      await stopAll(parts)
      await mesh.stop()
    },
  }
}
