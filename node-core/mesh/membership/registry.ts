import type { PeerId } from '../../domain/ids.ts'
import { ROLES, type Role } from '../../domain/role.ts'
import type { Certificate } from '../../security/certificate.ts'
import {
  type CertificateChain,
  type ChainVerdict,
  compareChains,
  decodeChain,
  judgeSignatures,
  judgeValidity,
} from '../../security/chain.ts'
import type { RevocationView } from '../../security/revocation-log.ts'
import { type Acceptance, bad, KNOWN, later, type MembershipContext, validityNow } from './context.ts'
import type { Standing } from './events.ts'

/** A mesh has at most this many nodes, so that an issuer gone mad cannot fill the memory of all others. */
const MAX_PEERS = 4_096
/** Verdicts on signatures that are kept: a reconnect then costs no verification of certificates. */
const MAX_VERIFIED = 8_192
/** An expired certificate is kept this long, to tell "expired" from "never heard of". */
const KEEP_EXPIRED_MS = 30 * 24 * 3_600_000

export type ChainJudgement = ChainVerdict | 'older-generation'

/**
 * Who is a member now. For each peer it holds the highest certificate of each rank of issuer, so that what a lower
 * issuer signs can neither displace what a higher one signed nor get lost when that one ends.
 */
export interface Registry {
  /** Reads the store; what does not verify any more is left out. */
  load(): void
  /** Judges without keeping. Signatures are verified once for each chain. */
  judge(chain: CertificateChain): ChainJudgement
  /** Judges and keeps what is good. */
  accept(chain: CertificateChain): Acceptance
  standing(peer: PeerId): Standing
  /** The chain that counts for a peer: the highest that is valid now. */
  chainOf(peer: PeerId): CertificateChain | undefined
  /** The valid chain of a peer that lasts longest. */
  longestOf(peer: PeerId): CertificateChain | undefined
  /** The highest certificate of a peer, valid or not. */
  certificateOf(peer: PeerId): Certificate | undefined
  /** All chains held of a peer that others should know: valid ones, and those of issuers. */
  shared(): readonly CertificateChain[]
  slot(peer: PeerId, rank: number): CertificateChain | undefined
  /** The newest authority-signed issuing certificate seen of a node, expired or not: what its log is verified by. */
  issuerCertificate(peer: PeerId): Certificate | undefined
  issuerRole(peer: PeerId): Role | undefined
  highestGeneration(peer: PeerId): number
  peers(): readonly PeerId[]
  /** Emits `expelled` for every peer that was a member and is none now. Returns when to look again, ms since the epoch. */
  sweep(): number
}

/** -1 for the authority, else the place of the issuer's role: lower is higher. */
export const rankOf = (chain: CertificateChain): number =>
  chain.issuer === undefined ? -1 : ROLES.indexOf(chain.issuer.role)

interface Entry {
  readonly slots: Map<number, CertificateChain>
  /** As it was told to others last. */
  told: Standing
}

/** What the registry needs of the revocation book. */
export interface Revocations {
  view(): RevocationView
  /** The role of an issuer may have changed. */
  invalidate(): void
}

