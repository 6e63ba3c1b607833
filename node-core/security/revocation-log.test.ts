import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../tests/helpers/security-world.ts'
import type { PeerId } from '../domain/ids.ts'
import type { Role } from '../domain/role.ts'
import {
  NO_ENTRY,
  type RevocationEntry,
  type RevocationSigner,
  signHead,
  signRevocation,
} from './revocation.ts'
import {
  appendRevocation,
  buildLog,
  emptyLog,
  lacksEntries,
  lastEntry,
  mergeLogs,
  orderedEntries,
  type RevocationLog,
  viewRevocations,
} from './revocation-log.ts'

let world: SecurityWorld
let authority: RevocationSigner
let subject: PeerId
/** 1 - 2 - 3 - 4, and a second branch 1 - 2' - 3'. */
let trunk: RevocationEntry[]
let branch: RevocationEntry[]

const signer = (node: TestNode): RevocationSigner => ({
  meshId: world.meshId,
  issuer: node.identity.peerId,
  key: node.identity.key,
})

function sign(
  by: RevocationSigner,
  last: RevocationEntry | undefined,
  what: Partial<Parameters<typeof signRevocation>[2]> = {},
): RevocationEntry {
  return signRevocation(by, last, { subject, reason: '', at: NOW_MS, ...what })
}

beforeAll(() => {
  world = securityWorld(12)
  authority = { meshId: world.meshId, issuer: 'authority', key: world.authority.key }
  subject = world.identity().peerId
  trunk = []
  for (let index = 0; index < 4; index++) trunk.push(sign(authority, trunk.at(-1)))
  branch = []
  for (let index = 0; index < 2; index++) {
    branch.push(sign(authority, branch.at(-1) ?? trunk[0], { reason: 'another story' }))
  }
})

const hashes = (log: RevocationLog): string[] => orderedEntries(log).map((entry) => entry.hash)

describe('appendRevocation', () => {
  it('takes entries in their order', () => {
    let log = emptyLog('authority')
    for (const entry of trunk) {
      const step = appendRevocation(log, entry)
      expect(step.outcome).toBe('accepted')
      log = step.log
    }
    expect(log.seq).toBe(4)
    expect(lastEntry(log)).toBe(trunk[3])
    expect(log.forkedAt.size).toBe(0)
  })

  it('calls a replay stale and leaves the log as it is', () => {
    const log = buildLog('authority', trunk)
    for (const entry of trunk) expect(appendRevocation(log, entry)).toEqual({ outcome: 'stale', log })
  })

  it('calls a missing predecessor a gap, whatever the order', () => {
    const log = buildLog('authority', trunk.slice(0, 1))
    expect(appendRevocation(log, trunk[2] as RevocationEntry)).toEqual({ outcome: 'gap', log })
    expect(appendRevocation(emptyLog('authority'), trunk[1] as RevocationEntry).outcome).toBe('gap')
  })

  it('keeps both branches of a fork, because both revoke, and says where it forked', () => {
    const { outcome, log } = appendRevocation(buildLog('authority', trunk), branch[0] as RevocationEntry)
    expect(outcome).toBe('fork')
    expect([...log.forkedAt]).toEqual([2])
    expect(log.entries.size).toBe(5)
  })

  it('calls an entry forged that skips a number or belongs to another log', () => {
    const [one, two] = trunk as [RevocationEntry, RevocationEntry]
    const skips = { ...sign(authority, { ...two, hash: one.hash, seq: 5 }) }
    expect(skips).toMatchObject({ seq: 6, prev: one.hash })
    expect(appendRevocation(buildLog('authority', [one]), skips).outcome).toBe('forged')
    const starts = sign(authority, { ...two, hash: NO_ENTRY, seq: 3 })
    expect(appendRevocation(emptyLog('authority'), starts).outcome).toBe('forged')
    expect(appendRevocation(emptyLog(world.admin.identity.peerId), one).outcome).toBe('forged')
  })

  it('lets no issuer grow its log without bound, by number or by size', () => {
    const [first] = trunk as [RevocationEntry]
    // What matters here is the shape of the log: the signatures were judged before.
    const long = (count: number, sizeBytes: number): RevocationEntry[] =>
      Array.from({ length: count }, (_, index) => ({
        ...first,
        seq: index + 1,
        prev: index === 0 ? NO_ENTRY : `entry-${index}`,
        hash: `entry-${index + 1}`,
        bytes: new Uint8Array(sizeBytes),
      }))
    for (const entries of [long(4_097, 1), long(4, 8 * 1024 * 1024)]) {
      const last = entries.at(-1) as RevocationEntry
      const log = buildLog('authority', entries)
      expect(log.entries.size).toBe(entries.length - 1)
      expect(appendRevocation(log, last)).toEqual({ outcome: 'full', log })
    }
  })

  it('does not change the log that it was given', () => {
    const log = buildLog('authority', trunk.slice(0, 2))
    const before = hashes(log)
    appendRevocation(log, trunk[2] as RevocationEntry)
    appendRevocation(log, branch[0] as RevocationEntry)
    expect(hashes(log)).toEqual(before)
    expect(log.seq).toBe(2)
    expect(log.forkedAt.size).toBe(0)
  })
})

