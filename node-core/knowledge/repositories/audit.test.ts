import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../platform/logger.ts'
import { type Knowledge, openKnowledge } from '../knowledge.ts'
import { MAX_HELD_HEADS } from './audit.ts'

let dir: string
let knowledge: Knowledge
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'x0t-audit-'))
  knowledge = openKnowledge({ logger: silentLogger }, { path: join(dir, 'knowledge.db') })
})
afterEach(() => {
  knowledge.close()
  rmSync(dir, { recursive: true })
})

const NOTHING = { beforeSeq: null, since: null, until: null, operation: null, actor: null, correlation: null }

function append(seq: number, operation = 'services.expose', actor = 'person ada'): void {
  const row = {
    seq,
    at: seq * 10,
    operation,
    actor,
    correlation: `cor-${seq % 2}`,
    entry: Uint8Array.of(seq),
  }
  knowledge.audit.append(row, Uint8Array.of(100 + seq), undefined)
}

const seqs = (rows: readonly { seq: number }[]): number[] => rows.map(({ seq }) => seq)

describe('the audit log in the store', () => {
  it('gives entries back in order, by number and by what they are about', () => {
    append(1)
    append(2, 'services.unexpose')
    append(3, 'node.down', 'member boris')
    append(4, 'members.revoke', 'member boris')
    const { audit } = knowledge
    expect(audit.last()).toEqual({ seq: 4, entry: Uint8Array.of(4) })
    expect(audit.first()?.seq).toBe(1)
    expect(audit.get(9)).toBeUndefined()
    expect(audit.head()).toEqual(Uint8Array.of(104))
    expect(seqs(audit.after(1, 2))).toEqual([2, 3])
    expect(seqs(audit.find(NOTHING, 3))).toEqual([4, 3, 2])
    expect(seqs(audit.find({ ...NOTHING, beforeSeq: 3 }, 9))).toEqual([2, 1])
    expect(seqs(audit.find({ ...NOTHING, operation: 'services.' }, 9))).toEqual([2, 1])
    expect(seqs(audit.find({ ...NOTHING, actor: 'member' }, 9))).toEqual([4, 3])
    expect(seqs(audit.find({ ...NOTHING, correlation: 'cor-1' }, 9))).toEqual([3, 1])
    expect(seqs(audit.find({ ...NOTHING, since: 20, until: 30 }, 9))).toEqual([3, 2])
    expect(audit.lastUntil(25)?.seq).toBe(2)
    audit.forget(2)
    expect(seqs(audit.after(0, 9))).toEqual([3, 4])
  })

  it('takes no second entry with one number', () => {
    append(1)
    expect(() => append(1)).toThrow()
    expect(knowledge.audit.head()).toEqual(Uint8Array.of(101))
  })

  it('remembers what was begun until it is entered or abandoned', () => {
    const { audit } = knowledge
    audit.begin('cor-1', '{}')
    audit.begin('cor-2', '{}')
    audit.append(
      { seq: 1, at: 1, operation: 'x', actor: 'y', correlation: 'cor-1', entry: Uint8Array.of(1) },
      Uint8Array.of(1),
      'cor-1',
    )
    expect(audit.begun()).toEqual([{ id: 'cor-2', change: '{}' }])
    audit.abandon('cor-2')
    expect(audit.begun()).toEqual([])
  })
})

describe('the heads that are held of others', () => {
  const put = (seq: number, hash = `h${seq}`, node = 'n'): boolean =>
    knowledge.heldAuditHeads.put({ node, seq, hash, heldAt: seq, head: Uint8Array.of(1) })

  it('are each kept once, two under one number too', () => {
    expect([put(1), put(1), put(1, 'other'), put(2), put(2, 'h2', 'm')]).toEqual([
      true,
      false,
      true,
      true,
      true,
    ])
    expect(knowledge.heldAuditHeads.of('n').map(({ seq, hash }) => `${seq} ${hash}`)).toEqual([
      ...['1 h1', '1 other', '2 h2'],
    ])
    expect(knowledge.heldAuditHeads.countSince('n', 1)).toBe(1)
  })

  it('are thinned out where they become too many, but never a proof, the first or the newest', () => {
    knowledge.atomic(() => {
      put(6, 'another')
      for (let seq = 1; seq <= MAX_HELD_HEADS; seq++) put(seq)
    })
    const kept = knowledge.heldAuditHeads.of('n')
    expect(kept.length).toBeLessThan(MAX_HELD_HEADS)
    expect(seqs(kept).slice(0, 6)).toEqual([1, 3, 5, 6, 6, 7])
    expect(seqs(kept).slice(-128)).toEqual(
      Array.from({ length: 128 }, (_none, at) => MAX_HELD_HEADS - 127 + at),
    )
  })
})
