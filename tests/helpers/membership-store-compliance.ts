import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InviteId, JoinId, NodeName, PeerId } from '../../node-core/domain/ids.ts'
import type {
  InviteRow,
  InviteUse,
  JoinRow,
  MembershipStore,
} from '../../node-core/mesh/membership/store-port.ts'

export interface StoreUnderTest {
  readonly store: MembershipStore
  /** Another handle on the same data, as a restart makes; absent where there is nothing to reopen. */
  reopen?(): MembershipStore
  close(): void
}

const ALICE = `12D3KooW${'A'.repeat(44)}` as PeerId
const BOB = `12D3KooW${'B'.repeat(44)}` as PeerId
const INVITE = 'inv-0123456789abcdef' as InviteId
const OTHER_INVITE = 'inv-fedcba9876543210' as InviteId
const JOIN = 'join-0123456789abcdef' as JoinId

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

const invite = (id: InviteId, over: Partial<InviteRow> = {}): InviteRow => ({
  id,
  role: 'operator',
  labels: ['gpu', 'site=lab'],
  transit: true,
  needsApproval: true,
  createdAt: 1_000,
  expiresAt: 2_000,
  ed25519: bytes(1, 2),
  mldsa: bytes(3, 4),
  use: undefined,
  chain: undefined,
  ...over,
})
const use = (over: Partial<InviteUse> = {}): InviteUse => ({
  peer: ALICE,
  keysHash: 'aa',
  usedAt: 1_500,
  ...over,
})
const join = (id: JoinId, over: Partial<JoinRow> = {}): JoinRow => ({
  id,
  invite: INVITE,
  peer: ALICE,
  name: 'alpha' as NodeName,
  request: bytes(9),
  requestedAt: 1_500,
  expiresAt: 2_500,
  state: 'pending',
  decidedAt: undefined,
  ...over,
})

/** Everything that membership relies on, for the store in memory and for the one on disk alike. */
export function membershipStoreCompliance(name: string, open: () => StoreUnderTest): void {
  describe(`${name} as a membership store`, () => {
    let opened: StoreUnderTest
    let store: MembershipStore
    beforeEach(() => {
      opened = open()
      store = opened.store
    })
    afterEach(() => opened.close())

    versionedRows(() => store)
    inviteRows(() => store)
    joinRows(() => store)

    it('gives back after a reopen what was put before', () => {
      store.invites.create(invite(INVITE))
      store.invites.redeem(INVITE, use())
      store.meta.set('clock-floor', '17')
      const again = opened.reopen?.() ?? store
      expect(again.invites.get(INVITE)?.use).toEqual(use())
      expect(again.meta.get('clock-floor')).toBe('17')
    })
  })
}

function versionedRows(store: () => MembershipStore): void {
  it('keeps one certificate for each peer and rank of issuer', () => {
    const { certificates } = store()
    const row = { peer: ALICE, rank: -1, generation: 2, expiresAt: 10, chain: bytes(2) }
    certificates.put(row)
    certificates.put({ ...row, generation: 3, chain: bytes(3) })
    certificates.put({ ...row, rank: 1, generation: 4 })
    certificates.put({ ...row, peer: BOB })
    const kept = certificates.all()
    expect(kept).toHaveLength(3)
    expect(kept).toContainEqual({ ...row, generation: 3, chain: bytes(3) })
    certificates.remove(ALICE)
    expect(certificates.all()).toEqual([{ ...row, peer: BOB }])
  })

  it('keeps every revocation entry once, both sides of a fork, in order', () => {
    const { revocations } = store()
    const row = { issuer: 'authority', seq: 2, hash: 'b', subject: BOB, entry: bytes(2) }
    expect(revocations.append(row)).toBe(true)
    expect(revocations.append({ ...row, entry: bytes(99) })).toBe(false)
    expect(revocations.append({ ...row, hash: 'fork' })).toBe(true)
    expect(revocations.append({ ...row, seq: 1, hash: 'a', subject: ALICE })).toBe(true)
    expect(revocations.append({ ...row, issuer: ALICE })).toBe(true)
    const all = revocations.all()
    expect(all.filter((entry) => entry.issuer === 'authority').map((entry) => entry.seq)).toEqual([1, 2, 2])
    expect(all.find((entry) => entry.hash === 'b' && entry.issuer === 'authority')).toEqual(row)
    expect(all).toHaveLength(4)
  })

  it('refuses a head that is lower or not newer', () => {
    const { heads } = store()
    const row = { issuer: 'authority', seq: 3, at: 100, head: bytes(3) }
    expect(heads.put(row)).toBe(true)
    expect(heads.put({ ...row, seq: 2, at: 500 })).toBe(false)
    expect(heads.put({ ...row, at: 100, head: bytes(9) })).toBe(false)
    expect(heads.put({ ...row, at: 101 })).toBe(true)
    expect(heads.put({ ...row, seq: 4, at: 50 })).toBe(true)
    expect(heads.all()).toEqual([{ ...row, seq: 4, at: 50 }])
  })

  it('takes policies in rising versions only', () => {
    const { policies } = store()
    expect(policies.latest()).toBeUndefined()
    expect(policies.append({ version: 1, acceptedAt: 1, policy: bytes(1) })).toBe(true)
    expect(policies.append({ version: 3, acceptedAt: 2, policy: bytes(3) })).toBe(true)
    expect(policies.append({ version: 3, acceptedAt: 3, policy: bytes(4) })).toBe(false)
    expect(policies.append({ version: 2, acceptedAt: 3, policy: bytes(2) })).toBe(false)
    expect(policies.latest()).toEqual({ version: 3, acceptedAt: 2, policy: bytes(3) })
    expect(policies.history(10).map((row) => row.version)).toEqual([3, 1])
    expect(policies.history(1)).toHaveLength(1)
  })

  it('orders node records by incarnation, then by seq', () => {
    const { nodeRecords } = store()
    const row = { peer: ALICE, incarnation: 2, seq: 5, record: bytes(5) }
    expect(nodeRecords.put(row)).toBe(true)
    expect(nodeRecords.put(row)).toBe(false)
    expect(nodeRecords.put({ ...row, incarnation: 1, seq: 9 })).toBe(false)
    expect(nodeRecords.put({ ...row, seq: 6 })).toBe(true)
    expect(nodeRecords.put({ ...row, incarnation: 3, seq: 1 })).toBe(true)
    expect(nodeRecords.all()).toEqual([{ ...row, incarnation: 3, seq: 1 }])
    nodeRecords.remove(ALICE)
    expect(nodeRecords.all()).toEqual([])
  })

  it('remembers small texts', () => {
    const { meta } = store()
    expect(meta.get('clock-floor')).toBeUndefined()
    meta.set('clock-floor', '1')
    meta.set('clock-floor', '2')
    expect(meta.get('clock-floor')).toBe('2')
  })
}

