import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testAuditLog } from '../../tests/helpers/audit-log.ts'
import { DAY_MS, NOW_MS, securityWorld } from '../../tests/helpers/security-world.ts'
import {
  AUDIT_CONTINUED,
  AUDIT_CUT,
  type AuditEntry,
  type AuditHead,
  decodeAuditEntry,
  makeAuditEntry,
  signAuditHead,
} from './audit-entry.ts'
import { type AuditEvidence, type AuditRow, type HeldAuditHead, verifyAudit } from './audit-verify.ts'

const world = securityWorld(7)
const node = world.member()
const signer = { meshId: world.meshId, node: node.identity.peerId, key: node.identity.key.publicKey }
const RETENTION = { maxAgeMs: 30 * DAY_MS, maxEntries: 50 }
const LENGTH = 12

const rowsOf = (entries: readonly AuditEntry[]): AuditRow[] =>
  entries.map(({ seq, bytes }) => ({ seq, bytes }))
const heldBy = (heads: readonly AuditHead[], holder = 'boris'): HeldAuditHead[] =>
  heads.map(({ bytes, at }) => ({ bytes, holder, heldAt: at }))

function judge(rows: readonly AuditRow[], head: AuditHead | undefined, held: readonly HeldAuditHead[] = []) {
  const evidence: AuditEvidence = { signer, head: head?.bytes, held, retention: RETENTION }
  return verifyAudit({ ...evidence, rows })
}

/** What the owner of the key can do: everything after the entries that stay is written and signed anew. */
function rewrite(
  kept: readonly AuditEntry[],
  more: number,
): { entries: AuditEntry[]; head: AuditHead | undefined } {
  const forged = testAuditLog(node)
  forged.entries.push(...kept)
  for (let index = 0; index < more; index++) forged.add({ input: JSON.stringify({ forged: index }) })
  return { entries: forged.entries, head: forged.head }
}

const log = testAuditLog(node, LENGTH)
const last = log.head

/** A way to tamper, where it strikes, and how. All keep to what somebody could do to the file. */
type Tampering = (entries: AuditEntry[], at: number, salt: number) => AuditRow[]

/** Without the key: whatever lies in the store can be changed, but nothing can be signed. */
const WITHOUT_KEY: Readonly<Record<string, Tampering>> = {
  'a byte of an entry': (entries, at, salt) =>
    rowsOf(entries).map((row, index) => {
      if (index !== at) return row
      const bytes = Uint8Array.from(row.bytes)
      const place = salt % bytes.length
      bytes[place] = (bytes[place] ?? 0) ^ (1 + (salt % 255))
      return { ...row, bytes }
    }),
  'a field of an entry, well encoded': (entries, at, salt) =>
    rowsOf(entries.map((entry, index) => (index === at ? altered(entry, salt) : entry))),
  'an entry removed': (entries, at) => rowsOf(entries.filter((_entry, index) => index !== at)),
  'an entry removed, the others renumbered': (entries, at) =>
    rowsOf(entries.filter((_entry, index) => index !== at)).map((row, index) => ({ ...row, seq: index + 1 })),
  'two entries swapped': (entries, at) => {
    const other = (at + 1) % entries.length
    return rowsOf(entries).map((row, index) => {
      const from = index === at ? other : index === other ? at : index
      return { ...row, bytes: entries[from]?.bytes ?? row.bytes }
    })
  },
  'an entry in place of another': (entries, at, salt) => {
    const other = (at + 1 + (salt % (entries.length - 1))) % entries.length
    return rowsOf(entries).map((row, index) =>
      index === at ? { ...row, bytes: entries[other]?.bytes ?? row.bytes } : row,
    )
  },
  'the end cut off': (entries, at) => rowsOf(entries.slice(0, at)),
  'the beginning cut off': (entries, at) => rowsOf(entries.slice(at + 1)),
  'an entry added at the end': (entries) => {
    const { entries: more } = rewrite(entries, 1)
    return rowsOf(more)
  },
  'all from one entry on written anew': (entries, at) =>
    rowsOf(rewrite(entries.slice(0, at), entries.length - at).entries),
}

