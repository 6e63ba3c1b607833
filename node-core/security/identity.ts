import { privateKeyFromRaw, publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { type PeerId, parsePeerId } from '../domain/ids.ts'
import { FaultError } from '../platform/error.ts'
import { wipe } from '../platform/secret.ts'
import type { SecurityFault } from './faults.ts'
import { createHybridKey, type HybridKey, type HybridSecretSeeds } from './hybrid-key.ts'
import { hideSecrets } from './redact.ts'

/** Who a node is: an Ed25519 libp2p key, which is its PeerId, and an ML-DSA-65 key. */
export interface NodeIdentity {
  readonly peerId: PeerId
  readonly key: HybridKey
  /** For libp2p. Hidden from `JSON.stringify` and `inspect`. */
  readonly libp2pKey: PrivateKey
  /** Forgets the secret halves; the identity cannot sign afterwards. */
  wipe(): void
}

/** The PeerId of a raw Ed25519 public key of 32 bytes. Throws BAD_RECORD for any other length. */
export function peerIdOf(ed25519PublicKey: Uint8Array): PeerId {
  const peerId =
    ed25519PublicKey.length === 32
      ? parsePeerId(peerIdFromPublicKey(publicKeyFromRaw(ed25519PublicKey)).toString())
      : undefined
  if (peerId === undefined) {
    throw new FaultError<SecurityFault>(
      { code: 'BAD_RECORD', record: 'public key' },
      'an Ed25519 public key has 32 bytes',
    )
  }
  return peerId
}

/** The raw Ed25519 public key that a PeerId embeds, or `undefined` for text that is not the canonical form of one. */
export function ed25519KeyOf(peerId: string): Uint8Array | undefined {
  if (parsePeerId(peerId) === undefined) return undefined
  try {
    const parsed = peerIdFromString(peerId)
    if (parsed.type !== 'Ed25519' || parsed.toString() !== peerId) return undefined
    return Uint8Array.from(parsed.publicKey.raw)
  } catch {
    return undefined
  }
}

/** A PeerId whose embedded key can be read: stricter than the alphabet check of `domain/ids.ts`. */
export const parseKeyedPeerId = (raw: string): PeerId | undefined =>
  ed25519KeyOf(raw) === undefined ? undefined : parsePeerId(raw)

/** The seeds are not kept: the caller may wipe them afterwards. Throws BAD_SEED. */
export function createIdentity(seeds: HybridSecretSeeds): NodeIdentity {
  const key = createHybridKey(seeds)
  const raw = new Uint8Array(64)
  raw.set(seeds.ed25519)
  raw.set(key.publicKey.ed25519, 32)
  const libp2pKey = privateKeyFromRaw(raw)
  hideSecrets('libp2p private key', libp2pKey, ['raw'])
  wipe(raw)
  const identity: NodeIdentity = {
    peerId: peerIdOf(key.publicKey.ed25519),
    key,
    libp2pKey,
    wipe() {
      key.wipe()
      wipe(libp2pKey.raw)
    },
  }
  return hideSecrets('node identity', identity, ['libp2pKey'])
}
