import { z } from 'zod'
import { consoleLinkSchema, consoleSessionIdSchema, consoleSessionSchema } from './console-schemas.ts'
import { changesNode, reads } from './operation.ts'
import { documentOf, listOf, roleSchema } from './schemas.ts'

export const consoleOperations = {
  /** Starts the web console where it does not run yet, and makes a link to it. */
  link: changesNode('admin')
    .input(
      z.strictObject({
        /** At most that of the caller, which null asks for. */
        role: roleSchema.exclude(['none']).nullable(),
      }),
    )
    .output(consoleLinkSchema),
  sessions: reads('admin').output(listOf(consoleSessionSchema)),
  signOut: changesNode('admin')
    .input(z.strictObject({ id: consoleSessionIdSchema }))
    .output(documentOf({ id: consoleSessionIdSchema })),
}