/** What concerns another entry than the one that was drawn. */
const ENDS: ReadonlyMap<string, number> = new Map([
  ['an entry added at the end', LENGTH + 1],
  // Without a head from before, only the end is known to be another one.
  ['all from one entry on written anew', LENGTH],
])

function altered({ bytes: _bytes, hash: _hash, v: _v, ...body }: AuditEntry, salt: number): AuditEntry {
  const changes = [
    { at: body.at + 1 },
    { role: 'viewer' },
    { operation: 'node.down' },
    { after: null },
    { outcome: 'failed' as const },
    { actor: { ...body.actor, name: 'somebody else' } },
    { correlation: 'cor-ffffffffffffffff' },
  ]
  return makeAuditEntry({ ...body, ...changes[salt % changes.length] })
}

describe('a log that nobody touched', () => {
  it('is judged to be whole, alone and against every head that others hold', () => {
    expect(judge(rowsOf(log.entries), last)).toEqual({
      ...{ findings: [], entries: LENGTH, first: 1, last: LENGTH, vouched: 0 },
    })
    expect(judge(rowsOf(log.entries), last, heldBy(log.heads))).toMatchObject({
      findings: [],
      vouched: LENGTH,
    })
    expect(judge([], undefined)).toEqual({ findings: [], entries: 0, first: 0, last: 0, vouched: 0 })
  })

  it('takes no notice of heads that another node signed', () => {
    const other = testAuditLog(world.member(), 3)
    expect(judge(rowsOf(log.entries), last, heldBy(other.heads))).toMatchObject({ findings: [], vouched: 0 })
  })
})

describe('tampering without the key of the node', () => {
  for (const [name, tamper] of Object.entries(WITHOUT_KEY)) {
    it(`is found and named: ${name}`, () => {
      fc.assert(
        fc.property(fc.nat(LENGTH - 1), fc.nat(1 << 20), (at, salt) => {
          const { findings } = judge(tamper(log.entries, at, salt), last)
          expect(findings.length).toBeGreaterThan(0)
          const where = ENDS.get(name) ?? at + 1
          // A link joins two entries: which of both was changed is not always to be told.
          expect(findings.some(({ from, to }) => from - 1 <= where && where <= to + 1)).toBe(true)
        }),
        { numRuns: 30, seed: 11 },
      )
    })
  }

  it('is named from its first entry on where others hold the heads', () => {
    fc.assert(
      fc.property(fc.nat(LENGTH - 1), (at) => {
        const { entries } = rewrite(log.entries.slice(0, at), LENGTH - at)
        const { findings } = judge(rowsOf(entries), last, heldBy(log.heads))
        expect(findings).toContainEqual(
          expect.objectContaining({ kind: 'rewritten', from: at + 1, to: LENGTH }),
        )
      }),
      { numRuns: 20, seed: 11 },
    )
  })

  it('is found where an old state of the whole store, with its own signature, was put back', () => {
    fc.assert(
      fc.property(fc.nat(LENGTH - 2), (at) => {
        const [rows, head] = [rowsOf(log.entries.slice(0, at + 1)), log.heads[at]]
        // Nothing in the store itself can tell: that is what the heads of others are for.
        expect(judge(rows, head).findings).toEqual([])
        expect(judge(rows, head, heldBy(log.heads.slice(-1))).findings).toMatchObject([
          { kind: 'truncated', from: at + 2, to: LENGTH },
        ])
      }),
      { numRuns: 20, seed: 11 },
    )
  })

  it('is found where nothing is left at all', () => {
    expect(judge([], undefined, heldBy(log.heads.slice(-1))).findings).toMatchObject([
      { kind: 'truncated', from: 1, to: LENGTH },
    ])
    expect(judge(rowsOf(log.entries), undefined).findings).toMatchObject([{ kind: 'head' }])
  })
})

