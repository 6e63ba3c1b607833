import { z } from 'zod'
import type { MeshId, PeerId } from '../domain/ids.ts'
import { type Certificate, meshIdSchema, peerIdSchema } from './certificate.ts'
import { bytesUpTo, decodeStrict, encodeStrict, sha256Text, timeMs } from './codec.ts'
import type { HybridKey } from './hybrid-key.ts'
import {
  decodeRecord,
  type RecordKind,
  type SignedRecord,
  signRecord,
  verifyRecord,
} from './signed-record.ts'

export const MAX_LINK_ADVERT_BYTES = 24 * 1024
export const MAX_ADVERT_LINKS = 64
/** A link costs at most a minute, in microseconds. */
export const MAX_LINK_COST_US = 60_000_000
const MAX_COUNTER = Number.MAX_SAFE_INTEGER
const PARTS_PER_MILLION = 1_000_000

/** What a node says of its link to one neighbour. */
export interface LinkAdvertEntry {
  readonly peer: PeerId
  /** Microseconds, from 1: smoothed round trip and what estimated loss and load add. Paths are chosen by it. */
  readonly costUs: number
  /** Smoothed round trip as this end measured it, microseconds; null before the first. */
  readonly rttUs: number | null
  /** Parts per million, estimated; null before the first measurement. */
  readonly lossPpm: number | null
  /** Protocol id of the handshake of the connection. */
  readonly suite: string
}

/** A node's own links, in its own words. The newest by (incarnation, seq) counts. */
export interface LinkAdvertBody {
  readonly v: 1
  readonly meshId: MeshId
  readonly origin: PeerId
  /** More at each start of the node. */
  readonly incarnation: number
  /** One more with each advert of an incarnation. */
  readonly seq: number
  /** Hex SHA-256 of the certificate that the origin held when it signed. */
  readonly certificateHash: string
  /** Whether it is willing to carry the traffic of others; its certificate and the policy have to allow it as well. */
  readonly transit: boolean
  /** At most 64, by peer, each peer once: one set of links has one encoding. */
  readonly links: readonly LinkAdvertEntry[]
  /** When it was signed, ms since the Unix epoch by the origin's clock: for people, never for ordering. */
  readonly at: number
}

const entrySchema: z.ZodType<LinkAdvertEntry> = z.strictObject({
  peer: peerIdSchema,
  costUs: z.int().min(1).max(MAX_LINK_COST_US),
  rttUs: z.int().min(0).max(MAX_LINK_COST_US).nullable(),
  lossPpm: z.int().min(0).max(PARTS_PER_MILLION).nullable(),
  suite: z.string().regex(/^[\x21-\x7e]{1,64}$/),
})

const bodySchema: z.ZodType<LinkAdvertBody> = z
  .strictObject({
    v: z.literal(1),
    meshId: meshIdSchema,
    origin: peerIdSchema,
    incarnation: z.int().min(0).max(MAX_COUNTER),
    seq: z.int().min(0).max(MAX_COUNTER),
    certificateHash: sha256Text,
    transit: z.boolean(),
    links: z.array(entrySchema).max(MAX_ADVERT_LINKS),
    at: timeMs,
  })
  .refine(({ origin, links }) =>
    links.every(
      ({ peer }, index) => peer !== origin && (index === 0 || (links[index - 1]?.peer ?? '') < peer),
    ),
  )

const LINK_ADVERT: RecordKind<LinkAdvertBody> = {
  context: 'x0t/link-advert/1',
  schema: bodySchema,
  maxBytes: MAX_LINK_ADVERT_BYTES,
}

export interface LinkAdvert extends LinkAdvertBody {
  readonly bytes: Uint8Array
  readonly record: SignedRecord<LinkAdvertBody>
}

const asLinkAdvert = (record: SignedRecord<LinkAdvertBody>): LinkAdvert => ({
  ...record.value,
  bytes: record.bytes,
  record,
})

/** Throws BAD_RECORD for values out of bounds. */
export const signLinkAdvert = (key: HybridKey, content: Omit<LinkAdvertBody, 'v'>): LinkAdvert =>
  asLinkAdvert(signRecord(LINK_ADVERT, key, { v: 1, ...content }))

/** Parses without judging. `undefined` for anything but the exact encoding of an advert; never throws. */
export function decodeLinkAdvert(bytes: Uint8Array): LinkAdvert | undefined {
  const record = decodeRecord(LINK_ADVERT, bytes)
  return record === undefined ? undefined : asLinkAdvert(record)
}

export type LinkAdvertVerdict = 'valid' | 'wrong-mesh' | 'wrong-peer' | 'forged'

/**
 * Judges an advert against a certificate of its origin, which the caller has verified. The `at` in it is not judged: a
 * node with a wrong clock has links all the same, and numbers decide which advert is the newest.
 */
export function verifyLinkAdvert(advert: LinkAdvert, signer: Certificate): LinkAdvertVerdict {
  if (advert.meshId !== signer.meshId) return 'wrong-mesh'
  if (advert.origin !== signer.peerId) return 'wrong-peer'
  return verifyRecord(LINK_ADVERT, advert.record, signer.publicKey) ? 'valid' : 'forged'
}

interface Numbered {
  readonly incarnation: number
  readonly seq: number
}

/** Positive when `left` is newer, zero when both have one number. */
export const compareAdvertNumbers = (left: Numbered, right: Numbered): number =>
  left.incarnation - right.incarnation || left.seq - right.seq

/** Two different adverts that one origin signed under one number: nobody but a liar, or a copied machine, makes them. */
export interface EquivocationProof extends Numbered {
  readonly origin: PeerId
  readonly left: LinkAdvert
  readonly right: LinkAdvert
  readonly bytes: Uint8Array
}

const MAX_PROOF_BYTES = 2 * MAX_LINK_ADVERT_BYTES + 1_024

const proofSchema = z.strictObject({
  left: bytesUpTo(MAX_LINK_ADVERT_BYTES),
  right: bytesUpTo(MAX_LINK_ADVERT_BYTES),
})

/** `undefined` when the two prove nothing: other origins, other numbers, or the same content. */
export function proveEquivocation(one: LinkAdvert, other: LinkAdvert): EquivocationProof | undefined {
  const [left, right] = one.record.bodyHash < other.record.bodyHash ? [one, other] : [other, one]
  if (left.origin !== right.origin || compareAdvertNumbers(left, right) !== 0) return undefined
  if (left.record.bodyHash === right.record.bodyHash) return undefined
  const { origin, incarnation, seq } = left
  const bytes = encodeStrict({ left: left.bytes, right: right.bytes })
  return { origin, incarnation, seq, left, right, bytes }
}

/** Parses without judging the signatures; never throws. */
export function decodeEquivocationProof(bytes: Uint8Array): EquivocationProof | undefined {
  const pair = decodeStrict(proofSchema, bytes, MAX_PROOF_BYTES)
  const left = pair && decodeLinkAdvert(pair.left)
  const right = pair && decodeLinkAdvert(pair.right)
  if (left === undefined || right === undefined) return undefined
  const proof = proveEquivocation(left, right)
  // One order alone, so that one proof has one encoding.
  return proof?.left.record.bodyHash === left.record.bodyHash ? proof : undefined
}
