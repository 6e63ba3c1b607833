import { z } from 'zod'
import { parseJoinId } from '../../domain/ids.ts'
import { MAX_PROOF_BYTES } from '../../noise-hfs/admission-port.ts'
import { type AuthorityProof, MAX_SUCCESSOR_BYTES } from '../../security/authority-succession.ts'
import { MAX_CHAIN_BYTES } from '../../security/chain.ts'
import { bytesOf, bytesUpTo, decodeStrict, encodeStrict, parsedText } from '../../security/codec.ts'
import { hybridPublicKeySchema } from '../../security/hybrid-key.ts'
import { MAX_JOIN_REQUEST_BYTES } from '../../security/join-request.ts'
import { MLDSA_SIGNATURE_BYTES } from '../../security/mldsa.ts'
import {
  type AgainMessage,
  decodeTicketMessage,
  encodeTicketMessage,
  isTicketMessage,
  type ReadmittedMessage,
  type TicketMessage,
} from './ticket-messages.ts'

/**
 * What messages C to F carry: deterministic CBOR, or the short form of the tickets, at most `MAX_PROOF_BYTES` each. The largest, a
 * proof with the longest chain and the authority's keys, stays below 22 KiB.
 */

const MAX_SUITES = 8

const suite = z.string().min(1).max(64)
const suites = z.array(suite).min(1).max(MAX_SUITES).readonly()
const signature = bytesOf(MLDSA_SIGNATURE_BYTES)
/** The newest change of the authority, while its overlap lasts: the other end may have been away since. */
const successor = bytesUpTo(MAX_SUCCESSOR_BYTES).optional()

/** That the sender holds the node key of the chain's leaf and is on this very connection. */
const memberSchema = z.strictObject({
  kind: z.literal('member'),
  chain: bytesUpTo(MAX_CHAIN_BYTES),
  signature,
  offered: suites,
  selected: suite,
  successor,
})

const joinSchema = z.strictObject({
  kind: z.literal('join'),
  request: bytesUpTo(MAX_JOIN_REQUEST_BYTES),
  offered: suites,
  selected: suite,
})

export type InitiatorMessage = z.infer<typeof memberSchema> | TicketMessage | z.infer<typeof joinSchema>

/** A responder that answers a join proves with this that it is a member, before it is believed. */
export interface MemberProof extends AuthorityProof {
  readonly chain: Uint8Array
  readonly signature: Uint8Array
  readonly supported: readonly string[]
}

const proofSchema = z.strictObject({
  authority: hybridPublicKeySchema,
  successor,
  chain: bytesUpTo(MAX_CHAIN_BYTES),
  signature,
  supported: suites,
})

const replySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('member'),
    chain: bytesUpTo(MAX_CHAIN_BYTES),
    signature,
    supported: suites,
    selected: suite,
    successor,
  }),
  z.strictObject({
    kind: z.literal('joined'),
    chain: bytesUpTo(MAX_CHAIN_BYTES),
    authority: hybridPublicKeySchema,
    successor,
    /** What its members call the mesh; empty when they do not say. */
    meshName: z.string().max(63),
  }),
  z.strictObject({ kind: z.literal('pending'), joinId: parsedText(parseJoinId), proof: proofSchema }),
  z.strictObject({
    kind: z.literal('refused'),
    code: z.string().min(1).max(32),
    reason: z.string().max(256),
    proof: proofSchema.optional(),
  }),
])

export type ResponderMessage = z.infer<typeof replySchema> | ReadmittedMessage | AgainMessage

const initiatorSchema = z.discriminatedUnion('kind', [memberSchema, joinSchema])

export const encodeInitiatorMessage = (message: InitiatorMessage): Uint8Array =>
  message.kind === 'ticket' ? encodeTicketMessage(message) : encodeStrict(message)

export const encodeResponderMessage = (message: ResponderMessage): Uint8Array =>
  message.kind === 'readmitted' || message.kind === 'again'
    ? encodeTicketMessage(message)
    : encodeStrict(message)

/** `undefined` for anything but the exact encoding of such a message. Never throws. */
export function decodeInitiatorMessage(bytes: Uint8Array): InitiatorMessage | undefined {
  if (!isTicketMessage(bytes)) {
    return decodeStrict<Exclude<InitiatorMessage, TicketMessage>>(initiatorSchema, bytes, MAX_PROOF_BYTES)
  }
  const message = decodeTicketMessage(bytes)
  return message?.kind === 'ticket' ? message : undefined
}

/** `undefined` for anything but the exact encoding of such a message. Never throws. */
export function decodeResponderMessage(bytes: Uint8Array): ResponderMessage | undefined {
  if (!isTicketMessage(bytes)) {
    return decodeStrict<z.infer<typeof replySchema>>(replySchema, bytes, MAX_PROOF_BYTES)
  }
  const message = decodeTicketMessage(bytes)
  return message?.kind === 'ticket' ? undefined : message
}
