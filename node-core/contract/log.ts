import { z } from 'zod'
import { changesNode, reads } from './operation.ts'
import { documentOf } from './schemas.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
const DAY_MS = 86_400_000

const logLevelSchema = documentOf({
  level: z.enum(LOG_LEVELS),
  /** In x0t.yaml: what the node goes back to. */
  configured: z.enum(LOG_LEVELS),
  /** When it goes back by itself; null where nothing is to end. */
  until: z.number().int().nullable(),
})

export const logOperations = {
  show: reads('viewer').output(logLevelSchema),
  /** At once, and for so long; null: until the node is started again. */
  set: changesNode('operator')
    .input(
      z.strictObject({
        level: z.enum(LOG_LEVELS),
        forMs: z.number().int().min(1_000).max(DAY_MS).nullable(),
      }),
    )
    .output(logLevelSchema),
}
