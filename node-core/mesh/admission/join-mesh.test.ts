import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { type MeshNode, startMeshNode } from '../../../tests/helpers/mesh-nodes.ts'
import { type SecurityWorld, securityWorld, type TestNode } from '../../../tests/helpers/security-world.ts'
import { worldClock } from '../../../tests/helpers/test-members.ts'
import type { NodeName } from '../../domain/ids.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import type { InviteInput } from '../membership/invite-desk.ts'
import { type JoinOutcome, joinMesh, joinMeshPatiently } from './join-mesh.ts'

describe('joining a mesh over real connections', () => {
  const clock = worldClock()
  const deps = { clock, random: systemRandom, logger: silentLogger }
  const nodes: MeshNode[] = []
  let world: SecurityWorld
  let founder: MeshNode

  beforeEach(async () => {
    world = securityWorld()
    founder = await start(world.founder, true)
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  async function start(node: TestNode, holdsAuthority = false): Promise<MeshNode> {
    const started = await startMeshNode(world, node, { clock, holdsAuthority })
    nodes.push(started)
    return started
  }
  const invite = (over: Partial<InviteInput> = {}): string =>
    founder.membership.createInvite({
      role: 'operator',
      expiresInMs: 60_000,
      addresses: founder.addresses(),
      ...over,
    }).token
  const join = (
    token: string,
    identity: NodeIdentity = world.identity(),
    name = 'laptop',
  ): Promise<JoinOutcome> =>
    joinMesh(deps, { token, identity, name: name as NodeName, signal: AbortSignal.timeout(20_000) })

  it('joins, and the certificate lets the node in as a member', async () => {
    const identity = world.identity()
    const outcome = await join(invite(), identity)
    if (outcome.kind !== 'joined') throw new Error(`it was ${JSON.stringify(outcome)}`)
    expect(outcome).toMatchObject({
      authority: world.authority.key.publicKey,
      addresses: founder.addresses(),
    })
    expect(founder.host.peers()).toEqual([])
    const member = await start({ identity, chain: outcome.chain })
    await member.dial(founder)
    expect(founder.host.peers()).toEqual([identity.peerId])
  })

  it('keeps no connection and opens no stream for whoever joins', async () => {
    await join(invite())
    await eventually('the connection to be gone', () => founder.host.connections.all().length === 0)
    expect(founder.membership.counters()['admitted']).toBeUndefined()
  })

  it('joins through a member that is not the issuer', async () => {
    const helper = await start(world.member())
    await helper.dial(founder)
    const identity = world.identity()
    const token = invite({ addresses: helper.addresses() })
    const outcome = await join(token, identity)
    expect(outcome).toMatchObject({ kind: 'joined', chain: { leaf: { issuer: founder.identity.peerId } } })
    expect(await join(token, world.identity(), 'thief')).toMatchObject({
      kind: 'refused',
      code: 'invite-used',
      proven: true,
    })
    expect(helper.refusals).toMatchObject([{ code: 'invite-used' }])
    // The news comes to the helper, so that it knows the newcomer before it connects.
    await eventually('the helper to know', () => helper.membership.standing(identity.peerId) === 'member')
  })

  it('says so when no member that it reaches is connected to the issuer', async () => {
    const helper = await start(world.member())
    const outcome = await join(invite({ addresses: helper.addresses() }))
    expect(outcome).toMatchObject({ kind: 'unreachable', attempts: [{ address: helper.addresses()[0] }] })
    expect(helper.refusals).toMatchObject([{ code: 'issuer-unreachable' }])
  })

  it('tries every address: the dead, the silent and the wrong one before the right one', async () => {
    const silent = await listenSilently()
    const other = securityWorld(2)
    const stranger = await startMeshNode(other, other.founder, { clock, holdsAuthority: true })
    nodes.push(stranger)
    const { port } = silent.address() as { port: number }
    const addresses = [
      '/ip4/127.0.0.1/tcp/1',
      `/ip4/127.0.0.1/tcp/${port}`,
      ...stranger.addresses(),
      '/not/an/address',
      ...founder.addresses(),
    ]
    try {
      expect(await join(invite({ addresses }))).toMatchObject({ kind: 'joined' })
      expect(stranger.refusals).toMatchObject([{ code: 'wrong-mesh' }])
    } finally {
      silent.close()
    }
  }, 30_000)

  it('waits for the operator and joins once approved', async () => {
    let pendingId: string | undefined
    const token = invite({ needsApproval: true })
    const onPending = (id: string): void => {
      pendingId = id
    }
    const identity = world.identity()
    const signal = AbortSignal.timeout(15_000)
    const waiting = joinMeshPatiently(deps, { token, identity, name: 'slow' as NodeName, signal, onPending })
    await eventually('the request to be pending', () => pendingId !== undefined)
    const [pending] = founder.membership.pendingJoins()
    expect(pending?.id).toBe(pendingId)
    if (pending !== undefined) founder.membership.approve(pending.id)
    expect(await waiting).toMatchObject({ kind: 'joined' })
  })

  it('tells a token that is none, a damaged and an expired one apart, without sending anything', async () => {
    const token = invite({ expiresInMs: 1 })
    expect(await join('hello')).toEqual({ kind: 'bad-token', why: 'not-a-token' })
    expect(await join(`${token.slice(0, -2)}zz`)).toEqual({ kind: 'bad-token', why: 'damaged' })
    await eventually(
      'the token to expire',
      () => clock.now() > (founder.membership.invites()[0]?.expiresAt ?? 0),
    )
    expect(await join(token)).toEqual({ kind: 'bad-token', why: 'expired' })
    expect(founder.refusals).toEqual([])
  })

  it('does not connect a member whose PeerId another node uses', async () => {
    const real = world.member()
    const impostor = { identity: world.identity(), chain: real.chain }
    const node = await start(impostor)
    await expect(node.dial(founder)).rejects.toThrow()
    expect(founder.host.peers()).toEqual([])
  })
})

const listenSilently = (): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1', () =>
      resolve(server),
    )
  })
