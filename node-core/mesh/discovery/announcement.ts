import { isIPv4 } from 'node:net'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { z } from 'zod'
import type { MeshId, PeerId } from '../../domain/ids.ts'
import type { Random } from '../../platform/random.ts'
import { bytesOf, decodeStrict, encodeStrict, timeMs } from '../../security/codec.ts'
import { ed25519KeyOf, peerIdOf } from '../../security/identity.ts'
import type { LanTag } from './lan-tag.ts'
import { MAX_CONTENT_BYTES } from './mdns-packet.ts'

/** Where a node listens on one LAN. */
export interface Announcement {
  readonly peer: PeerId
  /** IPv4, of the interface through which it is said. */
  readonly address: string
  readonly port: number
  /** Wall clock of the announcing node, ms since the epoch: later ones replace earlier ones. */
  readonly at: number
}

const NONCE_BYTES = 24
const CONTEXT = 'x0t/lan-announcement/1'

const bodySchema = z.strictObject({
  address: bytesOf(4),
  at: timeMs,
  key: bytesOf(32),
  port: z.int().min(1).max(65_535),
  signature: bytesOf(64),
})
type Body = z.infer<typeof bodySchema>

const signedBytes = (meshId: MeshId, { address, at, key, port }: Omit<Body, 'signature'>): Uint8Array =>
  encodeStrict([CONTEXT, meshId, address, at, key, port])

/**
 * Signs and seals what a node says of itself on a LAN: `nonce | XChaCha20-Poly1305(body)`, the tag as associated data.
 * The seal keeps out who does not know the mesh; the signature, who is not the node.
 */
export async function sealAnnouncement(
  deps: { readonly random: Random; readonly key: PrivateKey; readonly meshId: MeshId },
  tag: LanTag,
  { peer, address, port, at }: Announcement,
): Promise<Uint8Array> {
  const key = ed25519KeyOf(peer)
  if (key === undefined || !isIPv4(address)) throw new TypeError('only a node can announce itself, over IPv4')
  const unsigned = { address: Uint8Array.from(address.split('.').map(Number)), at, key, port }
  const signature = new Uint8Array(await deps.key.sign(signedBytes(deps.meshId, unsigned)))
  const nonce = deps.random.bytes(NONCE_BYTES)
  const body = encodeStrict({ ...unsigned, signature })
  return Uint8Array.from([...nonce, ...cipherOf(tag, nonce).encrypt(body)])
}

/** An announcement that was sealed by somebody who knows the mesh. Who says it is true only once `verify` says so. */
export interface OpenedAnnouncement extends Announcement {
  /** Whether the node that it names has signed it, for this mesh. */
  verify(meshId: MeshId): Promise<boolean>
}

/** `undefined` for what nobody who knows the mesh has sealed. Never throws. */
export function openAnnouncement(tag: LanTag, content: Uint8Array): OpenedAnnouncement | undefined {
  if (content.length <= NONCE_BYTES || content.length > MAX_CONTENT_BYTES) return undefined
  const body = decodeStrict(bodySchema, decrypt(tag, content), MAX_CONTENT_BYTES)
  if (body === undefined) return undefined
  try {
    return {
      peer: peerIdOf(body.key),
      address: body.address.join('.'),
      port: body.port,
      at: body.at,
      verify: async (meshId) => publicKeyFromRaw(body.key).verify(signedBytes(meshId, body), body.signature),
    }
  } catch {
    // 32 bytes that are no point of the curve.
    return undefined
  }
}

const NOTHING = new Uint8Array(0)

function decrypt(tag: LanTag, content: Uint8Array): Uint8Array {
  try {
    return cipherOf(tag, content.subarray(0, NONCE_BYTES)).decrypt(content.subarray(NONCE_BYTES))
  } catch {
    // Noble says by an exception that the seal is not whole.
    return NOTHING
  }
}

const cipherOf = ({ key, label }: LanTag, nonce: Uint8Array) =>
  xchacha20poly1305(key, nonce, new TextEncoder().encode(label))
