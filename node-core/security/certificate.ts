import { z } from 'zod'
import { type MeshId, type NodeName, type PeerId, parseMeshId, parseNodeName } from '../domain/ids.ts'
import { ROLES, type Role, roleBelow } from '../domain/role.ts'
import { bytesOf, parsedText, timeMs } from './codec.ts'
import type { HybridPublicKey } from './hybrid-key.ts'
import { ed25519KeyOf, parseKeyedPeerId } from './identity.ts'
import { MAX_CERTIFICATE_LIFE_MS } from './limits.ts'
import { MLDSA_PUBLIC_KEY_BYTES } from './mldsa.ts'
import { decodeRecord, type RecordKind, type SignedRecord } from './signed-record.ts'

export const MAX_CERTIFICATE_BYTES = 10 * 1024
const MAX_LABELS = 16

/** Who signed: the mesh authority, or the node with this PeerId by its own node identity. */
export type CertificateIssuer = 'authority' | PeerId

/** `site=berlin`, `gpu`: lowercase, digits and `. _ = / -`, 1 to 63 characters. */
export const labelSchema: z.ZodType<string> = z.string().regex(/^[a-z0-9](?:[a-z0-9._=/-]{0,61}[a-z0-9])?$/)

/** At most 16, sorted and without repeats, so that one set of labels has one encoding. */
export const labelsSchema: z.ZodType<readonly string[]> = z
  .array(labelSchema)
  .max(MAX_LABELS)
  .refine((labels) => labels.every((label, index) => index === 0 || (labels[index - 1] ?? '') < label))

export const peerIdSchema: z.ZodType<PeerId> = parsedText(parseKeyedPeerId)
export const meshIdSchema: z.ZodType<MeshId> = parsedText(parseMeshId)
export const roleSchema: z.ZodType<Role> = z.enum(ROLES)
export const issuerSchema: z.ZodType<CertificateIssuer> = z.union([z.literal('authority'), peerIdSchema])
export const nodeNameSchema: z.ZodType<NodeName> = parsedText(parseNodeName)

/** What a certificate says, as it is signed. Times in milliseconds since the Unix epoch. */
export interface CertificateBody {
  readonly v: 1
  readonly meshId: MeshId
  readonly peerId: PeerId
  readonly mldsaPublicKey: Uint8Array
  readonly name: NodeName
  readonly role: Role
  readonly labels: readonly string[]
  /** May carry the traffic of others. */
  readonly transit: boolean
  /** May issue certificates for roles below its own. Granted by the authority alone. */
  readonly issuing: boolean
  readonly issuer: CertificateIssuer
  /** From 1, one more with each renewal. */
  readonly generation: number
  /** 16 random bytes in hex, new in every certificate. */
  readonly serial: string
  readonly issuedAt: number
  readonly expiresAt: number
}

const bodySchema: z.ZodType<CertificateBody> = z
  .strictObject({
    v: z.literal(1),
    meshId: meshIdSchema,
    peerId: peerIdSchema,
    mldsaPublicKey: bytesOf(MLDSA_PUBLIC_KEY_BYTES),
    name: nodeNameSchema,
    role: roleSchema,
    labels: labelsSchema,
    transit: z.boolean(),
    issuing: z.boolean(),
    issuer: issuerSchema,
    generation: z.int().min(1).max(0xffff_ffff),
    serial: z.string().regex(/^[0-9a-f]{32}$/),
    issuedAt: timeMs,
    expiresAt: timeMs,
  })
  .refine((body) => body.expiresAt > body.issuedAt)
  .refine((body) => body.expiresAt - body.issuedAt <= MAX_CERTIFICATE_LIFE_MS)

export const CERTIFICATE: RecordKind<CertificateBody> = {
  context: 'x0t/certificate/1',
  schema: bodySchema,
  maxBytes: MAX_CERTIFICATE_BYTES,
}

/** A parsed certificate. That it exists says nothing of its validity: `verifyChain` does. */
export interface Certificate extends CertificateBody {
  /** The Ed25519 half comes from the PeerId. */
  readonly publicKey: HybridPublicKey
  /** Hex SHA-256 of what is signed. */
  readonly hash: string
  readonly record: SignedRecord<CertificateBody>
}

export function certificateOf(record: SignedRecord<CertificateBody>): Certificate | undefined {
  const ed25519 = ed25519KeyOf(record.value.peerId)
  if (ed25519 === undefined) return undefined
  const publicKey = { ed25519, mldsa: record.value.mldsaPublicKey }
  return { ...record.value, publicKey, hash: record.bodyHash, record }
}

/** Parses one certificate without judging it. `undefined` for anything but its exact encoding; never throws. */
export function decodeCertificate(bytes: Uint8Array): Certificate | undefined {
  const record = decodeRecord(CERTIFICATE, bytes)
  return record === undefined ? undefined : certificateOf(record)
}

/** What an issuing node may grant at all: a role below its own. */
export const mayGrant = (issuer: Role, granted: Role): boolean => roleBelow(granted, issuer)

/** When a node should ask for its next certificate: once this part of the present one's life has passed. */
export const renewalDueAtMs = (certificate: CertificateBody, part = 1 / 3): number =>
  certificate.issuedAt + Math.floor((certificate.expiresAt - certificate.issuedAt) * part)
