import { z } from 'zod'
import type { AuditFinding, AuditFindingKind } from '../domain/audit.ts'
import {
  AUDIT_CONTINUED,
  AUDIT_CUT,
  type AuditEntry,
  type AuditHead,
  type AuditSigner,
  decodeAuditEntry,
  decodeAuditHead,
  isAuditHeadOf,
  NO_AUDIT_ENTRY,
} from './audit-entry.ts'
import { sha256Text } from './codec.ts'

/** An entry as it lies in a store: under a number that somebody may have changed. */
export interface AuditRow {
  readonly seq: number
  readonly bytes: Uint8Array
}

/** A head that another member holds. */
export interface HeldAuditHead {
  readonly bytes: Uint8Array
  /** The name of the holder, for the text of a finding. */
  readonly holder: string
  /** By the holder's clock: the node's own is in the hand of whoever holds its key. */
  readonly heldAt: number
}

export interface AuditEvidence {
  readonly signer: AuditSigner
  /** The newest that the node has signed, as it lies beside the rows. */
  readonly head: Uint8Array | undefined
  readonly held: readonly HeldAuditHead[]
  readonly retention: AuditRetention
  /** The rows begin in the middle: what is before them is not judged. */
  readonly isTail?: boolean
}

/** What may be forgotten: what is older, and what is more. */
export interface AuditRetention {
  readonly maxAgeMs: number
  readonly maxEntries: number
}

export const AUDIT_RETENTION: AuditRetention = { maxAgeMs: 400 * 86_400_000, maxEntries: 100_000 }

export interface AuditVerdict {
  readonly findings: readonly AuditFinding[]
  readonly entries: number
  /** 0 when there are none. */
  readonly first: number
  readonly last: number
  /** Heads of others that are good signatures of this node. */
  readonly vouched: number
}

interface Seen {
  readonly hash: string
  readonly chain: string
}

interface Walk {
  readonly findings: AuditFinding[]
  /** Of the numbers that others hold heads of, and of the own head. */
  readonly seen: Map<number, Seen>
  entries: number
  first: AuditEntry | undefined
  last: AuditEntry | undefined
  cut: AuditEntry | undefined
  /** The number of the row before, and its entry where that could be read. */
  before: { readonly seq: number; readonly entry: AuditEntry | undefined } | undefined
  readonly wanted: ReadonlySet<number | undefined>
  /** Where a chain begins that goes on after a restore. */
  readonly continuedAt: number[]
}

const cutSchema = z.object({ through: z.int().min(1), hash: sha256Text })

/** What a cut says of itself: the last entry that was forgotten. */
function readAuditCut(entry: AuditEntry): z.infer<typeof cutSchema> | undefined {
  if (entry.operation !== AUDIT_CUT || entry.after === null) return undefined
  try {
    return cutSchema.safeParse(JSON.parse(entry.after)).data
  } catch {
    return undefined
  }
}

/**
 * Judges the log of one node against its own signature and against what others hold. Pure. Finds and names entries that
 * were changed, removed, reordered or cut off; with the node's own key in the wrong hands too, from the first entry on
 * that any of the heads of others covers.
 */
export function verifyAudit({ rows, ...evidence }: AuditEvidence & { readonly rows: Iterable<AuditRow> }) {
  const check = createAuditCheck(evidence)
  for (const row of rows) check.take(row)
  return check.verdict()
}

/** The same in pieces, for a long log that is not to be judged at one go. */
export interface AuditCheck {
  /** The rows by number, each once. */
  take(row: AuditRow): void
  verdict(): AuditVerdict
}

