import { createResource, createResources } from './resource.ts'
import { useTopicStore } from './topic-store.ts'

/*
 * What the pages ask the node for, beside the topics that it tells by itself.
 */

export const joinRequests = createResource(async (client, signal) => {
  const { items } = await client.joins.list(undefined, { signal })
  return items
})

/** The way to a node and the way back. */
export const traceTo = createResources((client, node, signal) => client.routes.trace({ node }, { signal }))

/** The ways to one node. */
export const routesTo = createResources(async (client, node, signal) => {
  const { items } = await client.routes.list({ node }, { signal })
  return items[0]
})

/** Read again as soon as a link or a member of this node changes: what others advertise follows within moments. */
export const meshTopology = createResource((client, signal) => client.topology.show(undefined, { signal }), {
  everyMs: 2_000,
  wake: (changed) =>
    useTopicStore.subscribe((now, before) => {
      if (now.links !== before.links || now.members !== before.members) changed()
    }),
})

/** Browsers that are signed in. */
export const consoleSessions = createResource(async (client, signal) => {
  const { items } = await client.console.sessions(undefined, { signal })
  return items
})