describe('tampering with the key of the node', () => {
  it('is found and named from the first entry on that a head of others covers', () => {
    fc.assert(
      fc.property(fc.nat(LENGTH - 1), fc.nat(5), fc.nat(LENGTH - 1), (at, more, heldAt) => {
        const forged = rewrite(log.entries.slice(0, at), more + 1)
        const held = heldBy([log.heads[heldAt] ?? log.heads[0]].flatMap((head) => head ?? []))
        expect(judge(rowsOf(forged.entries), forged.head).findings).toEqual([])
        const { findings } = judge(rowsOf(forged.entries), forged.head, held)
        // A head of before the forgery vouches for what was left as it was.
        if (heldAt < at) expect(findings).toEqual([])
        else {
          const kind = heldAt + 1 > forged.entries.length ? 'truncated' : 'rewritten'
          expect(findings).toMatchObject([{ kind, to: heldAt + 1 }])
          expect(findings[0]?.text).toContain('boris')
        }
      }),
      { numRuns: 50, seed: 11 },
    )
  })

  it('is found where the beginning was forgotten before its time, and not where it was old', () => {
    const cutLog = testAuditLog(node, LENGTH)
    const through = cutLog.entries[4]
    if (through === undefined) throw new Error('five entries were made')
    const cutAt = (at: number) =>
      cutLog.add({
        at,
        operation: AUDIT_CUT,
        after: JSON.stringify({ through: through.seq, hash: through.hash }),
      })
    const held = heldBy(cutLog.heads.slice(2, 3))
    cutAt(NOW_MS + RETENTION.maxAgeMs + 2 * DAY_MS)
    const rows = rowsOf(cutLog.entries.slice(5))
    expect(judge(rows, cutLog.head, held).findings).toEqual([])
    expect(judge(rowsOf(cutLog.entries.slice(6)), cutLog.head).findings).toMatchObject([
      { kind: 'removed', from: 1, to: 6 },
    ])
    cutLog.entries.pop()
    cutAt(NOW_MS + DAY_MS)
    const early = judge(rowsOf(cutLog.entries.slice(5)), cutLog.head, held)
    expect(early.findings).toMatchObject([{ kind: 'cut-early', from: 3, to: 3 }])
  })

  it('lets entries be forgotten that so many newer ones crowd out', () => {
    const long = testAuditLog(node, RETENTION.maxEntries + 3)
    const through = long.entries[2]
    long.add({ operation: AUDIT_CUT, after: JSON.stringify({ through: 3, hash: through?.hash }) })
    const held = heldBy(long.heads.slice(1, 2))
    expect(judge(rowsOf(long.entries.slice(3)), long.head, held).findings).toEqual([])
  })
})

describe('a home that was restored', () => {
  it('goes on under another chain, and what was lost is named as lost', () => {
    const restored = testAuditLog(node)
    restored.entries.push(...log.entries.slice(0, 8))
    restored.add({ chain: 'b'.repeat(32), operation: AUDIT_CONTINUED })
    restored.add()
    const rows = rowsOf(restored.entries)
    const head = restored.head
    expect(judge(rows, head, heldBy(log.heads.slice(0, 8))).findings).toEqual([])
    const { findings } = judge(rows, head, heldBy([...log.heads, ...restored.heads]))
    expect(findings).toMatchObject([{ kind: 'restored', from: 9, to: LENGTH }])
    const silent = testAuditLog(node)
    silent.entries.push(...log.entries.slice(0, 8))
    silent.add({ chain: 'b'.repeat(32) })
    expect(judge(rowsOf(silent.entries), silent.head).findings).toMatchObject([{ kind: 'changed', from: 9 }])
  })
})

describe('an entry', () => {
  it('has one encoding, and no other bytes are one', () => {
    const [entry] = log.entries
    if (entry === undefined) throw new Error('entries were made')
    expect(decodeAuditEntry(entry.bytes)).toEqual(entry)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(decodeAuditEntry(bytes)).toBeUndefined()
      }),
      { numRuns: 50, seed: 3 },
    )
    expect(signAuditHead(node.identity.key, entry, 5)).toMatchObject({ seq: 1, hash: entry.hash, at: 5 })
  })
})
