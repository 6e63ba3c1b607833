import { z } from 'zod'
import type { MeshId } from '../domain/ids.ts'
import { ROLES } from '../domain/role.ts'
import {
  CERTIFICATE,
  type Certificate,
  decodeCertificate,
  MAX_CERTIFICATE_BYTES,
  mayGrant,
} from './certificate.ts'
import { bytesUpTo, decodeStrict, encodeStrict, sha256Hex } from './codec.ts'
import type { HybridPublicKey } from './hybrid-key.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'
import { verifyRecord } from './signed-record.ts'

/** A certificate signed by a node travels with that node's own certificate, which the authority has signed. */
export interface CertificateChain {
  readonly leaf: Certificate
  /** Present exactly when `leaf.issuer` is a PeerId. */
  readonly issuer?: Certificate
  /** The encoding: `[leaf]` or `[leaf, issuer]`. */
  readonly bytes: Uint8Array
  /** `sha256Hex(bytes)`: admission signs it, and a cache keyed by it answers before anything is decoded. */
  readonly hash: string
}

export const MAX_CHAIN_BYTES = 16 * 1024

const chainSchema = z.array(bytesUpTo(MAX_CERTIFICATE_BYTES)).min(1).max(2)

/** Throws nothing; the two certificates are those of one chain by construction of the caller. */
export function makeChain(leaf: Certificate, issuer: Certificate | undefined): CertificateChain {
  const bytes = encodeStrict(
    issuer === undefined ? [leaf.record.bytes] : [leaf.record.bytes, issuer.record.bytes],
  )
  const hash = sha256Hex(bytes)
  return issuer === undefined ? { leaf, bytes, hash } : { leaf, issuer, bytes, hash }
}

/**
 * Parses a chain without judging it. `undefined` for anything but the exact encoding of a leaf and, if a node issued it, that
 * node's certificate; longer chains do not exist. Never throws.
 */
export function decodeChain(bytes: Uint8Array): CertificateChain | undefined {
  const parts = decodeStrict(chainSchema, bytes, MAX_CHAIN_BYTES)
  const [leafBytes, issuerBytes] = parts ?? []
  if (leafBytes === undefined) return undefined
  const leaf = decodeCertificate(leafBytes)
  const issuer = issuerBytes === undefined ? undefined : decodeCertificate(issuerBytes)
  if (leaf === undefined || (issuerBytes !== undefined && issuer === undefined)) return undefined
  if (leaf.issuer === 'authority' ? issuer !== undefined : issuer?.peerId !== leaf.issuer) return undefined
  return makeChain(leaf, issuer)
}

export interface ChainTrust {
  readonly meshId: MeshId
  readonly authority: HybridPublicKey
  /** Asked about the leaf; answers for its issuer too (`RevocationView.isRevoked` does). */
  isRevoked(certificate: Certificate): boolean
  readonly nowMs: number
}

export type ChainVerdict =
  | 'valid'
  | 'expired'
  /** Issued more than `MAX_CLOCK_SKEW_MS` in the future. */
  | 'not-yet-valid'
  | 'revoked'
  | 'wrong-mesh'
  /** A signature does not verify, or does not lead to the authority. */
  | 'forged'
  /** Everything is genuinely signed, but the issuer had no right to grant it. */
  | 'overreach'

/**
 * Judges a chain. What costs nothing is looked at first; `overreach` accuses an issuer, so it is said only once the
 * signatures have verified. Pure; about 0.5 ms per certificate native, so callers keep the verdict by `chain.hash` and then
 * repeat only `judgeValidity`.
 */
export function verifyChain(chain: CertificateChain, trust: ChainTrust): ChainVerdict {
  const validity = judgeValidity(chain, trust)
  if (validity !== 'valid') return validity
  return judgeSignatures(chain, trust.authority)
}

/** The part of the judgement that changes with time: mesh, validity period, revocation. No signature is checked here. */
export function judgeValidity(
  chain: CertificateChain,
  trust: Omit<ChainTrust, 'authority'>,
): Extract<ChainVerdict, 'valid' | 'expired' | 'not-yet-valid' | 'revoked' | 'wrong-mesh'> {
  for (const certificate of chain.issuer === undefined ? [chain.leaf] : [chain.leaf, chain.issuer]) {
    if (certificate.meshId !== trust.meshId) return 'wrong-mesh'
    if (certificate.expiresAt <= trust.nowMs) return 'expired'
    if (certificate.issuedAt > trust.nowMs + MAX_CLOCK_SKEW_MS) return 'not-yet-valid'
  }
  return trust.isRevoked(chain.leaf) ? 'revoked' : 'valid'
}

/** The part that never changes for a given authority: signatures and rights. */
export function judgeSignatures(
  chain: CertificateChain,
  authority: HybridPublicKey,
): Extract<ChainVerdict, 'valid' | 'forged' | 'overreach'> {
  const { leaf, issuer } = chain
  if (leaf.issuer === 'authority') {
    return verifyRecord(CERTIFICATE, leaf.record, authority) ? 'valid' : 'forged'
  }
  // The authority signs the issuer's certificate itself: a deeper chain leads nowhere, whoever signed it.
  if (issuer === undefined || issuer.peerId !== leaf.issuer || issuer.issuer !== 'authority') return 'forged'
  if (!verifyRecord(CERTIFICATE, issuer.record, authority)) return 'forged'
  if (!verifyRecord(CERTIFICATE, leaf.record, issuer.publicKey)) return 'forged'
  const within =
    issuer.issuing &&
    leaf.meshId === issuer.meshId &&
    !leaf.issuing &&
    leaf.peerId !== issuer.peerId &&
    mayGrant(issuer.role, leaf.role) &&
    leaf.expiresAt <= issuer.expiresAt
  return within ? 'valid' : 'overreach'
}

const rankOf = (chain: CertificateChain): number =>
  chain.leaf.issuer === 'authority' || chain.issuer === undefined ? -1 : ROLES.indexOf(chain.issuer.role)

/**
 * Orders verified chains of one PeerId: positive when `left` counts. The rank of the issuer decides before the generation:
 * otherwise an issuing admin could demote an owner by issuing a lower certificate of a higher generation for its PeerId.
 * A total order, so every node that has seen the same chains holds the same one. Compare only chains that are still valid.
 */
export function compareChains(left: CertificateChain, right: CertificateChain): number {
  return (
    rankOf(right) - rankOf(left) ||
    left.leaf.generation - right.leaf.generation ||
    left.leaf.issuedAt - right.leaf.issuedAt ||
    (left.leaf.hash < right.leaf.hash ? -1 : left.leaf.hash > right.leaf.hash ? 1 : 0) ||
    (left.hash < right.hash ? -1 : left.hash > right.hash ? 1 : 0)
  )
}
