import { z } from 'zod'
import {
  incidentDocumentSchema,
  incidentIdSchema,
  incidentSchema,
  MAX_SILENCE_MS,
  remarkSchema,
} from './incidents-schemas.ts'
import { changesNode, reads } from './operation.ts'
import { listOf } from './schemas.ts'

const id = incidentIdSchema
const changes = () => changesNode('operator')

/** What went wrong in the mesh, and what people say of it. Each answers with the incident as it is then. */
export const incidents = {
  /** The urgent ones first. */
  list: reads('viewer')
    .input(
      z.strictObject({
        /** Null: all. True: those that are not over. */
        open: z.boolean().nullable(),
        limit: z.number().int().min(1).max(500),
      }),
    )
    .output(listOf(incidentSchema)),
  get: reads('viewer').input(z.strictObject({ id })).output(incidentDocumentSchema),
  acknowledge: changes().input(z.strictObject({ id })).output(incidentDocumentSchema),
  /** Null: nobody takes care of it any more. */
  own: changes()
    .input(z.strictObject({ id, owner: z.string().trim().min(1).max(63).nullable() }))
    .output(incidentDocumentSchema),
  note: changes()
    .input(z.strictObject({ id, text: remarkSchema }))
    .output(incidentDocumentSchema),
  /** 0 ends the silence. It is about notifications: the incident stays on every page and in every count. */
  silence: changes()
    .input(z.strictObject({ id, forMs: z.number().int().min(0).max(MAX_SILENCE_MS) }))
    .output(incidentDocumentSchema),
  resolve: changes()
    .input(z.strictObject({ id, reason: remarkSchema }))
    .output(incidentDocumentSchema),
}