describe('mergeLogs', () => {
  const someLog = () =>
    fc
      .record({ trunk: fc.integer({ min: 0, max: 4 }), branch: fc.integer({ min: 0, max: 2 }) })
      .map((take) =>
        buildLog('authority', [
          ...trunk.slice(0, take.branch > 0 ? Math.max(1, take.trunk) : take.trunk),
          ...branch.slice(0, take.branch),
        ]),
      )
  const same = (left: RevocationLog, right: RevocationLog): void => {
    expect(hashes(left)).toEqual(hashes(right))
    expect([...left.forkedAt].sort()).toEqual([...right.forkedAt].sort())
    expect(left.seq).toBe(right.seq)
  }

  it('is commutative, associative and idempotent, also over forks', () => {
    fc.assert(
      fc.property(someLog(), someLog(), someLog(), (a, b, c) => {
        same(mergeLogs(a, b), mergeLogs(b, a))
        same(mergeLogs(mergeLogs(a, b), c), mergeLogs(a, mergeLogs(b, c)))
        same(mergeLogs(a, a), a)
        same(mergeLogs(mergeLogs(a, b), b), mergeLogs(a, b))
      }),
      { numRuns: 300 },
    )
  })

  it('ends the same whatever the order in which single entries come, once what was missing is asked for again', () => {
    const all = [...trunk, ...branch]
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (order) => {
        let log = emptyLog('authority')
        for (let round = 0; round < all.length; round++) {
          for (const entry of order) log = appendRevocation(log, entry).log
        }
        same(log, buildLog('authority', all))
      }),
    )
  })

  it('knows from a head that entries are missing', () => {
    const log = buildLog('authority', trunk.slice(0, 2))
    expect(lacksEntries(log, signHead(authority, trunk[3], NOW_MS))).toBe(true)
    expect(lacksEntries(log, signHead(authority, trunk[1], NOW_MS))).toBe(false)
    expect(lacksEntries(log, signHead(authority, undefined, NOW_MS))).toBe(false)
    expect(lacksEntries(log, signHead(authority, branch[0], NOW_MS))).toBe(true)
  })
})

