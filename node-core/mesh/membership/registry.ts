import type { PeerId } from '../../domain/ids.ts'
import { ROLES } from '../../domain/role.ts'
import type { Certificate } from '../../security/certificate.ts'
import {
  type CertificateChain,
  type ChainVerdict,
  compareChains,
  decodeChain,
  judgeSignatures,
  judgeValidity,
} from '../../security/chain.ts'
import { sha256Hex } from '../../security/codec.ts'
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
  /** Parses a chain; one that is held already is looked up by its hash, which is ten times as fast. Never throws. */
  read(bytes: Uint8Array): CertificateChain | undefined
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

export const createRegistry = (context: MembershipContext, revocations: Revocations): Registry =>
  new MemberRegistry(context, revocations)

class MemberRegistry implements Registry {
  readonly #context: MembershipContext
  readonly #revocations: Revocations
  readonly #verified: VerifiedChains
  readonly #entries = new Map<PeerId, Entry>()
  readonly #issuers = new Map<PeerId, Certificate>()
  /** Exactly the chains in the slots of all entries. */
  readonly #byHash = new Map<string, CertificateChain>()

  constructor(context: MembershipContext, revocations: Revocations) {
    this.#context = context
    this.#revocations = revocations
    this.#verified = createVerifiedChains(context)
  }

