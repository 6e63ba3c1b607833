import type { PeerId } from '../domain/ids.ts'
import { ROLES, type Role, roleBelow } from '../domain/role.ts'
import type { Certificate, CertificateIssuer } from './certificate.ts'
import { NO_ENTRY, type RevocationEntry, type RevocationHead } from './revocation.ts'

/**
 * All entries seen of one issuer: a set closed under `prev`, keyed by hash. An honest log is one chain. Two entries with one
 * number are a fork, which convicts the issuer; both count, because forgetting a revocation is the worse mistake, and
 * because only so is merging a union that ends the same in whatever order the news came.
 */
export interface RevocationLog {
  readonly issuer: CertificateIssuer
  readonly entries: ReadonlyMap<string, RevocationEntry>
  /** Numbers that more than one entry claims. */
  readonly forkedAt: ReadonlySet<number>
  /** The highest number; 0 for an empty log. */
  readonly seq: number
  /** Of all its entries. */
  readonly sizeBytes: number
}

/** A log never grows beyond these: an issuer gone mad fills its own log and nothing else. */
const MAX_LOG_ENTRIES = 4_096
const MAX_LOG_BYTES = 24 * 1024 * 1024

export const emptyLog = (issuer: CertificateIssuer): RevocationLog => ({
  issuer,
  entries: new Map(),
  forkedAt: new Set(),
  seq: 0,
  sizeBytes: 0,
})

export type AppendOutcome =
  | 'accepted'
  /** Known already: a replay. */
  | 'stale'
  /** An entry before it is missing: ask for those after `log.seq`. */
  | 'gap'
  /** Kept, and its issuer has signed another entry with the same number. */
  | 'fork'
  /** It links to an entry with another number, or belongs to another issuer's log. */
  | 'forged'
  | 'full'

/** Adds an entry that `verifyRevocation` called valid. Pure: returns the log to keep, the same one when nothing changed. */
export function appendRevocation(
  log: RevocationLog,
  entry: RevocationEntry,
): { readonly outcome: AppendOutcome; readonly log: RevocationLog } {
  const outcome = judgeAppend(log, entry)
  if (outcome !== 'accepted' && outcome !== 'fork') return { outcome, log }
  const draft = draftOf(log)
  put(draft, entry, outcome)
  return { outcome, log: draft }
}

interface DraftLog extends RevocationLog {
  readonly entries: Map<string, RevocationEntry>
  readonly forkedAt: Set<number>
  seq: number
  sizeBytes: number
}

const draftOf = (log: RevocationLog): DraftLog => ({
  issuer: log.issuer,
  entries: new Map(log.entries),
  forkedAt: new Set(log.forkedAt),
  seq: log.seq,
  sizeBytes: log.sizeBytes,
})

function put(draft: DraftLog, entry: RevocationEntry, outcome: 'accepted' | 'fork'): void {
  draft.entries.set(entry.hash, entry)
  if (outcome === 'fork') draft.forkedAt.add(entry.seq)
  draft.seq = Math.max(draft.seq, entry.seq)
  draft.sizeBytes += entry.bytes.length
}

function judgeAppend(log: RevocationLog, entry: RevocationEntry): AppendOutcome {
  if (entry.issuer !== log.issuer) return 'forged'
  if (log.entries.has(entry.hash)) return 'stale'
  const before = entry.prev === NO_ENTRY ? 0 : log.entries.get(entry.prev)?.seq
  if (before === undefined) return 'gap'
  if (before + 1 !== entry.seq) return 'forged'
  if (log.entries.size >= MAX_LOG_ENTRIES || log.sizeBytes + entry.bytes.length > MAX_LOG_BYTES) return 'full'
  return entry.seq <= log.seq ? 'fork' : 'accepted'
}

const bySeq = (entries: Iterable<RevocationEntry>): readonly RevocationEntry[] =>
  [...entries].sort(
    (left, right) => left.seq - right.seq || (left.hash < right.hash ? -1 : left.hash > right.hash ? 1 : 0),
  )

/** Entries in an order in which each follows its predecessor: by number, then by hash. What a peer is sent. */
export const orderedEntries = (log: RevocationLog): readonly RevocationEntry[] => bySeq(log.entries.values())

/** A log from entries in any order, as a store holds them; what does not connect is left out. */
export function buildLog(issuer: CertificateIssuer, entries: Iterable<RevocationEntry>): RevocationLog {
  return extend(draftOf(emptyLog(issuer)), entries)
}

