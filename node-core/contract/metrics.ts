import { z } from 'zod'
import { reads } from './operation.ts'
import { documentOf } from './schemas.ts'

/** Names and units as Prometheus wants them: seconds, bytes, ratios; `_total` for what only grows. */
export const metricFamilySchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9_]*$/),
  help: z.string(),
  type: z.enum(['gauge', 'counter']),
  samples: z.array(z.object({ labels: z.record(z.string(), z.string()), value: z.number() })),
})
export type MetricFamily = z.infer<typeof metricFamilySchema>

export const metricOperations = {
  /** How the node is now, in figures. */
  show: reads('viewer').output(documentOf({ metrics: z.array(metricFamilySchema) })),
}
