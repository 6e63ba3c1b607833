import type { AeadKind, Primitives } from './primitives.ts'

/** One Noise protocol with the code that does its arithmetic. */
export interface Suite {
  /** What Noise hashes first, so both ends must name it alike. */
  readonly noiseName: string
  readonly primitives: Primitives
}

/** Noise protocol names: pattern XX with the hybrid forward secrecy extension, Noise section 8. */
const NOISE_NAMES: Record<AeadKind, string> = {
  chachapoly: 'Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256',
  aesgcm: 'Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256',
}

/** The suite that the AEAD of the given primitives makes. */
export function createSuite(primitives: Primitives): Suite {
  return { noiseName: NOISE_NAMES[primitives.aead.kind], primitives }
}

/** libp2p's draft profile: what anyone who uses this module alone speaks. */
export const PUBLISHED_PROTOCOL = '/noise-mlkem768-hfs/0.2.0'

/**
 * The mesh's protocols, in order of preference. They have ids of their own because C and D carry the admission and
 * because each direction rekeys: the published profile has neither.
 */
export const MESH_PROTOCOLS = {
  aesgcm: '/x0t/noise-hfs/1/aesgcm',
  chachapoly: '/x0t/noise-hfs/1/chachapoly',
} as const satisfies Record<AeadKind, string>
