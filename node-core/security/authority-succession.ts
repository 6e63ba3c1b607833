import { z } from 'zod'
import type { MeshId } from '../domain/ids.ts'
import { meshIdOf } from './authority.ts'
import { meshIdSchema } from './certificate.ts'
import { bytesOf, bytesUpTo, decodeStrict, encodeStrict, sha256Text, timeMs } from './codec.ts'
import { type HybridKey, type HybridPublicKey, hybridPublicKeySchema } from './hybrid-key.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'
import { MLDSA_PUBLIC_KEY_BYTES } from './mldsa.ts'
import {
  decodeRecord,
  type RecordKind,
  type SignedRecord,
  signRecord,
  verifyRecord,
} from './signed-record.ts'

/** An authority is replaced at most this often in the life of a mesh: whoever is new verifies all of it. */
export const MAX_SUCCESSORS = 8
/** The old key's certificates are good for at most this long after it was replaced. */
export const MAX_OVERLAP_MS = 90 * 24 * 3_600_000
/** One record in a handshake stays well below what is left beside two certificates: ADR 0027 has the sums. */
export const MAX_SUCCESSOR_BYTES = 6 * 1024
const MAX_LINE_BYTES = 2_200 + MAX_SUCCESSORS * (MAX_SUCCESSOR_BYTES + 8)
const NO_RECORD = '0'.repeat(64)

/** The authority names the key that follows it. Signed by the key that is replaced. */
export interface SuccessorBody {
  readonly v: 1
  readonly meshId: MeshId
  /** From 1, without gaps. */
  readonly number: number
  /** `hash` of the record before, or 64 zeros. */
  readonly prev: string
  readonly ed25519: Uint8Array
  readonly mldsa: Uint8Array
  readonly at: number
  /** Certificates that lead to the replaced key are good until then, ms since the epoch. */
  readonly overlapUntil: number
  /** Where the authority's revocation log ended: what the replaced key signs behind it is void. */
  readonly log: { readonly seq: number; readonly hash: string }
  /** Hash of the policy version that counts: any other that the replaced key signs is void. */
  readonly policy: string
}

export interface Successor extends SuccessorBody {
  readonly publicKey: HybridPublicKey
  readonly hash: string
  readonly bytes: Uint8Array
  readonly record: SignedRecord<SuccessorBody>
}

const bodySchema: z.ZodType<SuccessorBody> = z
  .strictObject({
    v: z.literal(1),
    meshId: meshIdSchema,
    number: z.int().min(1).max(MAX_SUCCESSORS),
    prev: sha256Text,
    ed25519: bytesOf(32),
    mldsa: bytesOf(MLDSA_PUBLIC_KEY_BYTES),
    at: timeMs,
    overlapUntil: timeMs,
    log: z.strictObject({ seq: z.int().min(0), hash: sha256Text }),
    policy: sha256Text,
  })
  .refine(({ at, overlapUntil }) => overlapUntil >= at && overlapUntil - at <= MAX_OVERLAP_MS)

const SUCCESSOR: RecordKind<SuccessorBody> = {
  context: 'x0t/authority-successor/1',
  schema: bodySchema,
  maxBytes: MAX_SUCCESSOR_BYTES,
}

/** Every key that a mesh's authority has had: the one that founded it, and who followed whom. All of it is verified. */
export interface AuthorityLine {
  /** Its fingerprint is the mesh id. */
  readonly root: HybridPublicKey
  /** At most `MAX_SUCCESSORS`, in order. */
  readonly successors: readonly Successor[]
}

export const lineOf = (root: HybridPublicKey): AuthorityLine => ({ root, successors: [] })

export const currentKey = ({ root, successors }: AuthorityLine): HybridPublicKey =>
  successors.at(-1)?.publicKey ?? root

const asSuccessor = (record: SignedRecord<SuccessorBody>): Successor => ({
  ...record.value,
  publicKey: { ed25519: record.value.ed25519, mldsa: record.value.mldsa },
  hash: record.bodyHash,
  bytes: record.bytes,
  record,
})

/** @throws FaultError BAD_RECORD for values out of bounds, as behind `MAX_SUCCESSORS` */
export function signSuccessor(
  authority: { readonly meshId: MeshId; readonly key: HybridKey },
  line: AuthorityLine,
  next: Pick<SuccessorBody, 'at' | 'overlapUntil' | 'log' | 'policy'> & {
    readonly publicKey: HybridPublicKey
  },
): Successor {
  const { publicKey, at, overlapUntil, log, policy } = next
  return asSuccessor(
    signRecord(SUCCESSOR, authority.key, {
      v: 1,
      meshId: authority.meshId,
      number: line.successors.length + 1,
      prev: line.successors.at(-1)?.hash ?? NO_RECORD,
      ...{ ed25519: publicKey.ed25519, mldsa: publicKey.mldsa, at, overlapUntil, log, policy },
    }),
  )
}

/** Parses without judging; `undefined` for anything but the exact encoding; never throws. */
export function decodeSuccessor(bytes: Uint8Array): Successor | undefined {
  const record = decodeRecord(SUCCESSOR, bytes)
  return record === undefined ? undefined : asSuccessor(record)
}

