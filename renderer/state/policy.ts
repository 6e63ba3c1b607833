import { createResource } from './resource.ts'

/*
 * Who may do what in the mesh.
 */

const EVERY_MS = 5_000

/** The policy that counts, and whether this node may sign the next one. */
export const policyNow = createResource(
  (client, signal) => client.policy.show({ number: null }, { signal }),
  { everyMs: EVERY_MS },
)

/** Every version that this node has kept, the newest first. */
export const policyHistory = createResource(
  async (client, signal) => {
    const { items } = await client.policy.history(undefined, { signal })
    return [...items].sort((a, b) => b.number - a.number)
  },
  { everyMs: EVERY_MS },
)
