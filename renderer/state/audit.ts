import { createResource } from './resource.ts'

const SHOWN = 200

/** The newest entries of the log of this node. */
export const auditLog = createResource(
  async (client, signal) => {
    const filter = { before: null, since: null, until: null, operation: null, actor: null, correlation: null }
    const { items } = await client.audit.list({ ...filter, limit: SHOWN }, { signal })
    return items
  },
  { everyMs: 5_000 },
)
