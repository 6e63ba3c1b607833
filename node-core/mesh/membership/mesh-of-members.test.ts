import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { type MeshNode, type MeshNodeOptions, startMeshNode } from '../../../tests/helpers/mesh-nodes.ts'
import {
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../../tests/helpers/security-world.ts'
import { worldClock } from '../../../tests/helpers/test-members.ts'
import type { NodeName, ServiceName } from '../../domain/ids.ts'
import { encodeStrict } from '../../security/codec.ts'
import { decodeToken, deriveInviteKey } from '../../security/invite.ts'
import { issueCertificate } from '../../security/issue.ts'
import { signJoinRequest } from '../../security/join-request.ts'
import { createFloodCodec } from '../flood/flood-messages.ts'
import { createMessageFrames } from '../host/message-frames.ts'
import { JOIN_PROTOCOL } from './join-carrier.ts'
import { decodeJoinReply } from './join-reply.ts'
import { RENEW_PROTOCOL } from './renewal.ts'
import { ITEM_KINDS } from './replica.ts'
import { SYNC_PROTOCOL } from './sync.ts'

const SIGNAL = (): AbortSignal => AbortSignal.timeout(5_000)

describe('members that are connected', () => {
  const clock = worldClock()
  const nodes: MeshNode[] = []
  let world: SecurityWorld

  beforeEach(() => {
    world = securityWorld()
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  async function start(node: TestNode, options: Partial<MeshNodeOptions> = {}): Promise<MeshNode> {
    const started = await startMeshNode(world, node, { clock, sync: { summaryMs: 500 }, ...options })
    nodes.push(started)
    return started
  }
  /** founder - middle - far: what the founder says has to be passed on to reach the far end. */
  async function line(): Promise<[MeshNode, MeshNode, MeshNode]> {
    const founder = await start(world.founder, { holdsAuthority: true })
    const middle = await start(world.member())
    const far = await start(world.member())
    await middle.dial(founder)
    await far.dial(middle)
    return [founder, middle, far]
  }
  const known = (node: MeshNode): number => node.membership.members().length

  it('come to know all members, the policy and the head of the log, over a member between them', async () => {
    const [founder, , far] = await line()
    await eventually('everyone to know everyone', () => nodes.every((node) => known(node) === 3))
    await eventually('the policy to arrive', () => far.membership.policy().rules.length > 0)
    expect(far.membership.policy()).toEqual(founder.membership.policy())
    await eventually('the head to arrive', () => far.store.heads.all().length === 1)
  })

  it('say that another one holds the same only once it has learned all that the other knows', async () => {
    const founder = await start(world.founder, { holdsAuthority: true })
    const lost = await start(world.member())
    founder.membership.keepChain(lost.chain)
    founder.membership.revoke(lost.identity.peerId)
    const seen: number[] = []
    const restored = await start(world.member(), {
      onSame: () => seen.push(restored.store.revocations.all().length),
    })
    await restored.dial(founder)
    await eventually('the two to hold the same', () => seen.length > 0)
    expect(seen[0]).toBe(1)
  })

  it('pass on what a node says of itself', async () => {
    const [founder, , far] = await line()
    const own = {
      addresses: ['/ip4/127.0.0.1/tcp/4001'],
      services: [{ name: 'wiki' as ServiceName, healthy: true }],
    }
    far.membership.publishOwnRecord(own)
    await eventually(
      'the record to arrive',
      () => founder.membership.nodeRecord(far.identity.peerId)?.addresses.length === 1,
    )
    expect(founder.membership.nodeRecord(far.identity.peerId)).toMatchObject({
      ...own,
      incarnation: 1,
      seq: 1,
    })
    far.membership.publishOwnRecord({ ...own, services: [] })
    await eventually(
      'the next record to arrive',
      () => founder.membership.nodeRecord(far.identity.peerId)?.services.length === 0,
    )
  })

  it('close the connections of a revoked node everywhere, also where its issuer is far away', async () => {
    const [founder, middle, far] = await line()
    await eventually('everyone to know everyone', () => nodes.every((node) => known(node) === 3))
    const startedMs = performance.now()
    founder.membership.revoke(far.identity.peerId, { reason: 'lost' })
    await eventually('the middle to have closed it', () => !middle.host.peers().includes(far.identity.peerId))
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(middle.membership.standing(far.identity.peerId)).toBe('revoked')
    await eventually('the far end to see it', () => far.host.peers().length === 0)
    await expect(far.dial(middle)).rejects.toThrow()
    await expect(middle.host.open(far.identity.peerId, SYNC_PROTOCOL, SIGNAL())).rejects.toThrow()
    expect(middle.refusals.at(-1)).toMatchObject({ code: 'revoked', peer: far.identity.peerId })
  })

  it('keep a revocation over a restart, and give it to whoever was away', async () => {
    const [founder, middle, far] = await line()
    await eventually('everyone to know everyone', () => nodes.every((node) => known(node) === 3))
    await middle.stop()
    founder.membership.revoke(far.identity.peerId)
    const back = await start(middle, { store: middle.store })
    expect(back.membership.standing(far.identity.peerId)).toBe('member')
    await back.dial(founder)
    await eventually(
      'the revocation to arrive',
      () => back.membership.standing(far.identity.peerId) === 'revoked',
    )
    await back.stop()
    const again = await start(middle, { store: middle.store })
    expect(again.membership.standing(far.identity.peerId)).toBe('revoked')
  })

  it('close a connection when the certificate on it expires', async () => {
    const founder = await start(world.founder, { holdsAuthority: true })
    const expiresAt = clock.now() + 1_500
    const brief = await start(world.member('operator', 'authority', { expiresAt }))
    await brief.dial(founder)
    await founder.host.unhandle(RENEW_PROTOCOL)
    await eventually('it to be closed', () => founder.host.peers().length === 0)
    expect(clock.now()).toBeGreaterThanOrEqual(expiresAt)
    expect(founder.membership.standing(brief.identity.peerId)).toBe('expired')
    // The other end may have closed the connection before this one has looked at its own certificate.
    await eventually('brief knows of itself', () => brief.expelled.includes(brief.identity.peerId))
  })

  it('renew by themselves once a third of the life has passed, and everyone learns it', async () => {
    const founder = await start(world.founder, { holdsAuthority: true })
    const expiresAt = clock.now() + 6_000
    const member = await start(world.member('operator', world.founder, { issuedAt: clock.now(), expiresAt }))
    const third = await start(world.member())
    await member.dial(founder)
    await third.dial(founder)
    await eventually('the renewal', () => member.membership.ownChain()?.leaf.generation === 2, 8_000)
    expect(member.membership.ownChain()?.leaf).toMatchObject({
      role: 'operator',
      name: member.chain.leaf.name,
    })
    await eventually(
      'the third to know',
      () => third.membership.certificateOf(member.identity.peerId)?.generation === 2,
    )
    expect(member.host.peers()).toEqual([founder.identity.peerId])
  })

  it('take no certificate for a renewal that is not for their own keys', async () => {
    const founder = await start(world.founder, { holdsAuthority: true })
    const expiresAt = clock.now() + 3_000
    const member = await start(world.member('operator', world.founder, { issuedAt: clock.now(), expiresAt }))
    const renewed: number[] = []
    member.membership.events.on('renewed', ({ generation }) => renewed.push(generation))
    let asked = 0
    await founder.host.unhandle(RENEW_PROTOCOL)
    await founder.host.handle(RENEW_PROTOCOL, async (stream) => {
      const frames = createMessageFrames(stream, { maxFrameBytes: 65_536 })
      await frames.read(SIGNAL())
      await frames.write(encodeStrict({ kind: 'renewed', chain: world.member().chain.bytes }))
      await frames.end()
      asked += 1
    })
    await member.dial(founder)
    await eventually('it to ask', () => asked > 0, 8_000)
    await eventually('its end', () => member.membership.ownChain() === undefined, 8_000)
    expect(renewed).toEqual([])
    expect(known(member)).toBe(2)
  })

  it('renew the founder from its own authority, with nobody there', async () => {
    const brief = {
      ...world.founder,
      chain: world.member('owner', 'authority').chain,
    }
    const issuer = { kind: 'authority', key: world.authority.key } as const
    const grant = world.grant(world.founder.identity, {
      ...{ role: 'owner', issuing: true, issuedAt: clock.now(), expiresAt: clock.now() + 3_000 },
    })
    const founder = await start(
      { ...brief, chain: issueCertificate(world, issuer, grant) },
      { holdsAuthority: true },
    )
    await eventually('the renewal', () => founder.membership.ownChain()?.leaf.generation === 2)
    expect(founder.membership.isIssuer).toBe(true)
  })

  it('take over nothing that is forged, count it against who passed it on, and stop listening', async () => {
    const founder = await start(world.founder, { holdsAuthority: true })
    const liar = await start(world.member(), { sync: { maxBad: 3 } })
    await liar.dial(founder)
    await eventually('both to know', () => known(founder) === 2)
    const other = securityWorld(9)
    const stream = await liar.host.open(founder.identity.peerId, SYNC_PROTOCOL, SIGNAL())
    const frames = createMessageFrames(stream, { maxFrameBytes: 65_536 })
    const items = Array.from({ length: 8 }, () => ({
      kind: 'certificate' as const,
      bytes: other.member().chain.bytes,
    }))
    for (const item of items)
      await frames
        .write(createFloodCodec(ITEM_KINDS).encode({ kind: 'items', items: [item] }))
        .catch(() => {})
    await eventually(
      'the lies to be counted',
      () => (founder.membership.counters()['misbehaviour'] ?? 0) >= 8,
    )
    expect(known(founder)).toBe(2)
    await expect(frames.read(SIGNAL())).rejects.toThrow()
  })

  it('refuse a carried request with any byte changed on its way, and count it', async () => {
    const founder = await start(world.founder, { holdsAuthority: true })
    const carrier = await start(world.member())
    await carrier.dial(founder)
    const { token } = founder.membership.createInvite({ role: 'viewer', expiresInMs: 60_000, addresses: [] })
    const reading = decodeToken(token)
    if (reading.kind !== 'invite') throw new Error('the token of the test cannot be read')
    const { peerId, key } = world.identity()
    const inviteKey = deriveInviteKey(reading.invite.secret)
    const request = signJoinRequest(reading.invite, inviteKey, { peerId, key, name: 'new' as NodeName })
    const carried = async (bytes: Uint8Array) => {
      const stream = await carrier.host.open(founder.identity.peerId, JOIN_PROTOCOL, SIGNAL())
      const frames = createMessageFrames(stream, { maxFrameBytes: 65_536 })
      await frames.write(bytes)
      const reply = await frames.read(SIGNAL())
      await frames.end()
      return decodeJoinReply(reply ?? new Uint8Array(0))
    }
    for (let at = 0; at < request.length; at += 211) {
      const changed = Uint8Array.from(request)
      changed[at] = (changed[at] ?? 0) ^ 0x10
      expect(await carried(changed)).toMatchObject({ kind: 'refused', genuine: false })
    }
    expect(founder.refusals.length).toBe(Math.ceil(request.length / 211))
    expect(founder.refusals.some(({ code }) => code === 'request-altered')).toBe(true)
    expect(founder.membership.invites()[0]?.use).toBeUndefined()
    expect(await carried(request)).toMatchObject({ kind: 'joined' })
  })

  it('begin a new life above the one that others remember, after a restore from a backup', async () => {
    const [founder, middle] = await line()
    const own = { addresses: [], services: [] }
    middle.membership.publishOwnRecord(own)
    await eventually(
      'the record',
      () => founder.membership.nodeRecord(middle.identity.peerId)?.incarnation === 1,
    )
    await middle.stop()
    const later = await start(middle, { store: middle.store })
    later.membership.publishOwnRecord(own)
    await later.dial(founder)
    await eventually(
      'the record',
      () => founder.membership.nodeRecord(middle.identity.peerId)?.incarnation === 2,
    )
    await later.stop()
    // The store of the first day: no record, no incarnation.
    const restored = await start({ identity: middle.identity, chain: middle.chain })
    restored.membership.publishOwnRecord({ ...own, addresses: ['/ip4/127.0.0.1/tcp/7'] })
    await restored.dial(founder)
    await eventually(
      'the restored record to win',
      () => founder.membership.nodeRecord(middle.identity.peerId)?.addresses[0] === '/ip4/127.0.0.1/tcp/7',
    )
    expect(NOW_MS).toBeLessThan(clock.now())
  })
})
