import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import {
  DAY_MS,
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../../tests/helpers/security-world.ts'
import { startTestMember, type TestMember } from '../../../tests/helpers/test-members.ts'
import { type Logger, silentLogger } from '../../platform/logger.ts'
import { decodeChain } from '../../security/chain.ts'
import { type CertificateGrant, issueCertificate } from '../../security/issue.ts'
import { STARTING_POLICY } from '../../security/policy-document.ts'
import { decodePolicyVersion, signPolicyVersion } from '../../security/policy-version.ts'
import { signHead, signRevocation } from '../../security/revocation.ts'
import type { Item } from './replica.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

describe('membership', () => {
  let world: SecurityWorld
  let clock: ManualClock
  let founder: TestMember

  beforeEach(async () => {
    world = securityWorld()
    clock = createManualClock(NOW_MS + 1_000)
    founder = await startTestMember(world, world.founder, { clock, holdsAuthority: true })
  })

  const certificate = (node: Pick<TestNode, 'chain'>): Item => ({
    kind: 'certificate',
    bytes: node.chain.bytes,
  })
  const learn = (by: TestMember, ...items: Item[]): string[] =>
    items.map((item) => by.membership.replica.accept(item).kind)
  const everything = (of: TestMember): Item[] =>
    of.membership.replica.digest().flatMap((line) => of.membership.replica.read(line) ?? [])
  /** Another certificate for a node that has one. */
  const reissue = (
    node: TestNode,
    by: TestNode | 'authority',
    changes: Partial<CertificateGrant>,
  ): TestNode => {
    const issuer =
      by === 'authority'
        ? ({ kind: 'authority', key: world.authority.key } as const)
        : ({ kind: 'node', key: by.identity.key, chain: by.chain } as const)
    const { name, role } = node.chain.leaf
    const grant = world.grant(node.identity, { name, role, ...changes })
    return { identity: node.identity, chain: issueCertificate(world, issuer, grant) }
  }

  describe('with a member in quarantine', () => {
    it('refuses it, tells so, and takes it back when the time is up or it is released', () => {
      const { membership } = founder
      const [bad, other] = [world.member(), world.member()]
      learn(founder, certificate(bad), certificate(other))
      const { peerId: peer } = bad.identity
      expect(membership.quarantine.put(peer, HOUR_MS, 'it floods')).toBe(true)
      expect([membership.standing(peer), membership.standing(other.identity.peerId)]).toEqual([
        'quarantined',
        'member',
      ])
      expect(founder.expelled).toEqual([peer])
      expect(membership.quarantine.put(peer, HOUR_MS, 'again')).toBe(false)
      expect([membership.quarantine.release(peer), membership.standing(peer)]).toEqual([true, 'member'])
      membership.quarantine.put(peer, HOUR_MS, 'it floods')
      clock.advance(HOUR_MS)
      expect(membership.standing(peer)).toBe('member')
      expect(membership.quarantine.list()).toEqual([])
    })

    it('goes on refusing it after a restart, and never refuses itself', async () => {
      const bad = world.member()
      learn(founder, certificate(bad))
      const { peerId: peer } = bad.identity
      founder.membership.quarantine.put(peer, HOUR_MS, 'it floods')
      expect(founder.membership.quarantine.put(founder.identity.peerId, HOUR_MS, 'self')).toBe(false)
      await founder.membership.stop()
      const { store } = founder
      const again = await startTestMember(world, world.founder, { clock, holdsAuthority: true, store })
      expect(again.membership.standing(peer)).toBe('quarantined')
      expect(again.membership.quarantine.release(peer)).toBe(true)
    })
  })

  describe('as a register of who is a member', () => {
    it('tells members, the expired, the revoked and the unknown apart', () => {
      const brief = world.member('operator', world.founder, { expiresAt: NOW_MS + HOUR_MS })
      const gone = world.member()
      learn(founder, certificate(brief), certificate(gone))
      founder.membership.revoke(gone.identity.peerId)
      clock.advance(HOUR_MS)
      const { standing } = founder.membership
      expect(standing(founder.identity.peerId)).toBe('member')
      expect(standing(brief.identity.peerId)).toBe('expired')
      expect(standing(gone.identity.peerId)).toBe('revoked')
      expect(standing(world.identity().peerId)).toBe('unknown')
      expect(founder.expelled).toEqual([gone.identity.peerId, brief.identity.peerId])
    })

    it('counts the highest generation, in whatever order they come', () => {
      const first = world.member()
      const second = reissue(first, world.founder, { generation: 2 })
      expect(learn(founder, certificate(second), certificate(first))).toEqual(['kept', 'known'])
      expect(founder.membership.certificateOf(first.identity.peerId)?.generation).toBe(2)
    })

    it('lets no admin demote whom the authority or an owner has certified', () => {
      const owner = world.member('owner', 'authority')
      const demoted = reissue(owner, world.admin, { role: 'viewer', generation: 99 })
      expect(learn(founder, certificate(owner), certificate(demoted))).toEqual(['kept', 'kept'])
      expect(founder.membership.certificateOf(owner.identity.peerId)?.role).toBe('owner')
    })

    it('falls back on what another issuer signed when the higher certificate ends', () => {
      const member = world.member('operator', 'authority', { expiresAt: NOW_MS + DAY_MS })
      const renewed = reissue(member, world.admin, { generation: 2 })
      learn(founder, certificate(member), certificate(renewed))
      expect(founder.membership.certificateOf(member.identity.peerId)?.generation).toBe(1)
      clock.advance(DAY_MS)
      expect(founder.membership.certificateOf(member.identity.peerId)?.generation).toBe(2)
      expect(founder.membership.standing(member.identity.peerId)).toBe('member')
      expect(founder.expelled).toEqual([])
    })

    it('does not bring an expired member back when the clock is set back', async () => {
      const brief = world.member('operator', world.founder, { expiresAt: NOW_MS + HOUR_MS })
      learn(founder, certificate(brief))
      clock.advance(2 * HOUR_MS)
      clock.setWall(NOW_MS)
      expect(founder.membership.standing(brief.identity.peerId)).toBe('expired')
      const { store } = founder
      await founder.membership.stop()
      const again = await startTestMember(world, world.founder, { clock, holdsAuthority: true, store })
      expect(again.membership.standing(brief.identity.peerId)).toBe('expired')
    })

    it('remembers its members over a restart, and believes no row that was tampered with', async () => {
      const [good, bad] = [world.member(), world.member()]
      learn(founder, certificate(good), certificate(bad))
      await founder.membership.stop()
      const foreign = securityWorld(5).member()
      for (const row of founder.store.certificates.all()) {
        if (row.peer === bad.identity.peerId) {
          const chain = Uint8Array.from(row.chain)
          chain[chain.length - 9] = (chain[chain.length - 9] ?? 0) ^ 1
          founder.store.certificates.put({ ...row, chain })
        }
      }
      const { peerId: peer } = foreign.identity
      founder.store.certificates.put({
        peer,
        rank: 0,
        generation: 1,
        expiresAt: NOW_MS,
        chain: foreign.chain.bytes,
      })
      const { store } = founder
      const again = await startTestMember(world, world.founder, { clock, holdsAuthority: true, store })
      const peers = again.membership.members().map((member) => member.peer)
      expect(peers.sort()).toEqual([founder.identity.peerId, good.identity.peerId].sort())
    })

    it('forgets an expired certificate after a month', () => {
      const brief = world.member('operator', world.founder, { expiresAt: NOW_MS + HOUR_MS })
      learn(founder, certificate(brief))
      for (let days = 0; days < 32; days++) {
        clock.setWall(clock.now() + DAY_MS)
        clock.advance(MINUTE_MS)
        founder.membership.renew(founder.identity.peerId)
      }
      expect(founder.membership.standing(brief.identity.peerId)).toBe('unknown')
      expect(founder.store.certificates.all().map((row) => row.peer)).toEqual([founder.identity.peerId])
    })
  })

  describe('as an issuer', () => {
    const input = { role: 'operator', expiresInMs: HOUR_MS, addresses: [] } as const

    it('makes invites only for what it may grant, and only while they can be used', async () => {
      const admin = await startTestMember(world, world.admin, { clock })
      const operator = await startTestMember(world, world.member(), { clock })
      expect(founder.membership.createInvite({ ...input, role: 'owner' }).token).toMatch(/^x0t1/)
      expect(admin.membership.createInvite(input).role).toBe('operator')
      expect(() => admin.membership.createInvite({ ...input, role: 'admin' })).toThrow(/below its own/)
      expect(() => admin.membership.createInvite({ ...input, role: 'owner' })).toThrow(/below its own/)
      expect(() => operator.membership.createInvite({ ...input, role: 'viewer' })).toThrow(/may not issue/)
      expect(() => founder.membership.createInvite({ ...input, expiresInMs: 0 })).toThrow(/30 days/)
      expect(() => founder.membership.createInvite({ ...input, expiresInMs: 31 * DAY_MS })).toThrow(/30 days/)
      expect(() => founder.membership.createInvite({ ...input, expiresInMs: Number.NaN })).toThrow(/30 days/)
    })

    it('never keeps the secret of an invite', () => {
      const { token } = founder.membership.createInvite(input)
      const secret = Buffer.from(token.slice(4), 'base64url')
      const kept = JSON.stringify(founder.store.invites.list(), (_key, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
      )
      for (let at = 0; at + 32 <= secret.length; at += 1) {
        expect(kept.includes(secret.subarray(at, at + 32).toString('hex'))).toBe(false)
      }
    })

    it('holds a bounded number of invites and forgets old ones', () => {
      for (let count = 0; count < 1_024; count++) {
        founder.store.invites.create({
          ...{
            id: `inv-${count.toString(16).padStart(16, '0')}` as never,
            ...input,
            labels: [],
            transit: true,
          },
          ...{ needsApproval: false, createdAt: NOW_MS, ed25519: new Uint8Array(), mldsa: new Uint8Array() },
          ...{ expiresAt: NOW_MS + HOUR_MS, use: undefined, chain: undefined },
        })
      }
      expect(() => founder.membership.createInvite(input)).toThrow(/1024 invites/)
      clock.advance(8 * DAY_MS)
      expect(founder.membership.invites()).toHaveLength(0)
    })

    it('renews a member with the same rights, never beyond its own expiry', () => {
      const member = world.member('viewer', world.founder, { labels: ['gpu'], transit: false })
      learn(founder, certificate(member))
      clock.advance(3 * DAY_MS)
      const early = founder.membership.renew(member.identity.peerId)
      expect(early).toEqual({ kind: 'refused', code: 'no-gain' })
      founder.membership.renew(founder.identity.peerId)
      const renewal = founder.membership.renew(member.identity.peerId)
      if (renewal.kind !== 'renewed') throw new Error(`the renewal was refused: ${renewal.code}`)
      const { leaf, issuer } = renewal.chain
      expect(leaf).toMatchObject({
        role: 'viewer',
        labels: ['gpu'],
        transit: false,
        generation: 2,
        issuing: false,
      })
      expect(leaf.expiresAt).toBe(issuer?.expiresAt)
      expect(leaf.serial).not.toBe(member.chain.leaf.serial)
    })

    it('renews nobody who is revoked, expired or unknown', () => {
      const brief = world.member('operator', world.founder, { expiresAt: NOW_MS + HOUR_MS })
      const gone = world.member()
      learn(founder, certificate(brief), certificate(gone))
      founder.membership.revoke(gone.identity.peerId)
      clock.advance(HOUR_MS)
      for (const peer of [brief.identity.peerId, gone.identity.peerId, world.identity().peerId]) {
        expect(founder.membership.renew(peer)).toMatchObject({ kind: 'refused' })
      }
    })

    it.each([10_000, MINUTE_MS, 3 * MINUTE_MS, DAY_MS])(
      'renews itself and others when they are due, with a life of %i ms',
      async (certificateLifeMs) => {
        const brief = { issuedAt: clock.now(), expiresAt: clock.now() + certificateLifeMs }
        const owner = issueCertificate(
          world,
          { kind: 'authority', key: world.authority.key },
          world.grant(world.founder.identity, { role: 'owner', issuing: true, ...brief }),
        )
        const issuer = await startTestMember(
          world,
          { ...world.founder, chain: owner },
          { clock, holdsAuthority: true, certificateLifeMs },
        )
        const member = world.member('viewer', { ...world.founder, chain: owner }, brief)
        learn(issuer, certificate(member))
        for (let generation = 2; generation < 8; generation += 1) {
          clock.setWall(issuer.membership.renewalDueAtMs() ?? 0)
          for (const peer of [issuer.identity.peerId, member.identity.peerId]) {
            const renewal = issuer.membership.renew(peer)
            expect(renewal).toMatchObject({ kind: 'renewed', chain: { leaf: { generation } } })
          }
        }
        await issuer.membership.stop()
      },
    )

    it('asks for the next certificate after the part of its life that is set', async () => {
      const { issuedAt, expiresAt } = world.founder.chain.leaf
      const lifeMs = expiresAt - issuedAt
      expect(founder.membership.renewalDueAtMs()).toBe(issuedAt + Math.floor(lifeMs / 3))
      const late = await startTestMember(world, world.founder, { clock, renewAt: 0.75 })
      expect(late.membership.renewalDueAtMs()).toBe(issuedAt + lifeMs * 0.75)
    })

    it('certifies nobody but itself while it may not know who was revoked', async () => {
      let mayIssue = false
      const restored = await startTestMember(world, world.founder, {
        ...{ clock, holdsAuthority: true, mayIssue: () => mayIssue },
      })
      const member = world.member()
      learn(restored, certificate(member))
      clock.setWall(NOW_MS + 3 * DAY_MS)
      const renewal = (peer: typeof restored.identity.peerId) => restored.membership.renew(peer).kind
      const refused = [restored.membership.isIssuer, renewal(member.identity.peerId)]
      expect(refused).toEqual([false, 'refused'])
      expect(() => restored.membership.changeMember(member.identity.peerId, { labels: ['x'] })).toThrow()
      expect(renewal(restored.identity.peerId)).toBe('renewed')
      mayIssue = true
      expect([restored.membership.isIssuer, renewal(member.identity.peerId)]).toEqual([true, 'renewed'])
    })

    it('lets the holder of the authority back into its own mesh after its certificate has expired', () => {
      clock.setWall(NOW_MS + 30 * DAY_MS)
      expect(founder.membership.standing(founder.identity.peerId)).toBe('expired')
      expect(founder.membership.renew(founder.identity.peerId)).toMatchObject({
        kind: 'renewed',
        chain: { leaf: { role: 'owner', issuing: true, generation: 2 } },
      })
      expect(founder.membership.standing(founder.identity.peerId)).toBe('member')
    })

    it('leaves what needs the authority to the node that holds it', async () => {
      const admin = await startTestMember(world, world.admin, { clock })
      const owner = world.member('owner', 'authority')
      learn(admin, certificate(owner), certificate(world.founder))
      expect(admin.membership.renew(owner.identity.peerId)).toEqual({
        kind: 'refused',
        code: 'not-an-issuer',
      })
      expect(admin.membership.renew(admin.identity.peerId)).toEqual({
        kind: 'refused',
        code: 'not-an-issuer',
      })
      learn(founder, certificate(world.admin))
      clock.advance(3 * DAY_MS)
      expect(founder.membership.renew(admin.identity.peerId)).toMatchObject({
        kind: 'renewed',
        chain: { leaf: { issuer: 'authority', issuing: true, role: 'admin' } },
      })
    })

    it('gives a member the right to issue, which the member then has', async () => {
      const member = await startTestMember(world, world.member('admin', 'authority'), { clock })
      learn(founder, certificate(member))
      founder.membership.grantIssuing(member.identity.peerId)
      expect(member.membership.isIssuer).toBe(false)
      learn(member, ...everything(founder))
      expect(member.membership.isIssuer).toBe(true)
      expect(() => member.membership.grantIssuing(founder.identity.peerId)).toThrow(/may not issue/)
    })

    it('issues nothing while the clock is behind, also after a restart, and says so once', async () => {
      const behind: number[] = []
      founder.membership.events.on('clockBehind', ({ byMs }) => behind.push(byMs))
      clock.advance(10 * MINUTE_MS)
      clock.setWall(NOW_MS - DAY_MS)
      clock.advance(5 * MINUTE_MS)
      expect(behind).toHaveLength(1)
      expect(founder.membership.counters()).toMatchObject({ 'clock-behind': 1 })
      expect(() => founder.membership.createInvite(input)).toThrow(/clock/)
      expect(() => founder.membership.revoke(world.admin.identity.peerId)).toThrow(/clock/)
      expect(founder.membership.renew(founder.identity.peerId)).toEqual({
        kind: 'refused',
        code: 'clock-behind',
      })
      const { store } = founder
      await founder.membership.stop()
      const again = await startTestMember(world, world.founder, { clock, holdsAuthority: true, store })
      expect(() => again.membership.createInvite(input)).toThrow(/clock/)
      clock.setWall(NOW_MS + HOUR_MS)
      expect(again.membership.createInvite(input).token).toMatch(/^x0t1/)
    })
  })

  describe('as a book of revocations', () => {
    it('lets a node revoke only roles below its own, never itself, and never what it does not know', async () => {
      const admin = await startTestMember(world, world.admin, { clock })
      const operator = await startTestMember(world, world.member(), { clock })
      learn(admin, certificate(world.founder), certificate(operator))
      learn(operator, certificate(world.admin))
      expect(() => admin.membership.revoke(founder.identity.peerId)).toThrow(/below its own/)
      expect(() => admin.membership.revoke(admin.identity.peerId)).toThrow(/never itself/)
      expect(() => admin.membership.revoke(world.identity().peerId)).toThrow(/not a member/)
      expect(() => operator.membership.revoke(admin.identity.peerId)).toThrow(/may not issue/)
      admin.membership.revoke(operator.identity.peerId)
      expect(admin.membership.standing(operator.identity.peerId)).toBe('revoked')
    })

    it('revokes with an issuer what it issued, unless that is kept', () => {
      const [kept, lost] = [world.member('operator', world.admin), world.member('operator', world.admin)]
      learn(founder, certificate(world.admin), certificate(kept))
      founder.membership.revoke(world.admin.identity.peerId, { keepIssued: true })
      expect(founder.membership.standing(kept.identity.peerId)).toBe('member')
      // Issued by the same keys, and nobody had heard of it when the issuer was revoked.
      expect(learn(founder, certificate(lost))).toEqual(['later'])
      expect(founder.membership.standing(lost.identity.peerId)).toBe('unknown')
    })

    it('gives the log of an issuer that is gone to whoever comes later', async () => {
      const admin = await startTestMember(world, world.admin, { clock })
      const victim = world.member()
      learn(admin, certificate(victim), certificate(world.founder))
      admin.membership.revoke(victim.identity.peerId)
      learn(founder, ...everything(admin))
      founder.membership.revoke(admin.identity.peerId)
      const newcomer = await startTestMember(world, world.member(), { clock })
      const items = everything(founder)
      learn(newcomer, ...items.toReversed(), ...items)
      learn(newcomer, certificate(victim))
      expect(newcomer.membership.standing(admin.identity.peerId)).toBe('revoked')
      expect(newcomer.membership.standing(victim.identity.peerId)).not.toBe('member')
    })

    it('signs the head of its log anew every ten minutes', () => {
      const heads: string[] = []
      founder.membership.events.on('news', (news) => {
        if (news.kind === 'head') heads.push(news.issuer)
      })
      clock.advance(30 * MINUTE_MS)
      expect(heads).toEqual(['authority', 'authority', 'authority'])
      expect(founder.store.heads.all()).toMatchObject([
        { issuer: 'authority', seq: 0, at: NOW_MS + 1_000 + 30 * MINUTE_MS },
      ])
    })

    it('refuses a lower head than it has seen, also after a restart', async () => {
      const signer = { meshId: world.meshId, issuer: 'authority', key: world.authority.key } as const
      const member = await startTestMember(world, world.member(), { clock })
      const victim = world.identity().peerId
      const entry = signRevocation(signer, undefined, { subject: victim, reason: '', at: NOW_MS })
      const high: Item = { kind: 'head', bytes: signHead(signer, entry, NOW_MS + 500).bytes }
      const low: Item = { kind: 'head', bytes: signHead(signer, undefined, NOW_MS + 900).bytes }
      expect(learn(member, high, low)).toEqual(['kept', 'known'])
      const { store } = member
      await member.membership.stop()
      const again = await startTestMember(world, member, { clock, store })
      expect(learn(again, low)).toEqual(['known'])
      expect(store.heads.all()).toMatchObject([{ seq: 1 }])
    })

    it('signs nothing into a log that others know better, until it has caught up', async () => {
      const [first, second] = [world.member(), world.member()]
      learn(founder, certificate(first), certificate(second))
      founder.membership.revoke(first.identity.peerId)
      const items = everything(founder)
      const restored = await startTestMember(world, world.founder, { clock, holdsAuthority: true })
      learn(restored, certificate(second), ...items.filter((item) => item.kind === 'head'))
      expect(() => restored.membership.revoke(second.identity.peerId)).toThrow(/forgotten/)
      learn(restored, ...items)
      restored.membership.revoke(second.identity.peerId)
      expect(restored.store.revocations.all().map((row) => row.seq)).toEqual([1, 2])
    })

    it('keeps both sides of a forked log and convicts its issuer', async () => {
      const signer = { meshId: world.meshId, issuer: 'authority', key: world.authority.key } as const
      const [left, right] = [world.member(), world.member()]
      learn(founder, certificate(left), certificate(right))
      const fork = [left, right].map((node): Item => {
        const subject = node.identity.peerId
        return {
          kind: 'revocation',
          bytes: signRevocation(signer, undefined, { subject, reason: '', at: NOW_MS }).bytes,
        }
      })
      expect(learn(founder, ...fork)).toEqual(['kept', 'kept'])
      expect(founder.membership.counters()).toMatchObject({ 'forked-logs': 1 })
      expect([left, right].map((node) => founder.membership.standing(node.identity.peerId))).toEqual([
        'revoked',
        'revoked',
      ])
    })
  })

  describe('as a holder of the policy', () => {
    it('allows nothing before it has one, and takes only rising versions that the authority signed', async () => {
      const member = await startTestMember(world, world.member(), { clock })
      expect(member.membership.policy().rules).toEqual([])
      const versions: number[] = []
      member.membership.events.on('policyChanged', ({ version }) => versions.push(version))
      const first = decodePolicyVersion(founder.store.policies.latest()?.policy ?? new Uint8Array(0))
      const second = signPolicyVersion(world.authority, first, `${STARTING_POLICY}\n# two\n`, NOW_MS)
      const foreign = signPolicyVersion(securityWorld(4).authority, first, STARTING_POLICY, NOW_MS)
      if (first === undefined) throw new Error('the founder has no policy')
      const items = [foreign, second, first, second].map(({ bytes }): Item => ({ kind: 'policy', bytes }))
      expect(learn(member, ...items)).toEqual(['bad', 'kept', 'known', 'known'])
      expect(versions).toEqual([2])
      expect(member.store.policies.history(9).map((row) => row.version)).toEqual([2])
    })
  })

  it('counts every refusal and logs only so many a minute', async () => {
    const lines: string[] = []
    const logger: Logger = {
      ...silentLogger,
      warn: (line: string) => void lines.push(line),
      child: () => logger,
    }
    const member = await startTestMember(world, world.member(), { clock, logger })
    const flood = (): void => {
      for (let count = 0; count < 100; count++) {
        member.membership.noteRefusal({ code: 'forged', reason: 'r', remoteAddress: '/ip4/127.0.0.1/tcp/1' })
      }
    }
    flood()
    expect(lines).toHaveLength(31)
    clock.advance(MINUTE_MS)
    flood()
    expect(lines).toHaveLength(62)
    expect(member.membership.counters()).toMatchObject({ 'refused.forged': 200 })
    expect(member.refusals).toHaveLength(200)
  })

  it('can be stopped twice, leaves no timer behind, and starts again', async () => {
    const before = clock.timers
    const member = await startTestMember(world, world.member(), { clock })
    expect(clock.timers).toBe(before + 1)
    await member.membership.stop()
    await member.membership.stop()
    expect(clock.timers).toBe(before)
    await member.membership.start()
    expect(member.membership.standing(member.identity.peerId)).toBe('member')
    expect(decodeChain(member.membership.ownChain()?.bytes ?? new Uint8Array(0))?.hash).toBe(
      member.chain.hash,
    )
  })
})
