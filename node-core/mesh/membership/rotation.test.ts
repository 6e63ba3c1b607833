import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createMemoryMembershipStore } from '../../../tests/helpers/memory-membership-store.ts'
import { type MeshNode, type MeshNodeOptions, startMeshNode } from '../../../tests/helpers/mesh-nodes.ts'
import {
  DAY_MS,
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../../tests/helpers/security-world.ts'
import {
  end,
  exchange,
  startTestMember,
  type TestMember,
  worldClock,
} from '../../../tests/helpers/test-members.ts'
import type { NodeName } from '../../domain/ids.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import { createAuthority, type MeshAuthority } from '../../security/authority.ts'
import { type AuthorityLine, encodeLine, lineOf, signSuccessor } from '../../security/authority-succession.ts'
import { generateSeeds } from '../../security/hybrid-key.ts'
import { issueCertificate } from '../../security/issue.ts'
import { STARTING_POLICY } from '../../security/policy-document.ts'
import { type PolicyVersion, signPolicyVersion } from '../../security/policy-version.ts'
import { type RevocationEntry, signHead, signRevocation } from '../../security/revocation.ts'
import { joinMesh } from '../admission/join-mesh.ts'
import { saveLine } from './authority-book.ts'

const OVERLAP_MS = DAY_MS / 12
const NONE = '0'.repeat(64)

interface Rotation {
  readonly next: MeshAuthority
  readonly line: AuthorityLine
}

/** What `x0t authority rotate` signs. */
function rotated(
  { authority, meshId, random }: SecurityWorld,
  left: { readonly log?: RevocationEntry; readonly policy?: PolicyVersion; readonly at?: number } = {},
): Rotation {
  const next = createAuthority(generateSeeds(random), meshId)
  const root = lineOf(authority.key.publicKey)
  const at = left.at ?? NOW_MS
  const successor = signSuccessor(authority, root, {
    ...{ publicKey: next.key.publicKey, at, overlapUntil: at + OVERLAP_MS },
    log: { seq: left.log?.seq ?? 0, hash: left.log?.hash ?? NONE },
    policy: left.policy?.hash ?? NONE,
  })
  return { next, line: { root: root.root, successors: [successor] } }
}

describe('a member of a mesh whose authority was replaced', () => {
  let world: SecurityWorld
  let clock: ReturnType<typeof createManualClock>
  const members: TestMember[] = []

  beforeEach(() => {
    world = securityWorld(41)
    clock = createManualClock(NOW_MS + 1_000)
  })
  afterEach(async () => {
    await Promise.all(members.splice(0).map(({ membership }) => membership.stop()))
  })
  async function start(node: TestNode, options: object = {}): Promise<TestMember> {
    const member = await startTestMember(world, node, { clock, ...options })
    members.push(member)
    return member
  }
  const take = (
    member: TestMember,
    kind: 'certificate' | 'revocation' | 'head' | 'policy',
    bytes: Uint8Array,
  ) => member.membership.replica.accept({ kind, bytes }).kind
  const under = (authority: MeshAuthority, changes: object = {}) => {
    const identity = world.identity()
    const grant = world.grant(identity, changes)
    return issueCertificate(world, { kind: 'authority', key: authority.key }, grant)
  }

  it('takes certificates of both keys while the overlap lasts, and then those of the new one alone', async () => {
    const member = await start(world.member('operator', 'authority'))
    const { next, line } = rotated(world)
    const [old, young] = [under(world.authority), under(next)]
    // A neighbour that knows more is not to blame for what this one can't judge yet.
    expect(take(member, 'certificate', young.bytes)).toBe('later')
    expect(member.membership.authorities.accept(encodeLine(line))).toBe('kept')
    expect([take(member, 'certificate', young.bytes), take(member, 'certificate', old.bytes)]).toEqual([
      'kept',
      'kept',
    ])
    clock.advance(OVERLAP_MS)
    expect(member.membership.standing(young.leaf.peerId)).toBe('member')
    expect(member.membership.standing(old.leaf.peerId)).toBe('expired')
    expect(member.expelled).toContain(old.leaf.peerId)
    expect(member.membership.judgeChain(under(world.authority))).toBe('authority-retired')
    expect(take(member, 'certificate', under(world.authority).bytes)).toBe('later')
  })

  it('lets whoever has the old key revoke nobody, write no policy and invent no issuer', async () => {
    const member = await start(world.member('operator', 'authority'))
    const victim = under(world.authority)
    take(member, 'certificate', victim.bytes)
    const signer = { meshId: world.meshId, issuer: 'authority', key: world.authority.key } as const
    const policy = signPolicyVersion(world.authority, undefined, STARTING_POLICY, NOW_MS)
    const subject = world.identity().peerId
    const honest = signRevocation(signer, undefined, { subject, reason: '', at: NOW_MS })
    // Signed with the old key, before and after the change is known: behind its end, and beside it.
    const behind = signRevocation(signer, honest, { subject: victim.leaf.peerId, reason: '', at: NOW_MS })
    const beside = signRevocation(signer, undefined, { subject: victim.leaf.peerId, reason: '', at: NOW_MS })
    for (const entry of [honest, behind, beside]) expect(take(member, 'revocation', entry.bytes)).toBe('kept')
    expect(take(member, 'head', signHead(signer, behind, NOW_MS).bytes)).toBe('kept')
    expect(member.membership.standing(victim.leaf.peerId)).toBe('revoked')

    const { next, line } = rotated(world, { log: honest, policy })
    expect(member.membership.authorities.accept(encodeLine(line))).toBe('kept')
    expect(member.membership.standing(victim.leaf.peerId)).toBe('member')
    for (const entry of [behind, beside]) expect(take(member, 'revocation', entry.bytes)).toBe('later')
    expect(take(member, 'head', signHead(signer, behind, NOW_MS + 1).bytes)).toBe('later')
    expect(take(member, 'policy', policy.bytes)).toBe('kept')
    const bad = signPolicyVersion(world.authority, policy, `${STARTING_POLICY}\n# open\n`, NOW_MS)
    expect(take(member, 'policy', bad.bytes)).toBe('later')
    clock.advance(OVERLAP_MS)
    const invented = under(world.authority, { role: 'owner', issuing: true, expiresAt: NOW_MS + 5_000 })
    expect(take(member, 'certificate', invented.bytes)).toBe('later')
    expect(member.membership.certificateOf(invented.leaf.peerId)).toBeUndefined()
    // The new key goes on where the old log is honoured to.
    const nextSigner = { ...signer, key: next.key }
    const going = signRevocation(nextSigner, honest, {
      subject: victim.leaf.peerId,
      reason: '',
      at: clock.now(),
    })
    expect(take(member, 'revocation', going.bytes)).toBe('kept')
    expect(member.membership.standing(victim.leaf.peerId)).toBe('revoked')
  })

  it('honours what the old key revoked before, whatever comes first', async () => {
    const signer = { meshId: world.meshId, issuer: 'authority', key: world.authority.key } as const
    const victim = under(world.authority)
    const one = signRevocation(signer, undefined, { subject: victim.leaf.peerId, reason: '', at: NOW_MS })
    const { line } = rotated(world, { log: one })
    const member = await start(world.member('operator', 'authority'))
    member.membership.authorities.accept(encodeLine(line))
    take(member, 'certificate', victim.bytes)
    expect(take(member, 'revocation', one.bytes)).toBe('kept')
    expect(member.membership.standing(victim.leaf.peerId)).toBe('revoked')
    await member.membership.stop()
    const again = await start(member, { store: member.store })
    expect(again.membership.standing(victim.leaf.peerId)).toBe('revoked')
  })

  it('never goes back: not after a restart, not for a replay, not for a second successor', async () => {
    const member = await start(world.member('operator', 'authority'))
    const { line } = rotated(world)
    const fork = rotated(world)
    const { authorities } = member.membership
    expect(authorities.accept(encodeLine(line))).toBe('kept')
    const current = authorities.current().id
    expect(authorities.accept(encodeLine(line))).toBe('known')
    expect(authorities.accept(encodeLine(fork.line))).toBe('later')
    expect(authorities.accept(encodeLine({ ...line, successors: [] }))).toBe('known')
    expect(member.membership.counters()['forked-authority']).toBe(1)
    await member.membership.stop()
    const again = await start(member, { store: member.store })
    expect(again.membership.authorities.current().id).toBe(current)
    // What it remembers cannot be read: starting with the key of before would be going back.
    member.store.meta.set('authority-line', 'AAAA')
    await expect(startTestMember(world, member, { clock, store: member.store })).rejects.toMatchObject({
      code: 'BAD_RECORD',
    })
  })

  it('does nothing with an old key of the authority any more, and signs its certificates anew with the new one', async () => {
    const store = createMemoryMembershipStore()
    const { chain } = world.founder
    const { peerId: peer, generation, expiresAt } = chain.leaf
    store.certificates.put({ peer, rank: -1, generation, expiresAt, chain: chain.bytes })
    const policy = signPolicyVersion(world.authority, undefined, STARTING_POLICY, NOW_MS)
    store.policies.append({ version: 1, acceptedAt: NOW_MS, policy: policy.bytes })
    const { next, line } = rotated(world, { policy })
    saveLine(store.meta, line)
    const stale = await start(world.founder, { store, authorityKey: world.authority })
    expect(stale.membership.holdsAuthority).toBe(false)
    const change = { document: `${STARTING_POLICY}\n# one\n`, basedOn: undefined }
    expect(() => stale.membership.writePolicy(change)).toThrow(/not on this node/)
    await stale.membership.stop()

    const holder = await start(world.founder, { store, authorityKey: next })
    expect(holder.membership.holdsAuthority).toBe(true)
    expect(holder.membership.ownChain()?.leaf.generation).toBe(generation + 1)
    expect(holder.membership.ownChain()?.leaf.expiresAt).toBe(expiresAt)
    expect(holder.membership.writePolicy(change).number).toBe(2)
    clock.advance(OVERLAP_MS)
    expect(holder.membership.standing(peer)).toBe('member')
  })

  it('is told in the handshake what it missed, and is refused with the reason once the overlap is over', async () => {
    const { next, line } = rotated(world)
    const identity = world.identity()
    const grant = world.grant(identity, { name: 'young' as NodeName })
    const chain = issueCertificate(world, { kind: 'authority', key: next.key }, grant)
    const store = createMemoryMembershipStore()
    store.certificates.put({
      peer: identity.peerId,
      rank: -1,
      generation: 1,
      expiresAt: grant.expiresAt,
      chain: chain.bytes,
    })
    saveLine(store.meta, line)
    const knowing = await start({ identity, chain }, { store })
    const [dialler, listener, late] = [
      await start(world.member('operator', 'authority')),
      await start(world.member('operator', 'authority')),
      await start(world.member('operator', 'authority', { expiresAt: NOW_MS + 30 * DAY_MS })),
    ]
    expect((await exchange(end(dialler), end(knowing))).verdict.kind).toBe('admitted')
    expect((await exchange(end(knowing), end(listener))).verdict.kind).toBe('admitted')
    const current = knowing.membership.authorities.current().id
    expect(dialler.membership.authorities.current().id).toBe(current)
    expect(listener.membership.authorities.current().id).toBe(current)
    clock.advance(OVERLAP_MS)
    expect((await exchange(end(late), end(knowing))).verdict).toMatchObject({ code: 'authority-retired' })
    expect(knowing.refusals.at(-1)?.code).toBe('authority-retired')
  })
})

describe('a mesh whose authority is replaced', () => {
  const clock = worldClock()
  const nodes: MeshNode[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  it('goes over to the new key node by node, keeps its members, and lets in by invites of before and after', async () => {
    const world = securityWorld(42)
    const start = async (node: TestNode, options: Partial<MeshNodeOptions> = {}): Promise<MeshNode> => {
      const started = await startMeshNode(world, node, { clock, sync: { summaryMs: 500 }, ...options })
      nodes.push(started)
      return started
    }
    const founder = await start(world.founder, { holdsAuthority: true })
    const middle = await start(world.admin)
    const far = await start(world.member())
    await middle.dial(founder)
    await far.dial(middle)
    await eventually('everyone to know everyone', () =>
      nodes.every((node) => node.membership.members().length === 3),
    )
    const invite = (by: MeshNode): string =>
      by.membership.createInvite({ role: 'viewer', expiresInMs: 60_000, addresses: by.addresses() }).token
    const before = invite(middle)
    await founder.stop()
    const policy = founder.membership.policyVersion()
    if (policy === undefined) throw new Error('the founder has a policy')
    const { next, line } = rotated(world, { policy })
    saveLine(founder.store.meta, line)
    const back = await start(founder, { store: founder.store, authorityKey: next })
    await back.dial(middle)
    const id = back.membership.authorities.current().id
    await eventually('everyone to know the new key', () =>
      [middle, far].every(({ membership }) => membership.authorities.current().id === id),
    )
    // The issuer in the middle has its certificate under the new key, by nobody's doing.
    await eventually(
      'the certificate of the issuer',
      () => (far.membership.certificateOf(middle.identity.peerId)?.generation ?? 0) === 2,
    )
    expect([middle.membership.counters()['misbehaviour'], far.membership.counters()['misbehaviour']]).toEqual(
      [undefined, undefined],
    )
    back.membership.writePolicy({ document: `${STARTING_POLICY}\n# two\n`, basedOn: 1 })
    await eventually('the policy of the new key', () => far.membership.policyVersion()?.number === 2)
    for (const [name, token] of [
      ['early', before],
      ['late', invite(middle)],
    ] as const) {
      const joined = await joinMesh(
        { clock, random: systemRandom, logger: silentLogger },
        { token, name: name as NodeName, identity: world.identity(), signal: AbortSignal.timeout(10_000) },
      )
      expect(joined.kind).toBe('joined')
      if (joined.kind === 'joined') expect(joined.authority).toEqual(next.key.publicKey)
    }
  })
})