function extend(draft: DraftLog, entries: Iterable<RevocationEntry>): RevocationLog {
  for (const entry of bySeq(entries)) {
    const outcome = judgeAppend(draft, entry)
    if (outcome === 'accepted' || outcome === 'fork') put(draft, entry, outcome)
  }
  return draft
}

/** The union of two logs of one issuer. Commutative, associative, idempotent, as long as it fits the bounds of one log. */
export const mergeLogs = (left: RevocationLog, right: RevocationLog): RevocationLog =>
  extend(draftOf(left), right.entries.values())

/** The entry that the issuer's next one follows: the end of its log, on the lower hash where it forked. */
export const lastEntry = (log: RevocationLog): RevocationEntry | undefined =>
  orderedEntries(log).find((entry) => entry.seq === log.seq)

/** True when the head tells of entries that the log lacks: news is being kept from us, or on its way. */
export const lacksEntries = (log: RevocationLog, head: RevocationHead): boolean =>
  head.entryHash !== NO_ENTRY && !log.entries.has(head.entryHash)

/** What the logs together say. Made anew when a log changes; asking costs a few map look-ups. */
export interface RevocationView {
  /** Of this certificate: its node is revoked, or its issuer is and did not get to keep it. */
  isRevoked(certificate: Pick<Certificate, 'peerId' | 'role' | 'issuer' | 'serial'>): boolean
  /** The entry that revokes it, for the log and for people. */
  revocationOf(
    certificate: Pick<Certificate, 'peerId' | 'role' | 'issuer' | 'serial'>,
  ): RevocationEntry | undefined
}

/** The hashes of an entry and of all before it on its branch. */
export function ancestry(log: RevocationLog, hash: string): ReadonlySet<string> {
  const hashes = new Set<string>()
  for (let entry = log.entries.get(hash); entry !== undefined; entry = log.entries.get(entry.prev)) {
    hashes.add(entry.hash)
  }
  return hashes
}

/**
 * Applies all logs. An issuing node revokes only roles below its own; the authority revokes anyone. That is decided here, by
 * the role in the certificate that is judged, and not when an entry arrives: so the outcome does not depend on what was
 * known when. `issuerRole` is the role in the newest issuing certificate seen for a node.
 */
export function viewRevocations(
  logs: Iterable<RevocationLog>,
  issuerRole: (issuer: PeerId) => Role | undefined,
): RevocationView {
  const rank = (issuer: CertificateIssuer): number => {
    if (issuer === 'authority') return -1
    const role = issuerRole(issuer)
    return role === undefined ? ROLES.length : ROLES.indexOf(role)
  }
  const bySubject = new Map<PeerId, RevocationEntry[]>()
  const applying = (subject: PeerId, role: Role): readonly RevocationEntry[] =>
    (bySubject.get(subject) ?? []).filter((entry) => {
      if (entry.issuer === 'authority') return true
      const by = issuerRole(entry.issuer)
      return by !== undefined && roleBelow(role, by)
    })
  // Highest first: whether an issuer's own entries count depends only on those above it, so no two can void each other.
  for (const log of [...logs].sort((left, right) => rank(left.issuer) - rank(right.issuer))) {
    const own = log.issuer === 'authority' ? undefined : issuerRole(log.issuer)
    const against = log.issuer === 'authority' || own === undefined ? [] : applying(log.issuer, own)
    const limits = against
      .filter((entry) => entry.honour !== 'all')
      .map((entry) => ancestry(log, entry.honour))
    for (const entry of orderedEntries(log)) {
      if (!limits.every((honoured) => honoured.has(entry.hash))) continue
      const entries = bySubject.get(entry.subject)
      if (entries === undefined) bySubject.set(entry.subject, [entry])
      else entries.push(entry)
    }
  }
  const revocationOf: RevocationView['revocationOf'] = ({ peerId, role, issuer, serial }) => {
    const own = applying(peerId, role)[0]
    if (own !== undefined || issuer === 'authority') return own
    const issuing = issuerRole(issuer)
    if (issuing === undefined) return undefined
    return applying(issuer, issuing).find((entry) => !entry.keep.includes(serial))
  }
  return { revocationOf, isRevoked: (certificate) => revocationOf(certificate) !== undefined }
}
