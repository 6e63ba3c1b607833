import { z } from 'zod'
import {
  documentOf,
  KEYSTORE_KINDS,
  meshIdSchema,
  nodeNameSchema,
  peerIdSchema,
  roleSchema,
} from './schemas.ts'

const passphrase = z
  .string()
  .min(8, { error: 'must have at least 8 characters' })
  .max(1_024)
  .nullable()
  .describe(
    'null: the keystore opens with what the program that started the node keeps for it, else with a key file beside it',
  )

export const setupStateSchema = documentOf({
  /** `setup`: the home belongs to no mesh yet, and only the operations of this group are served. */
  mode: z.enum(['setup', 'node']),
  home: z.string(),
  /** What opens the keystore that is there already; null when there is none. */
  keystore: z.enum(KEYSTORE_KINDS).nullable(),
  /** A name for this node to begin with: that of the machine, as far as it is one. */
  suggestedName: nodeNameSchema.nullable(),
})

export const setupCreateSchema = z.strictObject({
  /** Only ever shown to people: it may be a text. */
  mesh: z
    .string()
    .regex(/^(?=\S)[^\p{C}]{1,63}(?<=\S)$/u, 'must be 1 to 63 characters, with no space at the ends'),
  name: nodeNameSchema,
  passphrase,
})

export const setupCreatedSchema = documentOf({
  peer: peerIdSchema,
  name: nodeNameSchema,
  mesh: z.string(),
  /** Of the mesh authority: what those who join compare. */
  fingerprint: meshIdSchema,
})

const token = z.string().regex(/^x0t1[\x21-\x7e]{1,8000}$/, 'must be an invite: x0t1...')

export const setupReadTokenSchema = z.strictObject({ token })

/** What a token says, to be looked at before anything is done with it. */
export const setupTokenSchema = documentOf({
  fingerprint: meshIdSchema,
  role: roleSchema,
  expiresAt: z.number().int().nonnegative(),
  addresses: z.array(z.string()),
})

export const setupJoinSchema = z.strictObject({ token, name: nodeNameSchema, passphrase })

export const setupJoinedSchema = documentOf({
  peer: peerIdSchema,
  name: nodeNameSchema,
  fingerprint: meshIdSchema,
  role: roleSchema,
})

/** A link to the console of a node of the practice lab. */
export const setupLabSchema = documentOf({
  url: z.string(),
  expiresAt: z.number().int().nonnegative(),
  nodes: z.array(nodeNameSchema),
})
