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

const CONFIG_EVERY_MS = 10_000

/** The configuration in force, and what names its state. */
export const configNow = createResource((client, signal) => client.config.show(undefined, { signal }), {
  everyMs: CONFIG_EVERY_MS,
})

/** Every version of the configuration that is kept, the newest first. */
export const configHistory = createResource(
  async (client, signal) => {
    const { items } = await client.config.history(undefined, { signal })
    return [...items].sort((a, b) => b.version - a.version)
  },
  { everyMs: CONFIG_EVERY_MS },
)

/** What is other now than it was in that version. */
export const configDiff = createResources((client, version, signal) =>
  client.config.diff({ from: Number(version), to: null }, { signal }),
)
