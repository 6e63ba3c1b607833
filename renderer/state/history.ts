import { createResource, createResources } from './resource.ts'

/*
 * How things were: series, the mesh of an earlier moment, and the levels of service that follow from them.
 */

const DAY_MS = 86_400_000
const SELDOM_MS = 15_000
const MAX_POINTS = 240

/** Over so many days. */
export const serviceLevels = createResources(
  (client, days, signal) => client.slo.get({ windowMs: Number(days) * DAY_MS }, { signal }),
  { everyMs: SELDOM_MS },
)

export const seriesList = createResource(
  async (client, signal) => {
    const { items } = await client.series.list(undefined, { signal })
    return items
  },
  { everyMs: SELDOM_MS },
)

/** The last hour of one series. */
export const lastHour = createResources(
  (client, key, signal) => {
    const until = Date.now()
    const query = { key, from: until - 3_600_000, until, maxPoints: MAX_POINTS, resolution: null }
    return client.series.query(query, { signal })
  },
  { everyMs: SELDOM_MS },
)

/** The mesh as it was at that moment. */
export const meshAt = createResources(
  async (client, at, signal) => {
    const { state } = await client.topology.at({ at: Number(at) }, { signal })
    return { state }
  },
  // What was does not change.
  { everyMs: 3_600_000 },
)
