import type { PeerId } from '../../domain/ids.ts'
import { ROLES } from '../../domain/role.ts'
import type { Certificate } from '../../security/certificate.ts'
import {
  type CertificateChain,
  type ChainVerdict,
  compareChains,
  decodeChain,
  judgeValidity,
} from '../../security/chain.ts'
import { sha256Hex } from '../../security/codec.ts'
import type { RevocationView } from '../../security/revocation-log.ts'
import { type Acceptance, bad, KNOWN, later, type MembershipContext, validityNow } from './context.ts'
import type { Standing } from './events.ts'
import { createVerifiedChains, type VerifiedChains } from './verified-chains.ts'

/** A mesh has at most this many nodes, so that an issuer gone mad cannot fill the memory of all others. */
const MAX_PEERS = 4_096
/** An expired certificate is kept this long, to tell "expired" from "never heard of". */
const KEEP_EXPIRED_MS = 30 * 24 * 3_600_000

/** `authority-retired`: it leads to a key of the authority that was replaced, and the overlap is over. */
export type ChainJudgement = ChainVerdict | 'older-generation' | 'authority-retired'

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
  /** When a chain that is held ends: with its certificate, or with the authority's key that it leads to. ms since the epoch. */
  endsAt(chain: CertificateChain): number
  /** Fingerprint of the authority's key that a chain held leads to. */
  authorityOf(chain: CertificateChain): string | undefined
  /** What the authority itself signed for members and for issuers, by a key that has been replaced. */
  ofOldAuthority(): readonly CertificateChain[]
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
  readonly #byHash = new Map<string, { readonly chain: CertificateChain; readonly authority: string }>()

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
      const { verdict, authority } = this.#verified.judge(chain)
      if (verdict === 'valid') this.#hold(chain, authority)
    }
    for (const [peer, entry] of this.#entries) entry.told = this.standing(peer)
  }

  read(bytes: Uint8Array): CertificateChain | undefined {
    return this.#byHash.get(sha256Hex(bytes))?.chain ?? decodeChain(bytes)
  }

  judge(chain: CertificateChain): ChainJudgement {
    const verdict = this.#validity(chain)
    if (verdict !== 'valid') return verdict
    const signatures = this.#verified.judge(chain)
    if (signatures.verdict !== 'valid') return signatures.verdict
    if (this.#isRetired(signatures.authority)) return 'authority-retired'
    const known = this.slot(chain.leaf.peerId, rankOf(chain))
    const isOlder = known !== undefined && chain.leaf.generation < known.leaf.generation
    if (!isOlder || this.#validity(known) !== 'valid') return 'valid'
    // It was signed anew when the authority was replaced, while its node was away: only here can it get the next one.
    const isSame = signatures.authority !== this.authorityOf(known) && isSameGrant(chain.leaf, known.leaf)
    return isSame ? 'valid' : 'older-generation'
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
      case 'forged':
        // The key that signed it may be the authority's since a while, and not known here yet.
        return this.#verified.isOfKnownAuthority(chain)
          ? bad('certificate: forged')
          : later('certificate: signed by no key of the authority that is known here')
      case 'wrong-mesh':
      case 'overreach':
        return bad(`certificate: ${verdict}`)
      case 'authority-retired':
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
    return this.#valid(peer).sort((left, right) => this.endsAt(right) - this.endsAt(left))[0]
  }

  endsAt(chain: CertificateChain): number {
    const authority = this.#byHash.get(chain.hash)?.authority ?? this.#verified.judge(chain).authority
    return Math.min(chain.leaf.expiresAt, this.#context.authorities.endsAt(authority))
  }

  authorityOf(chain: CertificateChain): string | undefined {
    return this.#byHash.get(chain.hash)?.authority
  }

  ofOldAuthority(): readonly CertificateChain[] {
    return this.shared().filter((chain) => chain.issuer === undefined && this.#isOfOldAuthority(chain))
  }

  #isOfOldAuthority(chain: CertificateChain): boolean {
    const { authorities } = this.#context
    return this.authorityOf(chain) !== authorities.current().id
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
      for (const chain of entry.slots.values()) {
        const endsAt = this.endsAt(chain)
        if (endsAt > nowMs) nextMs = Math.min(nextMs, endsAt)
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

  /** Without the signatures: of a chain that is not held, only `judge` finds out to which authority it leads. */
  #validity(chain: CertificateChain): ReturnType<typeof judgeValidity> | 'authority-retired' {
    const verdict = judgeValidity(chain, {
      meshId: this.#context.meshId,
      nowMs: validityNow(this.#context),
      isRevoked: (certificate) => this.#revocations.view().isRevoked(certificate),
    })
    const authority = this.#byHash.get(chain.hash)?.authority
    const isRetired = verdict === 'valid' && authority !== undefined && this.#isRetired(authority)
    return isRetired ? 'authority-retired' : verdict
  }

  #isRetired(authority: string): boolean {
    return this.#context.authorities.endsAt(authority) <= validityNow(this.#context)
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
    const entry = this.#entries.get(peer)
    if (entry !== undefined) entry.told = 'member'
    this.#context.floor.observe(issuedAt, chain.issuer === undefined ? 'authority' : 'member')
    this.#context.events.emit('memberChanged', { peer })
    return acceptance
  }

  /** The log of an issuer outlives its membership: without it nobody who comes later could verify the log. */
  #acceptPastIssuer(chain: CertificateChain, why: 'expired' | 'revoked'): Acceptance {
    const { leaf } = chain
    const isNews = leaf.issuing && leaf.issuer === 'authority' && leaf.meshId === this.#context.meshId
    const held = this.slot(leaf.peerId, rankOf(chain))
    const isFirst = !this.#entries.has(leaf.peerId) && !this.#isFullFor(leaf.peerId)
    // The authority signs it anew when it is replaced, so that the log can be verified for good.
    const follows =
      held !== undefined && this.#isOfOldAuthority(held) && leaf.generation > held.leaf.generation
    if (!isNews || (!isFirst && !follows)) return later(`certificate: ${why}`)
    const { verdict, authority } = this.#verified.judge(chain)
    // A key that was replaced is not believed about the past: with it, whoever holds it could invent issuers and their logs.
    const isBelieved = verdict === 'valid' && !this.#isRetired(authority)
    if (isBelieved && (isFirst || authority === this.#context.authorities.current().id))
      return this.#keep(chain)
    return later('certificate: signed by no key of the authority that counts here')
  }

  #keep(chain: CertificateChain): Acceptance {
    const { peerId: peer, generation, expiresAt } = chain.leaf
    const rank = rankOf(chain)
    this.#hold(chain, this.#verified.judge(chain).authority)
    this.#context.store.certificates.put({ peer, rank, generation, expiresAt, chain: chain.bytes })
    return { kind: 'kept', news: { kind: 'certificate', peer, rank } }
  }

  #hold(chain: CertificateChain, authority: string): void {
    const { peerId } = chain.leaf
    const entry = this.#entries.get(peerId) ?? { slots: new Map(), told: 'unknown' as const }
    this.#entries.set(peerId, entry)
    const rank = rankOf(chain)
    const replaced = entry.slots.get(rank)
    if (replaced !== undefined) this.#byHash.delete(replaced.hash)
    entry.slots.set(rank, chain)
    this.#byHash.set(chain.hash, { chain, authority })
    this.#learnIssuer(chain.leaf)
    this.#learnIssuer(chain.issuer)
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

const isSameGrant = (left: Certificate, right: Certificate): boolean =>
  left.name === right.name &&
  left.role === right.role &&
  left.transit === right.transit &&
  left.issuing === right.issuing &&
  left.labels.join() === right.labels.join()

const highest = (chains: CertificateChain[]): CertificateChain | undefined =>
  chains.sort((left, right) => compareChains(right, left))[0]
