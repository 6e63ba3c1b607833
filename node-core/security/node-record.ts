import { z } from 'zod'
import { type MeshId, type PeerId, parseServiceName, type ServiceName } from '../domain/ids.ts'
import { type Certificate, meshIdSchema, peerIdSchema } from './certificate.ts'
import { parsedText, timeMs } from './codec.ts'
import type { HybridKey } from './hybrid-key.ts'
import { addressSchema } from './invite.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'
import {
  decodeRecord,
  type RecordKind,
  type SignedRecord,
  signRecord,
  verifyRecord,
} from './signed-record.ts'

export const MAX_NODE_RECORD_BYTES = 16 * 1024
export const MAX_RECORD_ADDRESSES = 16
export const MAX_RECORD_SERVICES = 256
const MAX_COUNTER = Number.MAX_SAFE_INTEGER

/** Where a node can be dialled and what it provides, in its own words. */
export interface NodeRecordBody {
  readonly v: 1
  readonly meshId: MeshId
  readonly peerId: PeerId
  /** One more at each start of the node. */
  readonly incarnation: number
  /** One more with each record of an incarnation. */
  readonly seq: number
  /** Multiaddrs, at most 16. */
  readonly addresses: readonly string[]
  /** At most 256. */
  readonly services: readonly { readonly name: ServiceName; readonly healthy: boolean }[]
  /** The number of the policy that it works by; 0 for none. Absent from nodes that do not say. */
  readonly policy?: number | undefined
  /** Of the program. */
  readonly version: string
  /** When it was signed, ms since the Unix epoch. */
  readonly at: number
}

const bodySchema: z.ZodType<NodeRecordBody> = z.strictObject({
  v: z.literal(1),
  meshId: meshIdSchema,
  peerId: peerIdSchema,
  incarnation: z.int().min(0).max(MAX_COUNTER),
  seq: z.int().min(0).max(MAX_COUNTER),
  addresses: z.array(addressSchema).max(MAX_RECORD_ADDRESSES),
  services: z
    .array(z.strictObject({ name: parsedText<ServiceName>(parseServiceName), healthy: z.boolean() }))
    .max(MAX_RECORD_SERVICES),
  policy: z.int().min(0).max(MAX_COUNTER).optional(),
  version: z.string().regex(/^[0-9A-Za-z.+-]{1,64}$/),
  at: timeMs,
})

const NODE_RECORD: RecordKind<NodeRecordBody> = {
  context: 'x0t/node-record/1',
  schema: bodySchema,
  maxBytes: MAX_NODE_RECORD_BYTES,
}

export interface NodeRecord extends NodeRecordBody {
  readonly bytes: Uint8Array
  readonly record: SignedRecord<NodeRecordBody>
}

const asNodeRecord = (record: SignedRecord<NodeRecordBody>): NodeRecord => ({
  ...record.value,
  bytes: record.bytes,
  record,
})

/** Throws BAD_RECORD for values out of bounds. */
export const signNodeRecord = (key: HybridKey, content: Omit<NodeRecordBody, 'v'>): NodeRecord =>
  asNodeRecord(signRecord(NODE_RECORD, key, { v: 1, ...content }))

/** Parses without judging. `undefined` for anything but the exact encoding of a record; never throws. */
export function decodeNodeRecord(bytes: Uint8Array): NodeRecord | undefined {
  const record = decodeRecord(NODE_RECORD, bytes)
  return record === undefined ? undefined : asNodeRecord(record)
}

export type NodeRecordVerdict = 'valid' | 'wrong-mesh' | 'wrong-peer' | 'not-yet-valid' | 'forged'

/** Judges a record against the certificate of the node that it speaks for, which the caller has verified. */
export function verifyNodeRecord(record: NodeRecord, signer: Certificate, nowMs: number): NodeRecordVerdict {
  if (record.meshId !== signer.meshId) return 'wrong-mesh'
  if (record.peerId !== signer.peerId) return 'wrong-peer'
  if (record.at > nowMs + MAX_CLOCK_SKEW_MS) return 'not-yet-valid'
  return verifyRecord(NODE_RECORD, record.record, signer.publicKey) ? 'valid' : 'forged'
}

/** Positive when `left` is newer. Two different records with one number are ordered by hash, so that all nodes keep the same. */
export function compareNodeRecords(left: NodeRecord, right: NodeRecord): number {
  return (
    left.incarnation - right.incarnation ||
    left.seq - right.seq ||
    (left.record.bodyHash < right.record.bodyHash ? -1 : left.record.bodyHash > right.record.bodyHash ? 1 : 0)
  )
}
