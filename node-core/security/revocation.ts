import { z } from 'zod'
import type { MeshId, PeerId } from '../domain/ids.ts'
import {
  type Certificate,
  type CertificateIssuer,
  issuerSchema,
  meshIdSchema,
  peerIdSchema,
} from './certificate.ts'
import { sha256Text, timeMs } from './codec.ts'
import type { HybridKey, HybridPublicKey } from './hybrid-key.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'
import {
  decodeRecord,
  type RecordKind,
  type SignedRecord,
  signRecord,
  verifyRecord,
} from './signed-record.ts'

const MAX_REVOCATION_BYTES = 48 * 1024
const MAX_REVOCATION_HEAD_BYTES = 4 * 1024
const MAX_KEPT_SERIALS = 1_024
const MAX_SEQ = 1_000_000
/** `prev` of the first entry, and `entryHash` of the head of an empty log. */
export const NO_ENTRY = '0'.repeat(64)

/** One line of an issuer's log. Final: a PeerId does not come back. */
export interface RevocationBody {
  readonly v: 1
  readonly meshId: MeshId
  /** Whose log it is and who signs. */
  readonly issuer: CertificateIssuer
  /** From 1, without gaps. */
  readonly seq: number
  /** `hash` of the entry before, or `NO_ENTRY`. */
  readonly prev: string
  readonly subject: PeerId
  /** For people: up to 200 printable characters. */
  readonly reason: string
  /** When the subject is an issuer: serials of certificates it issued that stay good. */
  readonly keep: readonly string[]
  /**
   * When the subject is an issuer: the hash of the last entry of its own log that counts, with those before it. What else it
   * "revokes", whoever holds its key by then, is void. `NO_ENTRY` voids the whole log, `all` none of it.
   */
  readonly honour: string
  readonly at: number
}

export interface RevocationEntry extends RevocationBody {
  readonly hash: string
  readonly bytes: Uint8Array
  readonly record: SignedRecord<RevocationBody>
}

/** "My log ends here", re-signed every 10 minutes, so that a node notices when news is kept from it. */
export interface HeadBody {
  readonly v: 1
  readonly meshId: MeshId
  readonly issuer: CertificateIssuer
  /** 0 for an empty log. */
  readonly seq: number
  readonly entryHash: string
  readonly at: number
}

export interface RevocationHead extends HeadBody {
  readonly bytes: Uint8Array
  readonly record: SignedRecord<HeadBody>
}

const entrySchema: z.ZodType<RevocationBody> = z.strictObject({
  v: z.literal(1),
  meshId: meshIdSchema,
  issuer: issuerSchema,
  seq: z.int().min(1).max(MAX_SEQ),
  prev: sha256Text,
  subject: peerIdSchema,
  reason: z.string().regex(/^[^\p{Cc}]{0,200}$/u),
  keep: z
    .array(z.string().regex(/^[0-9a-f]{32}$/))
    .max(MAX_KEPT_SERIALS)
    .refine((serials) =>
      serials.every((serial, index) => index === 0 || (serials[index - 1] ?? '') < serial),
    ),
  honour: z.union([z.literal('all'), sha256Text]),
  at: timeMs,
})

const headSchema: z.ZodType<HeadBody> = z
  .strictObject({
    v: z.literal(1),
    meshId: meshIdSchema,
    issuer: issuerSchema,
    seq: z.int().min(0).max(MAX_SEQ),
    entryHash: sha256Text,
    at: timeMs,
  })
  .refine((head) => (head.seq === 0) === (head.entryHash === NO_ENTRY))

const ENTRY: RecordKind<RevocationBody> = {
  context: 'x0t/revocation/1',
  schema: entrySchema,
  maxBytes: MAX_REVOCATION_BYTES,
}

const HEAD: RecordKind<HeadBody> = {
  context: 'x0t/revocation-head/1',
  schema: headSchema,
  maxBytes: MAX_REVOCATION_HEAD_BYTES,
}

const asEntry = (record: SignedRecord<RevocationBody>): RevocationEntry => ({
  ...record.value,
  hash: record.bodyHash,
  bytes: record.bytes,
  record,
})

const asHead = (record: SignedRecord<HeadBody>): RevocationHead => ({
  ...record.value,
  bytes: record.bytes,
  record,
})

export interface RevocationSigner {
  readonly meshId: MeshId
  readonly issuer: CertificateIssuer
  readonly key: HybridKey
}

