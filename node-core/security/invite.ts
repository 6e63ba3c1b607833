import { hkdfSync } from 'node:crypto'
import { z } from 'zod'
import { type InviteId, type MeshId, type PeerId, parseInviteId } from '../domain/ids.ts'
import type { Role } from '../domain/role.ts'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { labelsSchema, meshIdSchema, peerIdSchema, roleSchema } from './certificate.ts'
import { bytesOf, decodeStrict, encodeStrict, parsedText, sha256Hex, sha256Text, timeMs } from './codec.ts'
import type { SecurityFault } from './faults.ts'
import {
  createHybridKey,
  type HybridKey,
  type HybridPublicKey,
  hybridPublicKeySchema,
  secretSeeds,
  wipeSeeds,
} from './hybrid-key.ts'
import { hideSecrets } from './redact.ts'

const SECRET_BYTES = 32
const MAX_TOKEN_BYTES = 2_048
const MAX_BOOTSTRAP_ADDRESSES = 8
const CHECKSUM_BYTES = 4
const TOKEN_PREFIX = 'x0t1'

/** What a token holds. `secret` is hidden from `JSON.stringify` and `inspect`. */
export interface Invite {
  /** Also the fingerprint of the authority that founded the mesh. */
  readonly meshId: MeshId
  /** Fingerprint of the authority's key, once it is another one than that. */
  readonly authority?: string | undefined
  /** The one node that can redeem it. */
  readonly issuer: PeerId
  readonly inviteId: InviteId
  /** Multiaddrs of members to dial, at most 8. */
  readonly addresses: readonly string[]
  readonly role: Role
  readonly expiresAt: number
  readonly secret: Uint8Array
}

/** What the issuer keeps: nothing in it lets anyone join. */
export interface InviteRecord {
  readonly inviteId: InviteId
  /** Public halves of the keys that the token's secret derives. */
  readonly publicKey: HybridPublicKey
  readonly role: Role
  readonly labels: readonly string[]
  readonly transit: boolean
  /** An operator has to approve before the certificate is issued. */
  readonly approve: boolean
  readonly createdAt: number
  readonly expiresAt: number
}

export interface InviteOptions {
  readonly meshId: MeshId
  /** Fingerprint of the authority's key by which whoever joins knows the mesh, if it is another one than the mesh id. */
  readonly authority?: string | undefined
  readonly issuer: PeerId
  readonly addresses: readonly string[]
  readonly role: Role
  readonly labels?: readonly string[]
  readonly transit?: boolean
  readonly approve?: boolean
  readonly nowMs: number
  readonly expiresAt: number
}

export const inviteIdSchema: z.ZodType<InviteId> = parsedText(parseInviteId)

/** Printable text that begins like a multiaddr; whoever dials it parses it. */
export const addressSchema: z.ZodType<string> = z.string().regex(/^\/[\x21-\x7e]{1,255}$/)

const tokenSchema = z.strictObject({
  meshId: meshIdSchema,
  authority: sha256Text.optional(),
  issuer: peerIdSchema,
  inviteId: inviteIdSchema,
  addresses: z.array(addressSchema).max(MAX_BOOTSTRAP_ADDRESSES),
  role: roleSchema,
  expiresAt: timeMs,
  secret: bytesOf(SECRET_BYTES),
})

const inviteRecordSchema: z.ZodType<InviteRecord> = z.strictObject({
  inviteId: inviteIdSchema,
  publicKey: hybridPublicKeySchema,
  role: roleSchema,
  labels: labelsSchema,
  transit: z.boolean(),
  approve: z.boolean(),
  createdAt: timeMs,
  expiresAt: timeMs,
})