export function createAuditCheck(evidence: AuditEvidence): AuditCheck {
  const { signer } = evidence
  const own = evidence.head === undefined ? undefined : decodeAuditHead(evidence.head)
  const held = evidence.held.flatMap((one) => {
    const head = decodeAuditHead(one.bytes)
    return head !== undefined && isAuditHeadOf(head, signer) ? [{ ...one, head }] : []
  })
  const walk: Walk = {
    ...{ findings: [], seen: new Map(), entries: 0, continuedAt: [] },
    ...{ first: undefined, last: undefined, cut: undefined, before: undefined },
    wanted: new Set([own?.seq, ...held.map(({ head }) => head.seq)]),
  }
  return {
    take: (row) => takeRow(walk, signer, row),
    verdict() {
      if (walk.before !== undefined && walk.before.entry === undefined) {
        // A broken end is named already; what the head says of it would name it twice.
        walk.seen.set(walk.before.seq, { hash: '', chain: '' })
      }
      judgeStart(walk, evidence)
      judgeOwnHead(walk, evidence, own)
      judgeHeld(walk, evidence, held)
      return {
        findings: walk.findings,
        entries: walk.entries,
        first: walk.first?.seq ?? 0,
        last: walk.last?.seq ?? 0,
        vouched: held.length,
      }
    },
  }
}

const MAX_FINDINGS = 200

function find(walk: Walk, kind: AuditFindingKind, from: number, to: number, why: string): void {
  if (walk.findings.length >= MAX_FINDINGS) return
  const what = from === to ? `Entry ${from}` : `Entries ${from} to ${to}`
  walk.findings.push({ kind, from, to, text: `${what}: ${why}` })
}

function takeRow(walk: Walk, signer: AuditSigner, row: AuditRow): void {
  const { before } = walk
  walk.entries += 1
  walk.before = { seq: row.seq, entry: undefined }
  if (before !== undefined && row.seq > before.seq + 1) {
    find(walk, 'removed', before.seq + 1, row.seq - 1, 'is not there any more')
  }
  const entry = decodeAuditEntry(row.bytes)
  if (entry?.node !== signer.node || entry.meshId !== signer.meshId) {
    find(walk, 'changed', row.seq, row.seq, 'is no entry of this node')
    return
  }
  if (entry.seq !== row.seq) {
    find(walk, 'reordered', row.seq, row.seq, `in its place stands entry ${entry.seq}`)
    return
  }
  if (before?.entry !== undefined && before.seq === row.seq - 1) judgeLink(walk, before.entry, entry)
  if (walk.wanted.has(row.seq)) walk.seen.set(row.seq, entry)
  if (entry.operation === AUDIT_CONTINUED) walk.continuedAt.push(entry.seq)
  if (entry.operation === AUDIT_CUT) walk.cut = entry
  walk.first ??= entry
  walk.last = entry
  walk.before = { seq: row.seq, entry }
}

function judgeLink(walk: Walk, before: AuditEntry, entry: AuditEntry): void {
  if (entry.prev !== before.hash) {
    find(walk, 'changed', before.seq, before.seq, `is not the one that entry ${entry.seq} was written after`)
    return
  }
  if (entry.chain !== before.chain && entry.operation !== AUDIT_CONTINUED) {
    find(walk, 'changed', entry.seq, entry.seq, 'begins another chain, and nothing says why')
  }
}

function judgeStart(walk: Walk, { isTail }: AuditEvidence): void {
  const { first, cut } = walk
  if (first === undefined || isTail === true) return
  if (first.seq === 1) {
    if (first.prev !== NO_AUDIT_ENTRY) find(walk, 'changed', 1, 1, 'is not the first of its log')
    return
  }
  const said = cut === undefined ? undefined : readAuditCut(cut)
  if (said?.through === first.seq - 1 && said.hash === first.prev) return
  find(walk, 'removed', 1, first.seq - 1, 'is not there, and no entry says that it was forgotten')
}

