import { z } from 'zod'
import type { MeshId } from '../domain/ids.ts'
import { FaultError } from '../platform/error.ts'
import { meshIdSchema } from './certificate.ts'
import { sha256Text, timeMs } from './codec.ts'
import type { SecurityFault } from './faults.ts'
import type { HybridKey, HybridPublicKey } from './hybrid-key.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'
import type { Policy } from './policy.ts'
import { MAX_POLICY_BYTES, parsePolicy } from './policy-document.ts'
import {
  decodeRecord,
  type RecordKind,
  type SignedRecord,
  signRecord,
  verifyRecord,
} from './signed-record.ts'

const MAX_POLICY_VERSION_BYTES = MAX_POLICY_BYTES + 4 * 1024

/** A numbered version of the mesh's policy, as the authority signs it. The document is the YAML text that people wrote. */
export interface PolicyVersionBody {
  readonly v: 1
  readonly meshId: MeshId
  /** The one writer. Naming a delegate here is left to a later version of this record. */
  readonly writer: 'authority'
  /** From 1, one more with each change. */
  readonly number: number
  /** `hash` of the version before, or 64 zeros. */
  readonly prev: string
  readonly document: string
  readonly at: number
}

export interface PolicyVersion extends PolicyVersionBody {
  readonly policy: Policy
  readonly hash: string
  readonly bytes: Uint8Array
  readonly record: SignedRecord<PolicyVersionBody>
}

const bodySchema: z.ZodType<PolicyVersionBody> = z.strictObject({
  v: z.literal(1),
  meshId: meshIdSchema,
  writer: z.literal('authority'),
  number: z.int().min(1).max(0xffff_ffff),
  prev: sha256Text,
  document: z.string().min(1).max(MAX_POLICY_BYTES),
  at: timeMs,
})

const POLICY_VERSION: RecordKind<PolicyVersionBody> = {
  context: 'x0t/policy/1',
  schema: bodySchema,
  maxBytes: MAX_POLICY_VERSION_BYTES,
}

const NO_VERSION = '0'.repeat(64)

/** Signs the version that follows `current`. Throws BAD_POLICY, with the lines, for a document that does not parse. */
export function signPolicyVersion(
  authority: { readonly meshId: MeshId; readonly key: HybridKey },
  current: PolicyVersion | undefined,
  document: string,
  at: number,
): PolicyVersion {
  const reading = parsePolicy(document)
  if (!reading.ok) {
    const [first] = reading.problems
    throw new FaultError<SecurityFault>(
      { code: 'BAD_POLICY', problems: reading.problems },
      `the policy is not valid: line ${first?.line ?? 0}: ${first?.message ?? 'unknown problem'}`,
    )
  }
  const record = signRecord<PolicyVersionBody>(POLICY_VERSION, authority.key, {
    v: 1,
    meshId: authority.meshId,
    writer: 'authority',
    number: (current?.number ?? 0) + 1,
    prev: current?.hash ?? NO_VERSION,
    document,
    at,
  })
  return asVersion(record, reading.policy)
}

const asVersion = (record: SignedRecord<PolicyVersionBody>, policy: Policy): PolicyVersion => ({
  ...record.value,
  policy,
  hash: record.bodyHash,
  bytes: record.bytes,
  record,
})

/** `undefined` for anything but the exact encoding of a version whose document parses; never throws. */
export function decodePolicyVersion(bytes: Uint8Array): PolicyVersion | undefined {
  const record = decodeRecord(POLICY_VERSION, bytes)
  if (record === undefined) return undefined
  const reading = parsePolicy(record.value.document)
  return reading.ok ? asVersion(record, reading.policy) : undefined
}

export type PolicyVersionVerdict = 'valid' | 'wrong-mesh' | 'not-yet-valid' | 'forged'

export function verifyPolicyVersion(
  version: PolicyVersion,
  trust: { readonly meshId: MeshId; readonly authority: HybridPublicKey; readonly nowMs: number },
): PolicyVersionVerdict {
  if (version.meshId !== trust.meshId) return 'wrong-mesh'
  if (version.at > trust.nowMs + MAX_CLOCK_SKEW_MS) return 'not-yet-valid'
  return verifyRecord(POLICY_VERSION, version.record, trust.authority) ? 'valid' : 'forged'
}

/**
 * What to do with a valid version, given the highest one held. Lower numbers are never taken. On a fork, when the authority has
 * signed two with one number, the lower hash counts until a higher number comes, so that all nodes hold the same.
 */
export function judgePolicyVersion(
  current: PolicyVersion | undefined,
  offered: PolicyVersion,
): 'accepted' | 'stale' | 'fork-take' | 'fork-keep' {
  if (current === undefined || offered.number > current.number) return 'accepted'
  if (offered.number < current.number || offered.hash === current.hash) return 'stale'
  return offered.hash < current.hash ? 'fork-take' : 'fork-keep'
}