/** Signs the entry that follows `last` (the newest of the signer's own log, or `undefined`). Throws BAD_RECORD. */
export function signRevocation(
  signer: RevocationSigner,
  last: RevocationEntry | undefined,
  what: {
    readonly subject: PeerId
    readonly reason: string
    readonly keep?: readonly string[]
    /** `all` unless given: a revocation by the subject must never lapse by oversight. */
    readonly honour?: string
    readonly at: number
  },
): RevocationEntry {
  const body: RevocationBody = {
    v: 1,
    meshId: signer.meshId,
    issuer: signer.issuer,
    seq: (last?.seq ?? 0) + 1,
    prev: last?.hash ?? NO_ENTRY,
    subject: what.subject,
    reason: what.reason,
    keep: [...new Set(what.keep ?? [])].sort(),
    honour: what.honour ?? 'all',
    at: what.at,
  }
  return asEntry(signRecord(ENTRY, signer.key, body))
}

/** Signs where the signer's own log ends now. */
export function signHead(
  signer: RevocationSigner,
  last: RevocationEntry | undefined,
  at: number,
): RevocationHead {
  const { meshId, issuer, key } = signer
  const body: HeadBody = { v: 1, meshId, issuer, seq: last?.seq ?? 0, entryHash: last?.hash ?? NO_ENTRY, at }
  return asHead(signRecord(HEAD, key, body))
}

/** Parses without judging; `undefined` for anything but the exact encoding; never throws. */
export function decodeRevocation(bytes: Uint8Array): RevocationEntry | undefined {
  const record = decodeRecord(ENTRY, bytes)
  return record === undefined ? undefined : asEntry(record)
}

/** Parses without judging; `undefined` for anything but the exact encoding; never throws. */
export function decodeHead(bytes: Uint8Array): RevocationHead | undefined {
  const record = decodeRecord(HEAD, bytes)
  return record === undefined ? undefined : asHead(record)
}

export interface RevocationTrust {
  readonly meshId: MeshId
  readonly authority: HybridPublicKey
  /**
   * The newest authority-signed issuing certificate seen for this node, verified by the caller when it came, expired or not: the
   * log of an issuer that is gone still counts.
   */
  issuerCertificate(issuer: PeerId): Certificate | undefined
  readonly nowMs: number
}

export type RevocationVerdict =
  | 'valid'
  | 'wrong-mesh'
  | 'not-yet-valid'
  /** No issuing certificate of its signer is known yet: fetch it and judge again. */
  | 'unknown-issuer'
  | 'forged'

function judge<T extends { meshId: MeshId; issuer: CertificateIssuer; at: number }>(
  kind: RecordKind<T>,
  record: SignedRecord<T>,
  trust: RevocationTrust,
): RevocationVerdict {
  const { meshId, issuer, at } = record.value
  if (meshId !== trust.meshId) return 'wrong-mesh'
  if (at > trust.nowMs + MAX_CLOCK_SKEW_MS) return 'not-yet-valid'
  if (issuer === 'authority') return verifyRecord(kind, record, trust.authority) ? 'valid' : 'forged'
  const certificate = trust.issuerCertificate(issuer)
  if (certificate === undefined) return 'unknown-issuer'
  const entitled =
    certificate.issuing &&
    certificate.issuer === 'authority' &&
    at <= certificate.expiresAt + MAX_CLOCK_SKEW_MS
  return entitled && verifyRecord(kind, record, certificate.publicKey) ? 'valid' : 'forged'
}

export const verifyRevocation = (entry: RevocationEntry, trust: RevocationTrust): RevocationVerdict =>
  judge(ENTRY, entry.record, trust)

export const verifyHead = (head: RevocationHead, trust: RevocationTrust): RevocationVerdict =>
  judge(HEAD, head.record, trust)

/** What to do with a verified head, given the highest one persisted for that issuer. */
export type HeadOutcome = 'accepted' | 'stale' | 'fork'

export function judgeHead(known: RevocationHead | undefined, offered: RevocationHead): HeadOutcome {
  if (known === undefined) return 'accepted'
  if (offered.seq !== known.seq) return offered.seq > known.seq ? 'accepted' : 'stale'
  if (offered.entryHash !== known.entryHash) return 'fork'
  return offered.at > known.at ? 'accepted' : 'stale'
}
