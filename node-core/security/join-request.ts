import { z } from 'zod'
import type { InviteId, MeshId, NodeName, PeerId } from '../domain/ids.ts'
import { meshIdSchema, nodeNameSchema, peerIdSchema } from './certificate.ts'
import { bytesOf, bytesUpTo, decodeStrict, encodeStrict, sha256Hex } from './codec.ts'
import {
  type HybridKey,
  type HybridPublicKey,
  type HybridSignature,
  hybridSignatureSchema,
  verifyHybrid,
} from './hybrid-key.ts'
import { ed25519KeyOf } from './identity.ts'
import { type InviteRecord, inviteIdSchema } from './invite.ts'
import { MLDSA_PUBLIC_KEY_BYTES } from './mldsa.ts'

const INVITE_CONTEXT = 'x0t/join-request/1/invite'
const NODE_CONTEXT = 'x0t/join-request/1/node'
export const MAX_JOIN_REQUEST_BYTES = 12 * 1024
const MAX_BODY_BYTES = 3 * 1024

/** What a machine asks for. Any member can carry it, none can alter it, and the invite's secret is not in it. */
export interface JoinRequestBody {
  readonly v: 1
  readonly meshId: MeshId
  readonly issuer: PeerId
  readonly inviteId: InviteId
  readonly peerId: PeerId
  readonly mldsaPublicKey: Uint8Array
  readonly name: NodeName
}

export interface JoinRequest extends JoinRequestBody {
  readonly publicKey: HybridPublicKey
  readonly body: Uint8Array
  /** By the keys that the token's secret derives: whoever asks holds the token. */
  readonly inviteSignature: HybridSignature
  /** By the node's own keys: whoever asks owns the identity to be certified. */
  readonly nodeSignature: HybridSignature
  readonly bytes: Uint8Array
  /** Hex SHA-256 of the node's two public keys: a retry of the same machine has the same one, under whatever name. */
  readonly requester: string
}

const bodySchema: z.ZodType<JoinRequestBody> = z.strictObject({
  v: z.literal(1),
  meshId: meshIdSchema,
  issuer: peerIdSchema,
  inviteId: inviteIdSchema,
  peerId: peerIdSchema,
  mldsaPublicKey: bytesOf(MLDSA_PUBLIC_KEY_BYTES),
  name: nodeNameSchema,
})

const requestSchema = z.strictObject({
  body: bytesUpTo(MAX_BODY_BYTES),
  inviteSignature: hybridSignatureSchema,
  nodeSignature: hybridSignatureSchema,
})

/** Signs a request with the invite's and the node's keys and returns its encoding. */
export function signJoinRequest(
  invite: { readonly meshId: MeshId; readonly issuer: PeerId; readonly inviteId: InviteId },
  inviteKey: HybridKey,
  node: { readonly peerId: PeerId; readonly key: HybridKey; readonly name: NodeName },
): Uint8Array {
  const body = encodeStrict({
    v: 1,
    meshId: invite.meshId,
    issuer: invite.issuer,
    inviteId: invite.inviteId,
    peerId: node.peerId,
    mldsaPublicKey: node.key.publicKey.mldsa,
    name: node.name,
  } satisfies JoinRequestBody)
  return encodeStrict({
    body,
    inviteSignature: inviteKey.sign(INVITE_CONTEXT, body),
    nodeSignature: node.key.sign(NODE_CONTEXT, body),
  })
}

/** Parses without judging. `undefined` for anything but the exact encoding of a request; never throws. */
export function decodeJoinRequest(bytes: Uint8Array): JoinRequest | undefined {
  const outer = decodeStrict(requestSchema, bytes, MAX_JOIN_REQUEST_BYTES)
  const body = outer === undefined ? undefined : decodeStrict(bodySchema, outer.body, MAX_BODY_BYTES)
  if (outer === undefined || body === undefined) return undefined
  const ed25519 = ed25519KeyOf(body.peerId)
  if (ed25519 === undefined) return undefined
  return {
    ...body,
    ...outer,
    publicKey: { ed25519, mldsa: body.mldsaPublicKey },
    bytes: Uint8Array.from(bytes),
    requester: sha256Hex(ed25519, body.mldsaPublicKey),
  }
}

export type JoinVerdict = 'valid' | 'wrong-mesh' | 'wrong-issuer' | 'wrong-invite' | 'forged'

/** What anyone can judge who carries a request: that the node which asks owns its keys, and asks this mesh. */
export const isOwnRequest = (request: JoinRequest, meshId: MeshId): boolean =>
  request.meshId === meshId &&
  verifyHybrid(request.publicKey, NODE_CONTEXT, request.body, request.nodeSignature)

/** The issuer's judgement of a request against its own record of the invite. Expiry and use are `judgeRedemption`'s. */
export function verifyJoinRequest(
  request: JoinRequest,
  self: { readonly meshId: MeshId; readonly issuer: PeerId; readonly invite: InviteRecord },
): JoinVerdict {
  if (request.meshId !== self.meshId) return 'wrong-mesh'
  if (request.issuer !== self.issuer) return 'wrong-issuer'
  if (request.inviteId !== self.invite.inviteId) return 'wrong-invite'
  const { publicKey } = self.invite
  return verifyHybrid(publicKey, INVITE_CONTEXT, request.body, request.inviteSignature) &&
    verifyHybrid(request.publicKey, NODE_CONTEXT, request.body, request.nodeSignature)
    ? 'valid'
    : 'forged'
}

export type Redemption =
  /** First use: commit it, then sign. */
  | 'redeem'
  /** The same machine asks again: give it what it was given. */
  | 'repeat'
  /** Another machine used it before: the token was copied. */
  | 'used'
  | 'expired'

/** Decides on a request that verified. `usedBy` is the `requester` that the store committed for this invite. */
export function judgeRedemption(
  invite: InviteRecord,
  usedBy: string | undefined,
  request: JoinRequest,
  nowMs: number,
): Redemption {
  if (usedBy !== undefined) return usedBy === request.requester ? 'repeat' : 'used'
  return nowMs >= invite.expiresAt ? 'expired' : 'redeem'
}