export type SuccessorVerdict =
  | 'follows'
  | 'known'
  /** One before it is missing. */
  | 'gap'
  | 'not-yet-valid'
  | 'wrong-mesh'
  | 'forged'
  /** Genuine, and not the one that is known under this number: the replaced key has signed two. The first one counts. */
  | 'fork'

/**
 * Judges a record against what is known. Rotations do not overlap each other (`at` lies behind the end of the overlap before), so
 * that at most two keys are good at any time. Pure; verifies at most one signature.
 */
export function judgeSuccessor(
  line: AuthorityLine,
  offered: Successor,
  { meshId, nowMs }: { readonly meshId: MeshId; readonly nowMs: number },
): SuccessorVerdict {
  if (offered.meshId !== meshId) return 'wrong-mesh'
  const index = offered.number - 1
  if (index > line.successors.length) return 'gap'
  if (line.successors[index]?.hash === offered.hash) return 'known'
  if (offered.at > nowMs + MAX_CLOCK_SKEW_MS) return 'not-yet-valid'
  const before = line.successors[index - 1]
  const follows =
    offered.prev === (before?.hash ?? NO_RECORD) &&
    offered.at >= (before?.overlapUntil ?? 0) &&
    keysOf(line)
      .slice(0, index + 1)
      .every((key) => meshIdOf(key) !== meshIdOf(offered.publicKey))
  if (!follows || !verifyRecord(SUCCESSOR, offered.record, before?.publicKey ?? line.root)) return 'forged'
  return index === line.successors.length ? 'follows' : 'fork'
}

const keysOf = ({ root, successors }: AuthorityLine): readonly HybridPublicKey[] => [
  root,
  ...successors.map(({ publicKey }) => publicKey),
]

const lineSchema = z.strictObject({
  root: hybridPublicKeySchema,
  successors: z.array(bytesUpTo(MAX_SUCCESSOR_BYTES)).max(MAX_SUCCESSORS),
})

export const encodeLine = ({ root, successors }: AuthorityLine): Uint8Array =>
  encodeStrict({
    root: { ed25519: root.ed25519, mldsa: root.mldsa },
    successors: successors.map(({ bytes }) => bytes),
  })

/** Records in a line as it travels: nothing of them is judged but that the root belongs to the mesh. Never throws. */
export function decodeLine(
  bytes: Uint8Array,
  meshId: MeshId,
): { readonly root: HybridPublicKey; readonly offered: readonly Successor[] } | undefined {
  const parts = decodeStrict(lineSchema, bytes, MAX_LINE_BYTES)
  if (parts === undefined || meshIdOf(parts.root) !== meshId) return undefined
  const offered = parts.successors.flatMap((record) => decodeSuccessor(record) ?? [])
  return offered.length === parts.successors.length ? { root: parts.root, offered } : undefined
}

/** A key that certificates may lead to, with what it is still good for. */
export interface AuthorityKey {
  /** Its fingerprint, hex. */
  readonly id: string
  readonly publicKey: HybridPublicKey
  /** When certificates that lead to it end, ms since the epoch; infinite for the key of now. */
  readonly endsAt: number
  /** The record that replaced it; none for the key of now. */
  readonly replacedBy: Successor | undefined
}

/** Newest first. */
export function authorityKeys(line: AuthorityLine): readonly AuthorityKey[] {
  return keysOf(line)
    .map((publicKey, index): AuthorityKey => {
      const replacedBy = line.successors[index]
      const endsAt = replacedBy?.overlapUntil ?? Number.POSITIVE_INFINITY
      return { id: meshIdOf(publicKey), publicKey, endsAt, replacedBy }
    })
    .reverse()
}

/** What a member shows to somebody who knows the mesh by a fingerprint alone. */
export interface AuthorityProof {
  /** While the overlap lasts, the key that is being replaced; else the key of now. */
  readonly authority: HybridPublicKey
  /** That replaces it, while the overlap lasts. */
  readonly successor?: Uint8Array | undefined
}

/**
 * The keys that somebody believes who knows one of them by its fingerprint, the newest first. Empty when what is shown does
 * not lead to that fingerprint. A key that was replaced vouches for the next one only while the overlap lasts.
 */
export function provenKeys(
  { authority, successor: bytes }: AuthorityProof,
  known: { readonly meshId: MeshId; readonly fingerprint: string; readonly nowMs: number },
): readonly HybridPublicKey[] {
  const isKnown = meshIdOf(authority) === known.fingerprint
  if (bytes === undefined) return isKnown ? [authority] : []
  const successor = decodeSuccessor(bytes)
  if (successor === undefined || successor.meshId !== known.meshId) return []
  if (!isKnown) return meshIdOf(successor.publicKey) === known.fingerprint ? [successor.publicKey] : []
  const isInTime = known.nowMs < successor.overlapUntil && successor.at <= known.nowMs + MAX_CLOCK_SKEW_MS
  return isInTime && verifyRecord(SUCCESSOR, successor.record, authority)
    ? [successor.publicKey, authority]
    : []
}