function judgeOwnHead(walk: Walk, { signer }: AuditEvidence, own: AuditHead | undefined): void {
  const lastSeq = Math.max(walk.last?.seq ?? 0, ...walk.seen.keys(), 0)
  if (own === undefined || !isAuditHeadOf(own, signer)) {
    if (walk.entries > 0) {
      find(
        walk,
        'head',
        lastSeq,
        lastSeq,
        'the signature over the end of the log is missing or not of this node',
      )
    }
    return
  }
  if (own.seq > lastSeq) {
    find(walk, 'truncated', lastSeq + 1, own.seq, 'was signed by this node and is not there any more')
    return
  }
  const last = walk.last?.seq ?? 0
  if (own.seq < last) find(walk, 'unsigned', own.seq + 1, last, 'is covered by no signature')
  const there = walk.seen.get(own.seq)
  if (there !== undefined && there.hash !== '' && there.hash !== own.hash) {
    // Where entries before it were written anew to fit, only the heads of others tell from which one on.
    find(walk, 'changed', own.seq, own.seq, 'is not the one that this node has signed')
  }
}

/** What only the heads of others tell. */
type HeldFinding = 'truncated' | 'restored' | 'cut-early' | 'rewritten'
type Held = HeldAuditHead & { readonly head: AuditHead }

function judgeHeld(walk: Walk, { retention, isTail }: AuditEvidence, held: readonly Held[]): void {
  const lastSeq = walk.last?.seq ?? 0
  const first = walk.first?.seq ?? lastSeq + 1
  const bySeq = [...held].sort((left, right) => left.head.seq - right.head.seq)
  let agreed = first - 1
  const wrong = new Map<HeldFinding, Held[]>()
  const note = (kind: HeldFinding, one: Held): void => {
    wrong.set(kind, [...(wrong.get(kind) ?? []), one])
  }
  for (const one of bySeq) {
    const { seq, hash, chain } = one.head
    const there = walk.seen.get(seq)
    const chainThere = there === undefined ? walk.last?.chain : there.chain
    const isLost = chainThere !== chain && walk.continuedAt.some((at) => at <= seq)
    if (seq > lastSeq && there === undefined) note(isLost ? 'restored' : 'truncated', one)
    else if (seq < first) {
      if (isTail !== true && !mayBeForgotten(walk, retention, one)) note('cut-early', one)
    } else if (there === undefined || there.hash === '') {
      // Not there or not readable: named already.
    } else if (there.hash === hash) agreed = Math.max(agreed, wrong.size === 0 ? seq : agreed)
    else note(isLost ? 'restored' : 'rewritten', one)
  }
  for (const [kind, ones] of wrong) {
    const seqs = ones.map(({ head }) => head.seq)
    const to = Math.max(...seqs)
    const starts: Readonly<Record<HeldFinding, number>> = {
      ...{ truncated: lastSeq + 1, rewritten: agreed + 1, 'cut-early': to },
      restored: Math.min(...walk.continuedAt),
    }
    const from = Math.min(...seqs, starts[kind])
    const names = [...new Set(ones.map(({ holder }) => holder))].slice(0, 5).join(', ')
    find(walk, kind, from, to, HELD_TEXTS[kind](names))
  }
}

const HELD_TEXTS: Readonly<Record<HeldFinding, (holders: string) => string>> = {
  truncated: (holders) => `is not there any more; ${holders} hold what this node signed over it`,
  restored: (holders) =>
    `was lost when the home was restored from a backup; ${holders} hold what this node had signed over it`,
  'cut-early': (holders) =>
    `was forgotten before its time; ${holders} hold what this node had signed over it`,
  rewritten: (holders) => `is not what this node had signed before; ${holders} hold the signature over it`,
}

/** Old enough when it was forgotten, or crowded out by as many entries as are kept. */
function mayBeForgotten({ cut }: Walk, retention: AuditRetention, { head, heldAt }: Held): boolean {
  const said = cut === undefined ? undefined : readAuditCut(cut)
  if (cut === undefined || said === undefined || head.seq > said.through) return false
  return heldAt <= cut.at - retention.maxAgeMs + DAY_MS || cut.seq - said.through >= retention.maxEntries
}

/** Clocks differ, and a head reaches another node a moment after its entry was written. */
const DAY_MS = 86_400_000