/** The token's content for one person, and the record for the issuer's store. Throws BAD_RECORD for values out of bounds. */
export function createInvite(
  deps: { readonly random: Random },
  options: InviteOptions,
): { readonly invite: Invite; readonly record: InviteRecord } {
  const { meshId, issuer, role, expiresAt } = options
  const inviteId = `inv-${Buffer.from(deps.random.bytes(8)).toString('hex')}` as InviteId
  const secret = deps.random.bytes(SECRET_BYTES)
  const addresses = options.addresses.slice(0, MAX_BOOTSTRAP_ADDRESSES)
  const key = deriveInviteKey(secret)
  try {
    const record: InviteRecord = {
      inviteId,
      publicKey: key.publicKey,
      role,
      labels: [...new Set(options.labels ?? [])].sort(),
      transit: options.transit ?? true,
      approve: options.approve ?? false,
      createdAt: options.nowMs,
      expiresAt,
    }
    const named = options.authority === undefined ? {} : { authority: options.authority }
    const content = { meshId, ...named, issuer, inviteId, addresses, role, expiresAt, secret }
    if (!tokenSchema.safeParse(content).success || !inviteRecordSchema.safeParse(record).success) {
      throw new FaultError<SecurityFault>(
        { code: 'BAD_RECORD', record: 'invite' },
        'an invite with addresses, labels or times out of bounds cannot be made',
      )
    }
    return { invite: asInvite(content), record }
  } finally {
    key.wipe()
  }
}

const asInvite = (content: z.infer<typeof tokenSchema>): Invite => hideSecrets('invite', content, ['secret'])

/** `x0t1` and base64url of the content and four bytes of its SHA-256, so that a slip in copying is told from a bad invite. */
export function encodeToken(invite: Invite): string {
  const { meshId, authority, issuer, inviteId, addresses, role, expiresAt, secret } = invite
  const named = authority === undefined ? {} : { authority }
  const content = encodeStrict({ meshId, ...named, issuer, inviteId, addresses, role, expiresAt, secret })
  const checksum = Buffer.from(sha256Hex(content), 'hex').subarray(0, CHECKSUM_BYTES)
  return TOKEN_PREFIX + Buffer.concat([content, checksum]).toString('base64url')
}

export type TokenReading =
  | { readonly kind: 'invite'; readonly invite: Invite }
  /** Does not begin with `x0t1`. */
  | { readonly kind: 'not-a-token' }
  /** Begins like one, but characters are missing or wrong. */
  | { readonly kind: 'damaged' }

/** Reads what a person pasted; white space around and inside it is ignored. Never throws. */
export function decodeToken(text: string): TokenReading {
  if (text.length > 4 * MAX_TOKEN_BYTES) return { kind: 'not-a-token' }
  const compact = text.replace(/\s+/g, '')
  if (!compact.startsWith(TOKEN_PREFIX)) return { kind: 'not-a-token' }
  const encoded = compact.slice(TOKEN_PREFIX.length)
  const bytes = Buffer.from(encoded, 'base64url')
  try {
    if (bytes.toString('base64url') !== encoded || bytes.length <= CHECKSUM_BYTES) return { kind: 'damaged' }
    const content = bytes.subarray(0, -CHECKSUM_BYTES)
    const checksum = Buffer.from(sha256Hex(content), 'hex').subarray(0, CHECKSUM_BYTES)
    if (!checksum.equals(bytes.subarray(-CHECKSUM_BYTES))) return { kind: 'damaged' }
    const decoded = decodeStrict(tokenSchema, content, MAX_TOKEN_BYTES)
    return decoded === undefined ? { kind: 'damaged' } : { kind: 'invite', invite: asInvite(decoded) }
  } finally {
    wipe(bytes)
  }
}

/** The two key pairs of an invite, by HKDF-SHA256 (RFC 5869) from its 32-byte secret. Wipe the key after use. */
export function deriveInviteKey(secret: Uint8Array): HybridKey {
  const derive = (name: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `x0t/invite/1/${name}`, 32))
  const ed25519 = derive('ed25519')
  const mldsa = derive('mldsa')
  const seeds = secretSeeds(ed25519, mldsa)
  try {
    return createHybridKey(seeds)
  } finally {
    wipe(ed25519, mldsa)
    wipeSeeds(seeds)
  }
}
