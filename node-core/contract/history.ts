import {
  seriesQuerySchema,
  seriesResultSchema,
  seriesSchema,
  sloInputSchema,
  sloSchema,
  topologyAtSchema,
  topologyChangeSchema,
  topologyRangeSchema,
  topologyStateSchema,
} from './history-schemas.ts'
import { reads } from './operation.ts'
import { listOf } from './schemas.ts'

/** What was measured over time. */
export const seriesOperations = {
  list: reads('viewer').output(listOf(seriesSchema)),
  query: reads('viewer').input(seriesQuerySchema).output(seriesResultSchema),
}

/** How the mesh was, as this node saw it. */
export const topologyHistory = {
  at: reads('viewer').input(topologyAtSchema).output(topologyStateSchema),
  /** The newest first. */
  changes: reads('viewer').input(topologyRangeSchema).output(listOf(topologyChangeSchema)),
}

/** Availability and time to repair against their targets, each with what it rests on. */
export const sloOperations = { get: reads('viewer').input(sloInputSchema).output(sloSchema) }