function inviteRows(store: () => MembershipStore): void {
  it('lists invites newest first and forgets a removed one', () => {
    const { invites } = store()
    invites.create(invite(INVITE))
    invites.create(invite(OTHER_INVITE, { createdAt: 1_001, labels: [], transit: false }))
    expect(invites.get(INVITE)).toEqual(invite(INVITE))
    expect(invites.list().map((row) => row.id)).toEqual([OTHER_INVITE, INVITE])
    invites.remove(OTHER_INVITE)
    expect(invites.list()).toHaveLength(1)
  })

  it('gives an invite to the first keys alone and recognises their retry', () => {
    const { invites } = store()
    invites.create(invite(INVITE))
    expect(invites.redeem(INVITE, use())).toBe('committed')
    expect(invites.redeem(INVITE, use({ keysHash: 'bb', peer: BOB }))).toBe('taken')
    expect(invites.redeem(INVITE, use({ usedAt: 1_900 }))).toBe('repeated')
    expect(invites.get(INVITE)?.use).toEqual(use())
    expect(invites.redeem(OTHER_INVITE, use())).toBe('unknown')
  })

  it('keeps the first chain issued for an invite', () => {
    const { invites } = store()
    invites.create(invite(INVITE))
    expect(invites.complete(INVITE, bytes(1))).toBe(false)
    invites.redeem(INVITE, use())
    expect(invites.complete(INVITE, bytes(1))).toBe(true)
    expect(invites.complete(INVITE, bytes(2))).toBe(false)
    expect(invites.get(INVITE)?.chain).toEqual(bytes(1))
    expect(invites.complete(OTHER_INVITE, bytes(1))).toBe(false)
  })
}

function joinRows(store: () => MembershipStore): void {
  it('keeps one join for an invite', () => {
    const { joins, invites } = store()
    invites.create(invite(INVITE))
    expect(joins.create(join(JOIN))).toBe(true)
    expect(joins.create(join('join-ffffffffffffffff' as JoinId))).toBe(false)
    expect(joins.get(JOIN)).toEqual(join(JOIN))
    expect(joins.byInvite(INVITE)).toEqual(join(JOIN))
    expect(joins.byInvite(OTHER_INVITE)).toBeUndefined()
    joins.remove(JOIN)
    expect(joins.get(JOIN)).toBeUndefined()
  })

  it('decides a pending join once', () => {
    const { joins, invites } = store()
    invites.create(invite(INVITE))
    joins.create(join(JOIN))
    expect(joins.decide(JOIN, 'approved', 1_600)).toBe(true)
    expect(joins.decide(JOIN, 'rejected', 1_700)).toBe(false)
    expect(joins.get(JOIN)).toEqual(join(JOIN, { state: 'approved', decidedAt: 1_600 }))
    expect(joins.decide('join-ffffffffffffffff' as JoinId, 'expired', 1)).toBe(false)
  })

  it('lists joins oldest first', () => {
    const { joins, invites } = store()
    invites.create(invite(INVITE))
    invites.create(invite(OTHER_INVITE))
    joins.create(join(JOIN))
    joins.create(join('join-ffffffffffffffff' as JoinId, { invite: OTHER_INVITE, requestedAt: 1_400 }))
    expect(joins.list().map((row) => row.id)).toEqual(['join-ffffffffffffffff', JOIN])
  })
}
