import { z } from 'zod'
import { AUDIT_ACTOR_KINDS, AUDIT_OUTCOMES, type AuditChange } from '../domain/audit.ts'
import type { MeshId, PeerId } from '../domain/ids.ts'
import { meshIdSchema, peerIdSchema } from './certificate.ts'
import { decodeStrict, encodeStrict, sha256Hex, sha256Text, timeMs } from './codec.ts'
import type { HybridKey, HybridPublicKey } from './hybrid-key.ts'
import {
  decodeRecord,
  type RecordKind,
  type SignedRecord,
  signRecord,
  verifyRecord,
} from './signed-record.ts'

/** What stands in front of the first entry. */
export const NO_AUDIT_ENTRY = '0'.repeat(64)
/** Of one JSON text in an entry, in UTF-16 units; whoever makes a longer one shortens it first. */
export const MAX_AUDIT_TEXT = 8_192
const MAX_ENTRY_BYTES = 128 * 1024

/** The log was forgotten up to here in good order; `after` says up to which entry and its hash. */
export const AUDIT_CUT = 'audit.cut'
/** The home was restored from a backup: from here on the log is another one than the heads of before vouch for. */
export const AUDIT_CONTINUED = 'audit.continued'

/** A change with its place in the log of one node. */
export interface AuditEntryBody extends AuditChange {
  readonly v: 1
  readonly meshId: MeshId
  readonly node: PeerId
  /** 32 hex characters: one uninterrupted life of a log. A home that was restored goes on under another one. */
  readonly chain: string
  /** From 1, without a gap, over all chains. */
  readonly seq: number
  /** Hex SHA-256 of the entry before. */
  readonly prev: string
}

export interface AuditEntry extends AuditEntryBody {
  readonly bytes: Uint8Array
  /** Hex SHA-256 of `bytes`. */
  readonly hash: string
}

const auditChainText: z.ZodType<string> = z.string().regex(/^[0-9a-f]{32}$/)
const json = z.string().max(MAX_AUDIT_TEXT).nullable()
const short = z.string().min(1).max(256)

const bodySchema: z.ZodType<AuditEntryBody> = z.strictObject({
  v: z.literal(1),
  meshId: meshIdSchema,
  node: peerIdSchema,
  chain: auditChainText,
  seq: z.int().min(1),
  prev: sha256Text,
  at: timeMs,
  actor: z.strictObject({
    kind: z.enum(AUDIT_ACTOR_KINDS),
    name: z.string().max(256),
    via: short,
    peer: z.string().max(64).nullable(),
  }),
  role: short,
  operation: short,
  correlation: short,
  ...{ input: json, before: json, after: json },
  outcome: z.enum(AUDIT_OUTCOMES),
  detail: z.string().max(1_024).nullable(),
})

/** Throws TypeError for values out of bounds: they are our own. */
export function makeAuditEntry(body: Omit<AuditEntryBody, 'v'>): AuditEntry {
  const entry = decodeAuditEntry(encodeStrict({ v: 1, ...body }))
  if (entry === undefined) throw new TypeError(`an entry on ${body.operation} is out of bounds`)
  return entry
}

/** `undefined` for anything but the exact encoding of an entry. Never throws. */
export function decodeAuditEntry(bytes: Uint8Array): AuditEntry | undefined {
  const body = decodeStrict(bodySchema, bytes, MAX_ENTRY_BYTES)
  return body && { ...body, bytes: Uint8Array.from(bytes), hash: sha256Hex(bytes) }
}

/** The end of a log at one moment. Since each entry holds the hash of the one before, it vouches for all of them. */
export interface AuditHeadBody {
  readonly v: 1
  readonly meshId: MeshId
  readonly node: PeerId
  readonly chain: string
  readonly seq: number
  /** Of the entry. */
  readonly hash: string
  /** When it was signed, by the node's own clock. */
  readonly at: number
}

export const MAX_AUDIT_HEAD_BYTES = 8 * 1024

const AUDIT_HEAD: RecordKind<AuditHeadBody> = {
  context: 'x0t/audit-head/1',
  schema: z.strictObject({
    v: z.literal(1),
    meshId: meshIdSchema,
    node: peerIdSchema,
    chain: auditChainText,
    seq: z.int().min(1),
    hash: sha256Text,
    at: timeMs,
  }),
  maxBytes: MAX_AUDIT_HEAD_BYTES,
}

export interface AuditHead extends AuditHeadBody {
  readonly bytes: Uint8Array
  readonly record: SignedRecord<AuditHeadBody>
}

const asHead = (record: SignedRecord<AuditHeadBody>): AuditHead => ({
  ...record.value,
  bytes: record.bytes,
  record,
})

export const signAuditHead = (key: HybridKey, { meshId, node, chain, seq, hash }: AuditEntry, at: number) =>
  asHead(signRecord(AUDIT_HEAD, key, { v: 1, meshId, node, chain, seq, hash, at }))

/** Parses without judging. Never throws. */
export function decodeAuditHead(bytes: Uint8Array): AuditHead | undefined {
  const record = decodeRecord(AUDIT_HEAD, bytes)
  return record === undefined ? undefined : asHead(record)
}

export interface AuditSigner {
  readonly meshId: MeshId
  readonly node: PeerId
  readonly key: HybridPublicKey
}

/** Whether this node of this mesh has signed it. */
export const isAuditHeadOf = (head: AuditHead, { meshId, node, key }: AuditSigner): boolean =>
  head.meshId === meshId && head.node === node && verifyRecord(AUDIT_HEAD, head.record, key)