export function createRegistry(context: MembershipContext, revocations: Revocations): Registry {
  const entries = new Map<PeerId, Entry>()
  const issuers = new Map<PeerId, Certificate>()
  const verified = createVerifiedChains(context)

  const validity = (chain: CertificateChain) =>
    judgeValidity(chain, {
      meshId: context.meshId,
      nowMs: validityNow(context),
      isRevoked: (certificate) => revocations.view().isRevoked(certificate),
    })
  const held = (peer: PeerId): CertificateChain[] => [...(entries.get(peer)?.slots.values() ?? [])]
  const valid = (peer: PeerId): CertificateChain[] =>
    held(peer).filter((chain) => validity(chain) === 'valid')
  const best = (chains: CertificateChain[]): CertificateChain | undefined =>
    chains.sort((left, right) => compareChains(right, left))[0]

  const judge = (chain: CertificateChain): ChainJudgement => {
    const verdict = validity(chain)
    if (verdict !== 'valid') return verdict
    const signatures = verified.judge(chain)
    if (signatures !== 'valid') return signatures
    const known = entries.get(chain.leaf.peerId)?.slots.get(rankOf(chain))
    const isOlder =
      known !== undefined && chain.leaf.generation < known.leaf.generation && validity(known) === 'valid'
    return isOlder ? 'older-generation' : 'valid'
  }

  const learnIssuer = (certificate: Certificate | undefined): void => {
    if (certificate === undefined || !certificate.issuing || certificate.issuer !== 'authority') return
    const known = issuers.get(certificate.peerId)
    if (known !== undefined && known.generation >= certificate.generation) return
    issuers.set(certificate.peerId, certificate)
    revocations.invalidate()
  }

  const keep = (chain: CertificateChain): void => {
    const { leaf } = chain
    const entry = entries.get(leaf.peerId) ?? { slots: new Map(), told: 'unknown' }
    entries.set(leaf.peerId, entry)
    entry.slots.set(rankOf(chain), chain)
    learnIssuer(leaf)
    learnIssuer(chain.issuer)
  }

  const isWorse = (chain: CertificateChain): boolean => {
    const known = entries.get(chain.leaf.peerId)?.slots.get(rankOf(chain))
    if (known === undefined) return false
    if (known.hash === chain.hash) return true
    return validity(known) === 'valid' && compareChains(chain, known) <= 0
  }

  const acceptValid = (chain: CertificateChain): Acceptance => {
    const { leaf } = chain
    if (isWorse(chain)) return KNOWN
    if (!entries.has(leaf.peerId) && entries.size >= MAX_PEERS) return later('the mesh is full')
    keep(chain)
    context.store.certificates.put({
      peer: leaf.peerId,
      rank: rankOf(chain),
      generation: leaf.generation,
      expiresAt: leaf.expiresAt,
      chain: chain.bytes,
    })
    context.floor.observe(leaf.issuedAt, chain.issuer === undefined ? 'authority' : 'member')
    const entry = entries.get(leaf.peerId)
    if (entry !== undefined) entry.told = 'member'
    context.events.emit('memberChanged', { peer: leaf.peerId })
    return { kind: 'kept', news: { kind: 'certificate', peer: leaf.peerId, rank: rankOf(chain) } }
  }

  const accept = (chain: CertificateChain): Acceptance => {
    if (isWorse(chain)) return KNOWN
    const verdict = judge(chain)
    switch (verdict) {
      case 'valid':
        return acceptValid(chain)
      case 'expired':
      case 'revoked':
        return acceptPastIssuer(chain, verdict)
      case 'wrong-mesh':
      case 'forged':
      case 'overreach':
        return bad(`certificate: ${verdict}`)
      case 'not-yet-valid':
      case 'older-generation':
        return later(`certificate: ${verdict}`)
    }
  }

  /** The log of an issuer outlives its membership: without it nobody who comes later could verify the log. */
  const acceptPastIssuer = (chain: CertificateChain, why: 'expired' | 'revoked'): Acceptance => {
    const { leaf } = chain
    const isNews = leaf.issuing && leaf.issuer === 'authority' && leaf.meshId === context.meshId
    if (!isNews || held(leaf.peerId).length > 0 || entries.size >= MAX_PEERS)
      return later(`certificate: ${why}`)
    if (verified.judge(chain) !== 'valid') return bad('certificate: forged')
    keep(chain)
    const { peerId: peer, generation, expiresAt } = leaf
    context.store.certificates.put({ peer, rank: rankOf(chain), generation, expiresAt, chain: chain.bytes })
    return { kind: 'kept', news: { kind: 'certificate', peer, rank: rankOf(chain) } }
  }

  const standing = (peer: PeerId): Standing => {
    const chains = held(peer)
    if (chains.length === 0) return 'unknown'
    const verdicts = chains.map(validity)
    if (verdicts.includes('valid')) return 'member'
    return verdicts.includes('revoked') ? 'revoked' : 'expired'
  }

  const isForgettable = (peer: PeerId, nowMs: number): boolean =>
    peer !== context.identity.peerId &&
    !issuers.has(peer) &&
    held(peer).every((chain) => chain.leaf.expiresAt + KEEP_EXPIRED_MS < nowMs)

  return {
    load() {
      for (const row of context.store.certificates.all()) {
        const chain = decodeChain(row.chain)
        if (chain?.leaf.meshId !== context.meshId || chain.leaf.peerId !== row.peer) continue
        if (verified.judge(chain) === 'valid') keep(chain)
      }
      for (const [peer, entry] of entries) entry.told = standing(peer)
    },
    judge,
    accept,
    standing,
    chainOf: (peer) => best(valid(peer)),
    longestOf: (peer) => valid(peer).sort((left, right) => right.leaf.expiresAt - left.leaf.expiresAt)[0],
    certificateOf: (peer) => (best(valid(peer)) ?? best(held(peer)))?.leaf,
    shared: () =>
      [...entries.keys()].flatMap((peer) =>
        held(peer).filter(
          (chain) => validity(chain) === 'valid' || issuers.get(peer)?.hash === chain.leaf.hash,
        ),
      ),
    slot: (peer, rank) => entries.get(peer)?.slots.get(rank),
    issuerCertificate: (peer) => issuers.get(peer),
    issuerRole: (peer) => issuers.get(peer)?.role,
    highestGeneration: (peer) => Math.max(0, ...held(peer).map((chain) => chain.leaf.generation)),
    peers: () => [...entries.keys()],
    sweep() {
      const nowMs = validityNow(context)
      let nextMs = Number.POSITIVE_INFINITY
      for (const [peer, entry] of entries) {
        const now = standing(peer)
        const before = entry.told
        entry.told = now
        if (before === 'member' && (now === 'expired' || now === 'revoked')) {
          context.counters.count(`expelled.${now}`)
          context.events.emit('expelled', { peer, reason: now })
          context.events.emit('memberChanged', { peer })
        }
        for (const chain of entry.slots.values()) {
          if (chain.leaf.expiresAt > nowMs) nextMs = Math.min(nextMs, chain.leaf.expiresAt)
        }
        if (isForgettable(peer, nowMs)) {
          entries.delete(peer)
          context.store.certificates.remove(peer)
        }
      }
      return nextMs
    },
  }
}

interface VerifiedChains {
  judge(chain: CertificateChain): 'valid' | 'forged' | 'overreach'
}

/** Remembers only what verified: a stranger can make this do work, but never push a good verdict out. */
function createVerifiedChains(context: MembershipContext): VerifiedChains {
  const good = new Set<string>()
  return {
    judge(chain) {
      if (good.has(chain.hash)) return 'valid'
      const verdict = judgeSignatures(chain, context.authority)
      context.counters.count('chains-verified')
      if (verdict !== 'valid') return verdict
      if (good.size >= MAX_VERIFIED)
        for (const oldest of [...good].slice(0, MAX_VERIFIED / 4)) good.delete(oldest)
      good.add(chain.hash)
      return verdict
    },
  }
}
