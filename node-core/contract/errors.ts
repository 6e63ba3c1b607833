import { z } from 'zod'
import { roleSchema } from './schemas.ts'

/** Stable codes of what goes wrong, `NODE_NOT_RUNNING`. */
export const faultCodeSchema = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/)

/** What `--json` prints when a command fails, and the shape that a person's message is made of. */
export const errorDocumentSchema = z.object({
  schema: z.literal(1),
  error: z.object({
    code: faultCodeSchema,
    /** What happened, and why. */
    message: z.string().min(1),
    /** What to do; empty where there is nothing to add. */
    hint: z.string(),
  }),
})

/** Who may do something: on this node alone, or in the whole mesh by the right of this node's certificate. */
const scopeSchema = z.enum(['node', 'mesh'])

/**
 * Every error of every operation. A fault of the node is FAULT, with the fault's own code in its data; none carries a
 * stack or an inner cause.
 */
export const contractErrors = {
  FAULT: {
    status: 409,
    message: 'the node could not do it',
    data: z.object({ code: faultCodeSchema, hint: z.string() }),
  },
  FORBIDDEN: {
    status: 403,
    message: 'the role does not allow it',
    data: z.object({ scope: scopeSchema, needs: roleSchema, has: roleSchema, hint: z.string() }),
  },
  INVALID_INPUT: {
    status: 400,
    message: 'the request is not what the operation expects',
    data: z.object({ issues: z.array(z.object({ path: z.string(), message: z.string() })) }),
  },
  INTERNAL: { status: 500, message: 'an unexpected fault in the node', data: z.object({ hint: z.string() }) },
} as const