  load(): void {
    const { store, meshId } = this.#context
    for (const row of store.certificates.all()) {
      const chain = decodeChain(row.chain)
      if (chain?.leaf.meshId !== meshId || chain.leaf.peerId !== row.peer) continue
      if (this.#verified.judge(chain) === 'valid') this.#hold(chain)
    }
    for (const [peer, entry] of this.#entries) entry.told = this.standing(peer)
  }

  read(bytes: Uint8Array): CertificateChain | undefined {
    return this.#byHash.get(sha256Hex(bytes)) ?? decodeChain(bytes)
  }

  judge(chain: CertificateChain): ChainJudgement {
    const verdict = this.#validity(chain)
    if (verdict !== 'valid') return verdict
    const signatures = this.#verified.judge(chain)
    if (signatures !== 'valid') return signatures
    const known = this.slot(chain.leaf.peerId, rankOf(chain))
    const isOlder = known !== undefined && chain.leaf.generation < known.leaf.generation
    return isOlder && this.#validity(known) === 'valid' ? 'older-generation' : 'valid'
  }

  accept(chain: CertificateChain): Acceptance {
    if (this.#isWorse(chain)) return KNOWN
    const verdict = this.judge(chain)
    switch (verdict) {
      case 'valid':
        return this.#acceptValid(chain)
      case 'expired':
      case 'revoked':
        return this.#acceptPastIssuer(chain, verdict)
      case 'wrong-mesh':
      case 'forged':
      case 'overreach':
        return bad(`certificate: ${verdict}`)
      case 'not-yet-valid':
      case 'older-generation':
        return later(`certificate: ${verdict}`)
    }
  }

  standing(peer: PeerId): Standing {
    const verdicts = this.#held(peer).map((chain) => this.#validity(chain))
    if (verdicts.length === 0) return 'unknown'
    if (verdicts.includes('valid')) return 'member'
    return verdicts.includes('revoked') ? 'revoked' : 'expired'
  }

  chainOf(peer: PeerId): CertificateChain | undefined {
    return highest(this.#valid(peer))
  }

  longestOf(peer: PeerId): CertificateChain | undefined {
    return this.#valid(peer).sort((left, right) => right.leaf.expiresAt - left.leaf.expiresAt)[0]
  }

  certificateOf(peer: PeerId): Certificate | undefined {
    return (this.chainOf(peer) ?? highest(this.#held(peer)))?.leaf
  }

  shared(): readonly CertificateChain[] {
    const isShared = (chain: CertificateChain): boolean =>
      this.#validity(chain) === 'valid' || this.#issuers.get(chain.leaf.peerId)?.hash === chain.leaf.hash
    return this.peers().flatMap((peer) => this.#held(peer).filter(isShared))
  }

  slot(peer: PeerId, rank: number): CertificateChain | undefined {
    return this.#entries.get(peer)?.slots.get(rank)
  }

  issuerCertificate(peer: PeerId): Certificate | undefined {
    return this.#issuers.get(peer)
  }

  highestGeneration(peer: PeerId): number {
    return Math.max(0, ...this.#held(peer).map((chain) => chain.leaf.generation))
  }

  peers(): readonly PeerId[] {
    return [...this.#entries.keys()]
  }

  sweep(): number {
    const nowMs = validityNow(this.#context)
    let nextMs = Number.POSITIVE_INFINITY
    for (const [peer, entry] of this.#entries) {
      this.#tell(peer, entry)
      for (const { leaf } of entry.slots.values()) {
        if (leaf.expiresAt > nowMs) nextMs = Math.min(nextMs, leaf.expiresAt)
      }
      if (this.#isForgettable(peer, nowMs)) {
        for (const { hash } of entry.slots.values()) this.#byHash.delete(hash)
        this.#entries.delete(peer)
        this.#context.store.certificates.remove(peer)
      }
    }
    return nextMs
  }

  #tell(peer: PeerId, entry: Entry): void {
    const before = entry.told
    const now = this.standing(peer)
    entry.told = now
    if (before !== 'member' || (now !== 'expired' && now !== 'revoked')) return
    this.#context.counters.count(`expelled.${now}`)
    this.#context.events.emit('expelled', { peer, reason: now })
    this.#context.events.emit('memberChanged', { peer })
  }

  #validity(chain: CertificateChain): ReturnType<typeof judgeValidity> {
    return judgeValidity(chain, {
      meshId: this.#context.meshId,
      nowMs: validityNow(this.#context),
      isRevoked: (certificate) => this.#revocations.view().isRevoked(certificate),
    })
  }

  #held(peer: PeerId): CertificateChain[] {
    return [...(this.#entries.get(peer)?.slots.values() ?? [])]
  }

  #valid(peer: PeerId): CertificateChain[] {
    return this.#held(peer).filter((chain) => this.#validity(chain) === 'valid')
  }

  /** True when what is held for the same peer and rank of issuer counts at least as much. */
  #isWorse(chain: CertificateChain): boolean {
    const known = this.slot(chain.leaf.peerId, rankOf(chain))
    if (known === undefined) return false
    if (known.hash === chain.hash) return true
    return this.#validity(known) === 'valid' && compareChains(chain, known) <= 0
  }

  #isFullFor(peer: PeerId): boolean {
    return !this.#entries.has(peer) && this.#entries.size >= MAX_PEERS
  }

  #acceptValid(chain: CertificateChain): Acceptance {
    const { peerId: peer, issuedAt } = chain.leaf
    if (this.#isFullFor(peer)) return later('the mesh is full')
    const acceptance = this.#keep(chain)
    this.#hold(chain).told = 'member'
    this.#context.floor.observe(issuedAt, chain.issuer === undefined ? 'authority' : 'member')
    this.#context.events.emit('memberChanged', { peer })
    return acceptance
  }

  /** The log of an issuer outlives its membership: without it nobody who comes later could verify the log. */
  #acceptPastIssuer(chain: CertificateChain, why: 'expired' | 'revoked'): Acceptance {
    const { leaf } = chain
    const isNews = leaf.issuing && leaf.issuer === 'authority' && leaf.meshId === this.#context.meshId
    if (!isNews || this.#entries.has(leaf.peerId) || this.#isFullFor(leaf.peerId)) {
      return later(`certificate: ${why}`)
    }
    return this.#verified.judge(chain) === 'valid' ? this.#keep(chain) : bad('certificate: forged')
  }

  #keep(chain: CertificateChain): Acceptance {
    const { peerId: peer, generation, expiresAt } = chain.leaf
    const rank = rankOf(chain)
    this.#hold(chain)
    this.#context.store.certificates.put({ peer, rank, generation, expiresAt, chain: chain.bytes })
    return { kind: 'kept', news: { kind: 'certificate', peer, rank } }
  }

  #hold(chain: CertificateChain): Entry {
    const { peerId } = chain.leaf
    const entry = this.#entries.get(peerId) ?? { slots: new Map(), told: 'unknown' as const }
    this.#entries.set(peerId, entry)
    const rank = rankOf(chain)
    const replaced = entry.slots.get(rank)
    if (replaced !== undefined) this.#byHash.delete(replaced.hash)
    entry.slots.set(rank, chain)
    this.#byHash.set(chain.hash, chain)
    this.#learnIssuer(chain.leaf)
    this.#learnIssuer(chain.issuer)
    return entry
  }

  #learnIssuer(certificate: Certificate | undefined): void {
    if (certificate === undefined || !certificate.issuing || certificate.issuer !== 'authority') return
    const known = this.#issuers.get(certificate.peerId)
    if (known !== undefined && known.generation >= certificate.generation) return
    this.#issuers.set(certificate.peerId, certificate)
    this.#revocations.invalidate()
  }

  #isForgettable(peer: PeerId, nowMs: number): boolean {
    return (
      peer !== this.#context.identity.peerId &&
      !this.#issuers.has(peer) &&
      this.#held(peer).every((chain) => chain.leaf.expiresAt + KEEP_EXPIRED_MS < nowMs)
    )
  }
}

const highest = (chains: CertificateChain[]): CertificateChain | undefined =>
  chains.sort((left, right) => compareChains(right, left))[0]

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
