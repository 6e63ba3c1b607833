import type { PeerId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'
import type { AuthorityKey } from '../../security/authority-succession.ts'
import type { Certificate, CertificateIssuer } from '../../security/certificate.ts'
import type { HybridPublicKey } from '../../security/hybrid-key.ts'
import {
  decodeHead,
  decodeRevocation,
  judgeHead,
  type RevocationEntry,
  type RevocationHead,
  type RevocationSigner,
  type RevocationTrust,
  type RevocationVerdict,
  signHead,
  signRevocation,
  verifyHead,
  verifyRevocation,
} from '../../security/revocation.ts'
import {
  type AppendOutcome,
  ancestry,
  appendRevocation,
  buildLog,
  emptyLog,
  lacksEntries,
  lastEntry,
  orderedEntries,
  type RevocationLog,
  type RevocationView,
  viewRevocations,
} from '../../security/revocation-log.ts'
import { type Acceptance, bad, KNOWN, later, type MembershipContext } from './context.ts'

/** `void`: a key signed it that had been replaced by then. */
type AuthorityVerdict = RevocationVerdict | 'unknown-authority' | 'void'

export interface IssuerLookup {
  issuerCertificate(peer: PeerId): Certificate | undefined
  issuerRole(peer: PeerId): Role | undefined
}

/** All revocation logs and the highest head seen of each. */
export interface RevocationBook {
  load(): void
  view(): RevocationView
  /** The roles of issuers may have changed: the view is made anew at its next use. */
  invalidate(): void
  accept(entry: RevocationEntry): Acceptance
  acceptHead(head: RevocationHead): Acceptance
  /** Signs and keeps an entry of the own log. `undefined` while the own log is known to be incomplete here. */
  revoke(
    signer: RevocationSigner,
    what: { subject: PeerId; reason: string; keep: readonly string[]; at: number },
  ): RevocationEntry | undefined
  /** What a replaced authority signed behind the end that its successor honours is void from now on. */
  authorityChanged(): void
  /** Signs where the own log ends now, unless a higher head of it has been seen than the entries here reach. */
  renewHead(signer: RevocationSigner, at: number): RevocationHead | undefined
  entries(): readonly RevocationEntry[]
  entry(issuer: string, hash: string): RevocationEntry | undefined
  heads(): readonly RevocationHead[]
  head(issuer: string): RevocationHead | undefined
}

export const createRevocationBook = (context: MembershipContext, issuers: IssuerLookup): RevocationBook =>
  new RevocationLogs(context, issuers)

class RevocationLogs implements RevocationBook {
  readonly #context: MembershipContext
  readonly #issuers: IssuerLookup
  readonly #logs = new Map<string, RevocationLog>()
  readonly #heads = new Map<string, RevocationHead>()
  #view: RevocationView | undefined

  constructor(context: MembershipContext, issuers: IssuerLookup) {
    this.#context = context
    this.#issuers = issuers
  }

  load(): void {
    const { store, meshId } = this.#context
    // What was judged when it came is not judged by the clock again.
    const trust = { ...this.#trust(), nowMs: Number.MAX_SAFE_INTEGER }
    for (const row of store.revocations.all()) {
      const entry = decodeRevocation(row.entry)
      if (entry !== undefined && this.#judgeEntry(entry, trust) === 'valid') this.#append(entry)
    }
    for (const row of store.heads.all()) {
      const head = decodeHead(row.head)
      if (head?.meshId === meshId) this.#heads.set(head.issuer, head)
    }
    if (this.#context.authorities.keys().length > 1) this.authorityChanged()
  }

  view(): RevocationView {
    this.#view ??= viewRevocations(this.#logs.values(), this.#issuers.issuerRole)
    return this.#view
  }

  invalidate(): void {
    this.#view = undefined
  }

  accept(entry: RevocationEntry): Acceptance {
    if (this.#logOf(entry.issuer).entries.has(entry.hash)) return KNOWN
    const verdict = this.#judgeEntry(entry, this.#trust())
    if (verdict === 'wrong-mesh' || verdict === 'forged') return bad(`revocation: ${verdict}`)
    if (verdict !== 'valid') return later(`revocation: ${verdict}`)
    switch (this.#append(entry)) {
      case 'accepted':
      case 'fork':
        return this.#persist(entry)
      case 'stale':
      case 'full':
        return KNOWN
      case 'gap':
        return later('revocation: an entry before it is missing')
      case 'forged':
        return bad('revocation: it does not follow its log')
    }
  }

  acceptHead(head: RevocationHead): Acceptance {
    const known = this.#heads.get(head.issuer)
    if (known !== undefined && head.seq === known.seq && head.at <= known.at) return KNOWN
    const verdict = this.#judgeHead(head, this.#trust())
    if (verdict === 'wrong-mesh' || verdict === 'forged') return bad(`head: ${verdict}`)
    if (verdict !== 'valid') return later(`head: ${verdict}`)
    const outcome = judgeHead(known, head)
    if (outcome === 'fork') this.#convict(head.issuer, head.seq)
    return outcome === 'accepted' ? this.#keepHead(head) : KNOWN
  }

  revoke(
    signer: RevocationSigner,
    what: { subject: PeerId; reason: string; keep: readonly string[]; at: number },
  ): RevocationEntry | undefined {
    if (this.#isBehind(signer.issuer)) return undefined
    // What an issuer revoked until now stays revoked; what its keys sign from now on is void.
    const honoured = lastEntry(this.#logOf(what.subject))
    const details = honoured === undefined ? what : { ...what, honour: honoured.hash }
    const entry = signRevocation(signer, lastEntry(this.#logOf(signer.issuer)), details)
    this.#append(entry)
    this.#persist(entry)
    return entry
  }

  renewHead(signer: RevocationSigner, at: number): RevocationHead | undefined {
    if (this.#isBehind(signer.issuer)) return undefined
    const head = signHead(signer, lastEntry(this.#logOf(signer.issuer)), at)
    if (judgeHead(this.#heads.get(signer.issuer), head) !== 'accepted') return undefined
    this.#keepHead(head)
    return head
  }

  entries(): readonly RevocationEntry[] {
    return [...this.#logs.values()].flatMap(orderedEntries)
  }

  entry(issuer: string, hash: string): RevocationEntry | undefined {
    return this.#logs.get(issuer)?.entries.get(hash)
  }

  heads(): readonly RevocationHead[] {
    return [...this.#heads.values()]
  }

  head(issuer: string): RevocationHead | undefined {
    return this.#heads.get(issuer)
  }

  #logOf(issuer: CertificateIssuer): RevocationLog {
    return this.#logs.get(issuer) ?? emptyLog(issuer)
  }

  #trust(): RevocationTrust {
    const { meshId, authorities, clock } = this.#context
    const { issuerCertificate } = this.#issuers
    const authority = authorities.current().publicKey
    return { meshId, authority, issuerCertificate, nowMs: clock.now() }
  }

  #judgeEntry(entry: RevocationEntry, trust: RevocationTrust): AuthorityVerdict {
    return this.#judgeBy(
      entry.issuer,
      (authority) => verifyRevocation(entry, { ...trust, authority }),
      (key) => this.#isHonoured(entry, key),
    )
  }

  #judgeHead(head: RevocationHead, trust: RevocationTrust): AuthorityVerdict {
    return this.#judgeBy(
      head.issuer,
      (authority) => verifyHead(head, { ...trust, authority }),
      ({ replacedBy }) => replacedBy?.log.seq === head.seq && replacedBy.log.hash === head.entryHash,
    )
  }

  /** Under the authority's key of now, or under one that it replaced, for as far as that is honoured. */
  #judgeBy(
    issuer: CertificateIssuer,
    verify: (authority: HybridPublicKey) => RevocationVerdict,
    isHonoured: (key: AuthorityKey) => boolean,
  ): AuthorityVerdict {
    const { authorities } = this.#context
    return issuer === 'authority'
      ? authorities.judgeSigned(verify, isHonoured)
      : verify(authorities.current().publicKey)
  }

  /**
   * Before the entry has come that the successor names as the last one, any with a lower number counts: forgetting a
   * revocation for a moment is the worse mistake.
   */
  #isHonoured(entry: RevocationEntry, { replacedBy }: AuthorityKey): boolean {
    if (replacedBy === undefined) return true
    const { seq, hash } = replacedBy.log
    const log = this.#logOf('authority')
    return log.entries.has(hash) ? ancestry(log, hash).has(entry.hash) : entry.seq <= seq
  }

  authorityChanged(): void {
    const trust = { ...this.#trust(), nowMs: Number.MAX_SAFE_INTEGER }
    const log = this.#logOf('authority')
    const kept = [...log.entries.values()].filter((entry) => this.#judgeEntry(entry, trust) === 'valid')
    if (kept.length < log.entries.size) {
      this.#context.counters.count('revocations-voided')
      this.#logs.set('authority', buildLog('authority', kept))
      this.#view = undefined
    }
    const head = this.#heads.get('authority')
    if (head !== undefined && this.#judgeHead(head, trust) !== 'valid') this.#heads.delete('authority')
  }

  #append(entry: RevocationEntry): AppendOutcome {
    const { outcome, log } = appendRevocation(this.#logOf(entry.issuer), entry)
    if (outcome === 'fork') this.#convict(entry.issuer, entry.seq)
    if (outcome === 'accepted' || outcome === 'fork') {
      this.#logs.set(entry.issuer, log)
      this.#view = undefined
      // It may be the last one that is honoured: which of those before it count is known now.
      if (this.#context.authorities.keys().some(({ replacedBy }) => replacedBy?.log.hash === entry.hash)) {
        this.authorityChanged()
      }
    }
    return outcome
  }

  #persist(entry: RevocationEntry): Acceptance {
    const { issuer, seq, hash, subject, bytes, at } = entry
    this.#context.store.revocations.append({ issuer, seq, hash, subject, entry: bytes })
    this.#context.floor.observe(at, signerKind(issuer))
    return { kind: 'kept', news: { kind: 'revocation', issuer, hash } }
  }

  #keepHead(head: RevocationHead): Acceptance {
    const { issuer, seq, at, bytes } = head
    this.#heads.set(issuer, head)
    this.#context.store.heads.put({ issuer, seq, at, head: bytes })
    this.#context.floor.observe(at, signerKind(issuer))
    return { kind: 'kept', news: { kind: 'head', issuer } }
  }

  /** After a restore from a backup the others know more of the own log than this node does. */
  #isBehind(issuer: CertificateIssuer): boolean {
    const head = this.#heads.get(issuer)
    return head !== undefined && lacksEntries(this.#logOf(issuer), head)
  }

  #convict(issuer: string, seq: number): void {
    this.#context.counters.count('forked-logs')
    this.#context.logger.error('an issuer signed two revocation logs: its keys may be in two hands', {
      issuer,
      seq,
    })
  }
}

const signerKind = (issuer: CertificateIssuer): 'authority' | 'member' =>
  issuer === 'authority' ? 'authority' : 'member'
