import { type MeshId, parseMeshId } from '../domain/ids.ts'
import { FaultError } from '../platform/error.ts'
import { decodeStrict, encodeStrict, sha256Hex } from './codec.ts'
import type { SecurityFault } from './faults.ts'
import {
  createHybridKey,
  type HybridKey,
  type HybridPublicKey,
  type HybridSecretSeeds,
  hybridPublicKeySchema,
} from './hybrid-key.ts'

/** The root of a mesh: its key signs owner certificates, issuing certificates and the policy. */
export interface MeshAuthority {
  readonly meshId: MeshId
  readonly key: HybridKey
  wipe(): void
}

const MAX_PUBLIC_KEY_BYTES = 2_100

/** Of the key that founded a mesh, its id; of one that came after, its fingerprint. SHA-256 over `"x0t/mesh/1" || 0x00 || Ed25519 key || ML-DSA key`: the mesh's name for machines, and the fingerprint to compare. */
export function meshIdOf(publicKey: HybridPublicKey): MeshId {
  const prefix = new TextEncoder().encode('x0t/mesh/1\0')
  const meshId = parseMeshId(sha256Hex(prefix, publicKey.ed25519, publicKey.mldsa))
  if (meshId === undefined) {
    throw new FaultError<SecurityFault>(
      { code: 'BAD_RECORD', record: 'mesh id' },
      'SHA-256 did not give 64 hex',
    )
  }
  return meshId
}

/** The seeds are not kept. `meshId` is that of the mesh that they founded, unless they came after. Throws BAD_SEED. */
export function createAuthority(seeds: HybridSecretSeeds, meshId?: MeshId): MeshAuthority {
  const key = createHybridKey(seeds)
  return { meshId: meshId ?? meshIdOf(key.publicKey), key, wipe: () => key.wipe() }
}

export const encodeAuthorityKey = (publicKey: HybridPublicKey): Uint8Array =>
  encodeStrict({ ed25519: publicKey.ed25519, mldsa: publicKey.mldsa })

/** Whether it is the authority of a mesh is not judged here. `undefined` for anything but its exact encoding. */
export const decodeAuthorityKey = (bytes: Uint8Array): HybridPublicKey | undefined =>
  decodeStrict(hybridPublicKeySchema, bytes, MAX_PUBLIC_KEY_BYTES)
