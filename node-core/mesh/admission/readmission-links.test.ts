import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { type HopChain, startChain } from '../../../tests/helpers/hop-chain.ts'
import { type MeshNode, startMeshNode } from '../../../tests/helpers/mesh-nodes.ts'
import { securityWorld, type TestNode } from '../../../tests/helpers/security-world.ts'
import { type TestMember, worldClock } from '../../../tests/helpers/test-members.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

/** How often a node has admitted others in full, and by ticket. */
const counts = ({ membership }: Pick<TestMember, 'membership'>): number[] => {
  const { admitted = 0, readmitted = 0 } = membership.counters()
  return [admitted, readmitted]
}

describe('re-admission over real connections', () => {
  const world = securityWorld()
  const clock = worldClock()
  const start = async (node: TestNode): Promise<MeshNode> => {
    const started = await startMeshNode(world, node, { clock })
    stops.push(started.stop)
    return started
  }
  const part = async (from: MeshNode, to: MeshNode): Promise<void> => {
    await from.host.release(to.identity.peerId, 'test')
    await eventually('both have parted', () => to.host.peers().length + from.host.peers().length === 0)
  }

  it('is by ticket for a node that reconnects, and in full for one that was restarted', async () => {
    const [alice, clara] = [await start(world.member()), world.member()]
    const bob = await start(clara)
    await alice.dial(bob)
    await part(alice, bob)
    await alice.dial(bob)
    await eventually('both have counted', () => counts(bob).join() === '1,1')
    expect(counts(alice)).toEqual([1, 1])
    await bob.stop()
    expect(bob.tickets.size()).toBe(0)
    await eventually('alice has noticed', () => alice.host.peers().length === 0)

    const restarted = await start(clara)
    await alice.dial(restarted)
    await eventually('both have counted', () => counts(restarted).join() === '1,0')
    expect(counts(alice)).toEqual([2, 1])
    await part(alice, restarted)
    await restarted.dial(alice)
    await eventually('both have counted', () => counts(alice).join() === '2,2')
  })

  it('is by ticket for the far end of a second routed connection', async () => {
    const chain: HopChain = await startChain(3)
    stops.push(chain.stop)
    const first = await chain.connect(0, 2)
    const before = counts(chain.node(2))
    const second = await chain.node(0).routed.open(chain.path(0, 2), AbortSignal.timeout(10_000))
    expect([first.near.isOpen, second.isOpen]).toEqual([true, true])
    const [admitted = 0, readmitted = 0] = before
    expect(counts(chain.node(2))).toEqual([admitted, readmitted + 1])
  })
})
