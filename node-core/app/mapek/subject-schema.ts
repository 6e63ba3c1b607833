import { z } from 'zod'
import { parsePeerId, parseServiceName } from '../../domain/ids.ts'
import { NODE_PARTS, type Subject } from '../../domain/subject.ts'
import { parsedText } from '../../security/codec.ts'

const peerId = parsedText(parsePeerId)

/** What an order or a report is about, as it comes from another member. */
export const subjectSchema: z.ZodType<Subject> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('node'), peer: peerId }),
  z.strictObject({ kind: z.literal('link'), ends: z.tuple([peerId, peerId]) }),
  z.strictObject({ kind: z.literal('service'), name: parsedText(parseServiceName), provider: peerId }),
  z.strictObject({ kind: z.literal('mesh') }),
  z.strictObject({ kind: z.literal('part'), peer: peerId, part: z.enum(NODE_PARTS) }),
])
