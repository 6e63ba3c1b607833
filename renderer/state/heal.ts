import { incidentIdSchema } from '../../node-core/contract/incidents-schemas.ts'
import { createResource, createResources } from './resource.ts'

/*
 * What went wrong and what is done about it.
 */

const MOST = 500
const OFTEN_MS = 1_500

export const openIncidents = createResource(
  async (client, signal) => {
    const { items } = await client.incidents.list({ open: true, limit: MOST }, { signal })
    return items
  },
  { everyMs: OFTEN_MS },
)

export const allIncidents = createResource(
  async (client, signal) => {
    const { items } = await client.incidents.list({ open: null, limit: MOST }, { signal })
    return items
  },
  { everyMs: OFTEN_MS },
)

export const incidentById = createResources(
  async (client, id, signal) => {
    const { incident } = await client.incidents.get({ id: incidentIdSchema.parse(id) }, { signal })
    return incident
  },
  { everyMs: OFTEN_MS },
)

/** Plans and precedents of an incident. */
export const whyOf = createResources(
  (client, id, signal) => client.heal.why({ id: incidentIdSchema.parse(id) }, { signal }),
  { everyMs: OFTEN_MS },
)

/** What the loop does, and what waits for a person. */
export const healStatus = createResource((client, signal) => client.heal.status(undefined, { signal }), {
  everyMs: OFTEN_MS,
})

/** The newest repairs, for a look at what happened by itself. */
export const recentPlans = createResource(async (client, signal) => {
  const { items } = await client.plans.list({ waiting: false }, { signal })
  return [...items].sort((a, b) => b.createdAt - a.createdAt)
})

export const playbookByName = createResources(
  (client, playbook, signal) => client.playbooks.show({ playbook }, { signal }),
  { everyMs: 10_000 },
)

export const playbookList = createResource((client, signal) => client.playbooks.list(undefined, { signal }), {
  everyMs: 5_000,
})
