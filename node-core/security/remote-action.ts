import { z } from 'zod'
import { type PeerId, parsePeerId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import { bytesOf, parsedText, sha256Hex, sha256Text, timeMs } from './codec.ts'
import type { HybridPublicKey } from './hybrid-key.ts'
import type { NodeIdentity } from './identity.ts'
import { decodeRecord, type RecordKind, signRecord, verifyRecord } from './signed-record.ts'

/** A change that a member asks of another one: for one node, one run of it, one call with these arguments, once, now. */
export interface RemoteAction {
  readonly approver: PeerId
  readonly target: PeerId
  /** Of the run of the target: what was signed for an earlier one is worth nothing. */
  readonly epoch: Uint8Array
  readonly operation: string
  /** Hex SHA-256 of the arguments in canonical JSON. */
  readonly argumentsHash: string
  readonly nonce: Uint8Array
  readonly expiresAt: number
}

export const EPOCH_BYTES = 16
const NONCE_BYTES = 16
export const ACTION_LIFE_MS = 60_000
/** An action of the future would be good for longer than its life; clocks differ by a little. */
const MAX_SKEW_MS = 5_000
const MAX_NONCES = 4_096
const MAX_ACTION_BYTES = 8 * 1_024

const peer = parsedText(parsePeerId, 'a peer id')

const KIND: RecordKind<RemoteAction> = {
  context: 'x0t/remote-action/1',
  maxBytes: MAX_ACTION_BYTES,
  schema: z.strictObject({
    approver: peer,
    target: peer,
    epoch: bytesOf(EPOCH_BYTES),
    operation: z.string().min(1).max(64),
    argumentsHash: sha256Text,
    nonce: bytesOf(NONCE_BYTES),
    expiresAt: timeMs,
  }),
}

/** One hash whatever the order of the keys, and the same before and after a journey as JSON. */
export function hashArguments(input: unknown): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)]),
    )
  }
  const plain: unknown = input === undefined ? null : JSON.parse(JSON.stringify(input))
  return sha256Hex(new TextEncoder().encode(JSON.stringify(sorted(plain))))
}

export function signRemoteAction(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  identity: NodeIdentity,
  action: Pick<RemoteAction, 'target' | 'epoch' | 'operation'> & { readonly input: unknown },
): Uint8Array {
  const { target, epoch, operation, input } = action
  return signRecord(KIND, identity.key, {
    ...{ approver: identity.peerId, target, epoch, operation },
    argumentsHash: hashArguments(input),
    nonce: random.bytes(NONCE_BYTES),
    expiresAt: clock.now() + ACTION_LIFE_MS,
  }).bytes
}

/**
 * What was signed, for whoever is shown it after the call: it proves that the holder of `key` asked for this, and no
 * longer that it was asked now. Undefined for anything else.
 */
export function readRemoteAction(
  bytes: Uint8Array,
  key: HybridPublicKey,
): (Omit<RemoteAction, 'expiresAt' | 'nonce' | 'epoch'> & { readonly signedAt: number }) | undefined {
  const record = decodeRecord(KIND, bytes)
  if (record === undefined || !verifyRecord(KIND, record, key)) return undefined
  const { approver, target, operation, argumentsHash, expiresAt } = record.value
  return { approver, target, operation, argumentsHash, signedAt: expiresAt - ACTION_LIFE_MS }
}

export type ActionVerdict =
  | 'valid'
  | 'malformed'
  | 'other-call'
  | 'other-node'
  | 'expired'
  | 'forged'
  | 'replayed'

export interface ActionJudge {
  /** A valid one is used up by this: asked again, it is replayed. */
  judge(
    bytes: Uint8Array,
    call: { readonly approver: PeerId; readonly operation: string; readonly input: unknown },
  ): ActionVerdict
}

export function createActionJudge(
  { clock, keyOf }: { readonly clock: Clock; keyOf(peer: PeerId): HybridPublicKey | undefined },
  { self, epoch }: { readonly self: PeerId; readonly epoch: Uint8Array },
): ActionJudge {
  const used = new Map<string, number>()

  function isFresh(nonce: string, expiresAt: number): boolean {
    const now = clock.now()
    for (const [key, until] of used) if (until <= now) used.delete(key)
    // Full: better to refuse than to forget one that could then be used again.
    if (used.has(nonce) || used.size >= MAX_NONCES) return false
    used.set(nonce, expiresAt)
    return true
  }

  return {
    judge(bytes, { approver, operation, input }) {
      const record = decodeRecord(KIND, bytes)
      if (record === undefined) return 'malformed'
      const { value } = record
      if (value.target !== self || !Buffer.from(value.epoch).equals(epoch)) return 'other-node'
      if (value.approver !== approver || value.operation !== operation) return 'other-call'
      if (value.argumentsHash !== hashArguments(input)) return 'other-call'
      const leftMs = value.expiresAt - clock.now()
      if (leftMs <= 0 || leftMs > ACTION_LIFE_MS + MAX_SKEW_MS) return 'expired'
      const key = keyOf(approver)
      if (key === undefined || !verifyRecord(KIND, record, key)) return 'forged'
      return isFresh(Buffer.from(value.nonce).toString('hex'), value.expiresAt) ? 'valid' : 'replayed'
    },
  }
}
