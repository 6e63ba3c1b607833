import { z } from 'zod'
import { FaultError } from '../platform/error.ts'
import { bytesUpTo, decodeStrict, encodeStrict, sha256Hex } from './codec.ts'
import type { SecurityFault } from './faults.ts'
import {
  type HybridKey,
  type HybridPublicKey,
  type HybridSignature,
  hybridSignatureSchema,
  verifyHybrid,
} from './hybrid-key.ts'

/** One kind of signed record: its own context string, so that a signature on one kind is worth nothing on another. */
export interface RecordKind<T> {
  /** For example `x0t/certificate/1`: the FIPS 204 context, and the prefix of what Ed25519 signs. */
  readonly context: string
  readonly schema: z.ZodType<T>
  /** Of the whole record, signatures included. */
  readonly maxBytes: number
}

/** A record as it travels, `{ body, signature }` in deterministic CBOR, with its parsed value. */
export interface SignedRecord<T> {
  readonly value: T
  /** What is signed. */
  readonly body: Uint8Array
  readonly signature: HybridSignature
  /** The whole record. */
  readonly bytes: Uint8Array
  /** Hex SHA-256 of `body`: one record has one hash whoever re-signs it. */
  readonly bodyHash: string
}

const envelope = (maxBytes: number): z.ZodType<{ body: Uint8Array; signature: HybridSignature }> =>
  z.strictObject({ body: bytesUpTo(maxBytes), signature: hybridSignatureSchema })

/** Signs a record of our own. Throws BAD_RECORD when the value does not fit its own schema or size. */
export function signRecord<T>(kind: RecordKind<T>, key: HybridKey, value: T): SignedRecord<T> {
  const body = encodeStrict(value)
  const signature = key.sign(kind.context, body)
  const decoded = decodeRecord(kind, encodeStrict({ body, signature }))
  if (decoded === undefined) {
    throw new FaultError<SecurityFault>(
      { code: 'BAD_RECORD', record: kind.context },
      `a ${kind.context} record with values out of bounds cannot be signed`,
    )
  }
  return decoded
}

/** Parses without judging the signature. `undefined` for anything but the exact encoding of a record of this kind. */
export function decodeRecord<T>(kind: RecordKind<T>, bytes: Uint8Array): SignedRecord<T> | undefined {
  const outer = decodeStrict(envelope(kind.maxBytes), bytes, kind.maxBytes)
  if (outer === undefined) return undefined
  const value = decodeStrict(kind.schema, outer.body, kind.maxBytes)
  if (value === undefined) return undefined
  return { value, ...outer, bytes: Uint8Array.from(bytes), bodyHash: sha256Hex(outer.body) }
}

export const verifyRecord = <T>(
  kind: RecordKind<T>,
  record: SignedRecord<T>,
  signer: HybridPublicKey,
): boolean => verifyHybrid(signer, kind.context, record.body, record.signature)
