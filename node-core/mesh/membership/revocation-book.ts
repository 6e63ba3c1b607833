import type { PeerId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'
import type { Certificate, CertificateIssuer } from '../../security/certificate.ts'
import {
  decodeHead,
  decodeRevocation,
  judgeHead,
  type RevocationEntry,
  type RevocationHead,
  type RevocationSigner,
  type RevocationTrust,
  signHead,
  signRevocation,
  verifyHead,
  verifyRevocation,
} from '../../security/revocation.ts'
import {
  appendRevocation,
  emptyLog,
  lacksEntries,
  lastEntry,
  orderedEntries,
  type RevocationLog,
  type RevocationView,
  viewRevocations,
} from '../../security/revocation-log.ts'
import { type Acceptance, bad, KNOWN, later, type MembershipContext } from './context.ts'

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
  /** Signs where the own log ends now, unless a higher head of it has been seen than the entries here reach. */
  renewHead(signer: RevocationSigner, at: number): RevocationHead | undefined
  entries(): readonly RevocationEntry[]
  entry(issuer: string, hash: string): RevocationEntry | undefined
  heads(): readonly RevocationHead[]
  head(issuer: string): RevocationHead | undefined
}

export function createRevocationBook(context: MembershipContext, issuers: IssuerLookup): RevocationBook {
  const logs = new Map<string, RevocationLog>()
  const heads = new Map<string, RevocationHead>()
  let view: RevocationView | undefined

  const logOf = (issuer: CertificateIssuer): RevocationLog => logs.get(issuer) ?? emptyLog(issuer)
  const trust = (): RevocationTrust => ({
    meshId: context.meshId,
    authority: context.authority,
    issuerCertificate: issuers.issuerCertificate,
    nowMs: context.clock.now(),
  })
  const signerKind = (issuer: CertificateIssuer) => (issuer === 'authority' ? 'authority' : 'member')

  const append = (entry: RevocationEntry): 'kept' | 'known' | 'gap' | 'forged' => {
    const { outcome, log } = appendRevocation(logOf(entry.issuer), entry)
    switch (outcome) {
      case 'accepted':
      case 'fork':
        if (outcome === 'fork') convict(context, entry.issuer, entry.seq)
        logs.set(entry.issuer, log)
        view = undefined
        return 'kept'
      case 'stale':
      case 'full':
        return 'known'
      case 'gap':
      case 'forged':
        return outcome
    }
  }

  const persist = (entry: RevocationEntry): Acceptance => {
    const { issuer, seq, hash, subject, bytes } = entry
    context.store.revocations.append({ issuer, seq, hash, subject, entry: bytes })
    context.floor.observe(entry.at, signerKind(issuer))
    return { kind: 'kept', news: { kind: 'revocation', issuer, hash } }
  }

  const accept = (entry: RevocationEntry): Acceptance => {
    if (logOf(entry.issuer).entries.has(entry.hash)) return KNOWN
    const verdict = verifyRevocation(entry, trust())
    if (verdict === 'wrong-mesh' || verdict === 'forged') return bad(`revocation: ${verdict}`)
    if (verdict !== 'valid') return later(`revocation: ${verdict}`)
    switch (append(entry)) {
      case 'kept':
        return persist(entry)
      case 'known':
        return KNOWN
      case 'gap':
        return later('revocation: an entry before it is missing')
      case 'forged':
        return bad('revocation: it does not follow its log')
    }
  }

  const keepHead = (head: RevocationHead): Acceptance => {
    heads.set(head.issuer, head)
    const { issuer, seq, at, bytes } = head
    context.store.heads.put({ issuer, seq, at, head: bytes })
    context.floor.observe(at, signerKind(issuer))
    return { kind: 'kept', news: { kind: 'head', issuer } }
  }

  const acceptHead = (head: RevocationHead): Acceptance => {
    const known = heads.get(head.issuer)
    if (known !== undefined && head.seq === known.seq && head.at <= known.at) return KNOWN
    const verdict = verifyHead(head, trust())
    if (verdict === 'wrong-mesh' || verdict === 'forged') return bad(`head: ${verdict}`)
    if (verdict !== 'valid') return later(`head: ${verdict}`)
    const outcome = judgeHead(known, head)
    if (outcome === 'fork') convict(context, head.issuer, head.seq)
    return outcome === 'accepted' ? keepHead(head) : KNOWN
  }

  /** After a restore from a backup the others know more of the own log than this node does. */
  const isBehind = (issuer: CertificateIssuer): boolean => {
    const head = heads.get(issuer)
    return head !== undefined && lacksEntries(logOf(issuer), head)
  }

  return {
    load() {
      for (const row of context.store.revocations.all()) {
        const entry = decodeRevocation(row.entry)
        if (entry === undefined) continue
        const verdict = verifyRevocation(entry, { ...trust(), nowMs: Number.MAX_SAFE_INTEGER })
        if (verdict === 'valid') append(entry)
      }
      for (const row of context.store.heads.all()) {
        const head = decodeHead(row.head)
        if (head !== undefined && head.meshId === context.meshId) heads.set(head.issuer, head)
      }
    },
    view() {
      view ??= viewRevocations(logs.values(), issuers.issuerRole)
      return view
    },
    invalidate() {
      view = undefined
    },
    accept,
    acceptHead,
    revoke(signer, what) {
      if (isBehind(signer.issuer)) return undefined
      // What an issuer revoked until now stays revoked; what its keys sign from now on is void.
      const honoured = lastEntry(logOf(what.subject))
      const details = honoured === undefined ? what : { ...what, honour: honoured.hash }
      const entry = signRevocation(signer, lastEntry(logOf(signer.issuer)), details)
      append(entry)
      persist(entry)
      return entry
    },
    renewHead(signer, at) {
      if (isBehind(signer.issuer)) return undefined
      const head = signHead(signer, lastEntry(logOf(signer.issuer)), at)
      if (judgeHead(heads.get(signer.issuer), head) !== 'accepted') return undefined
      keepHead(head)
      return head
    },
    entries: () => [...logs.values()].flatMap(orderedEntries),
    entry: (issuer, hash) => logs.get(issuer)?.entries.get(hash),
    heads: () => [...heads.values()],
    head: (issuer) => heads.get(issuer),
  }
}

function convict(context: MembershipContext, issuer: string, seq: number): void {
  context.counters.count('forked-logs')
  context.logger.error('an issuer signed two revocation logs: its keys may be in two hands', { issuer, seq })
}