describe('viewRevocations', () => {
  const roles = (): ((peer: PeerId) => Role | undefined) => {
    const known = new Map<PeerId, Role>([
      [world.founder.identity.peerId, 'owner'],
      [world.admin.identity.peerId, 'admin'],
    ])
    return (peer) => known.get(peer)
  }
  const view = (...entries: RevocationEntry[]) => {
    const issuers = new Set(entries.map((entry) => entry.issuer))
    const logs = [...issuers].map((issuer) =>
      buildLog(
        issuer,
        entries.filter((entry) => entry.issuer === issuer),
      ),
    )
    return viewRevocations(logs, roles())
  }
  const of = (node: TestNode) => ({ subject: node.identity.peerId })

  it('revokes a PeerId for good, under any certificate', () => {
    const member = world.member()
    const revoked = view(sign(authority, undefined, of(member)))
    expect(revoked.isRevoked(member.chain.leaf)).toBe(true)
    expect(revoked.isRevoked({ ...member.chain.leaf, serial: 'f'.repeat(32), role: 'owner' })).toBe(true)
    expect(revoked.isRevoked(world.member().chain.leaf)).toBe(false)
    expect(revoked.revocationOf(member.chain.leaf)?.issuer).toBe('authority')
  })

  it('lets an issuing node revoke roles below its own and no others', () => {
    const by = signer(world.admin)
    const member = world.member()
    const peer = world.member('admin')
    let last: RevocationEntry | undefined
    const entries = [member, peer, world.founder].map((node) => (last = sign(by, last, of(node))))
    const revoked = view(...entries)
    expect(revoked.isRevoked(member.chain.leaf)).toBe(true)
    expect(revoked.isRevoked(peer.chain.leaf)).toBe(false)
    expect(revoked.isRevoked(world.founder.chain.leaf)).toBe(false)
  })

  it('counts nothing from an issuer whose role is unknown', () => {
    const unknown = world.member('admin')
    const member = world.member()
    expect(view(sign(signer(unknown), undefined, of(member))).isRevoked(member.chain.leaf)).toBe(false)
  })

  it('revokes what a revoked issuer has issued, except the serials that are kept', () => {
    const [kept, lost] = [world.member('operator', world.admin), world.member('operator', world.admin)]
    const other = world.member('operator', world.founder)
    const entry = sign(authority, undefined, { ...of(world.admin), keep: [kept.chain.leaf.serial] })
    const revoked = view(entry)
    expect(revoked.isRevoked(world.admin.chain.leaf)).toBe(true)
    expect(revoked.isRevoked(kept.chain.leaf)).toBe(false)
    expect(revoked.isRevoked(lost.chain.leaf)).toBe(true)
    expect(revoked.isRevoked(other.chain.leaf)).toBe(false)
    expect(view(entry, sign(authority, entry, of(kept))).isRevoked(kept.chain.leaf)).toBe(true)
  })

  it('keeps only what every revocation of an issuer keeps', () => {
    const member = world.member('operator', world.admin)
    const first = sign(authority, undefined, { ...of(world.admin), keep: [member.chain.leaf.serial] })
    const second = sign(authority, first, of(world.admin))
    expect(view(first, second).isRevoked(member.chain.leaf)).toBe(true)
  })

  it('voids what a revoked issuer revokes, except what came before the entry that is honoured', () => {
    const by = signer(world.admin)
    const [before, after] = [world.member(), world.member()]
    const one = sign(by, undefined, of(before))
    const two = sign(by, one, of(after))
    const honouring = view(one, two, sign(authority, undefined, { ...of(world.admin), honour: one.hash }))
    expect(honouring.isRevoked(before.chain.leaf)).toBe(true)
    expect(honouring.isRevoked(after.chain.leaf)).toBe(false)
    const nothing = view(one, two, sign(authority, undefined, { ...of(world.admin), honour: NO_ENTRY }))
    expect(nothing.isRevoked(before.chain.leaf)).toBe(false)
    const unsaid = view(one, two, sign(authority, undefined, of(world.admin)))
    expect(unsaid.isRevoked(before.chain.leaf) && unsaid.isRevoked(after.chain.leaf)).toBe(true)
  })

  it('does not let the thief of a key slip an entry under those that are honoured, by forking the log', () => {
    const by = signer(world.admin)
    const [before, victim] = [world.member(), world.member()]
    const honest = sign(by, undefined, of(before))
    const forked = sign(by, undefined, of(victim))
    const revoked = view(
      honest,
      forked,
      sign(authority, undefined, { ...of(world.admin), honour: honest.hash }),
    )
    expect(revoked.isRevoked(before.chain.leaf)).toBe(true)
    expect(revoked.isRevoked(victim.chain.leaf)).toBe(false)
  })

  it('lets the higher of two issuers that revoke each other stand, in whatever order the logs come', () => {
    const down = sign(signer(world.founder), undefined, of(world.admin))
    const up = sign(signer(world.admin), undefined, of(world.founder))
    for (const revoked of [view(down, up), view(up, down)]) {
      expect(revoked.isRevoked(world.admin.chain.leaf)).toBe(true)
      expect(revoked.isRevoked(world.founder.chain.leaf)).toBe(false)
    }
  })
})
