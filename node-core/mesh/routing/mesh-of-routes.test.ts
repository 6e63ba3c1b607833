import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { type RoutedNode, startRoutedNode } from '../../../tests/helpers/routed-nodes.ts'
import { type SecurityWorld, securityWorld } from '../../../tests/helpers/security-world.ts'
import { worldClock } from '../../../tests/helpers/test-members.ts'
import type { PeerId } from '../../domain/ids.ts'

describe('routing over real hosts', () => {
  const nodes: RoutedNode[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  })

  async function start(count: number, noTransit: readonly number[] = []): Promise<readonly RoutedNode[]> {
    const world: SecurityWorld = securityWorld()
    const clock = worldClock()
    for (let index = 0; index < count; index++) {
      const transit = !noTransit.includes(index)
      const node = index === 0 ? world.founder : world.member('operator', world.founder, { transit })
      const options = { clock, holdsAuthority: index === 0, sync: { summaryMs: 500 } }
      nodes.push(await startRoutedNode(world, node, { ...options, routing: { summaryMs: 500 } }))
    }
    return nodes
  }
  const at = (index: number): RoutedNode => {
    const node = nodes[index]
    if (node === undefined) throw new RangeError(`there is no node ${index}`)
    return node
  }
  const numbers = (paths: readonly (readonly PeerId[])[]): number[][] =>
    paths.map((hops) => hops.map((hop) => nodes.findIndex(({ peer }) => peer === hop)))
  const paths = (from: number, to: number): number[][] => numbers(at(from).routing.pathsTo(at(to).peer))
  const join = (a: number, b: number): Promise<unknown> => at(a).dial(at(b))

  it('find the way through a chain, and lose it with the node between', async () => {
    await start(4)
    for (let index = 1; index < 4; index++) await join(index, index - 1)
    await eventually('the ends to have a path', () => paths(0, 3).length > 0 && paths(3, 0).length > 0)
    expect(paths(0, 3)).toEqual([[1, 2, 3]])
    expect(paths(3, 0)).toEqual([[2, 1, 0]])
    expect(paths(0, 1)).toEqual([[1]])
    await at(2).stop()
    await eventually('the path to be gone', () => paths(0, 3).length === 0)
    expect(paths(0, 1)).toEqual([[1]])
  })

  it('never lead through a node whose certificate does not let it carry', async () => {
    await start(3, [1])
    await join(1, 0)
    await join(2, 1)
    await eventually('everyone to be heard', () =>
      nodes.every(({ routing }) => routing.topology().nodes.length === 3),
    )
    await eventually('the policy to arrive', () => at(2).membership.policy().rules.length > 0)
    expect(paths(0, 2)).toEqual([])
    expect(paths(0, 1)).toEqual([[1]])
  })

  it('see both ways around a ring, and only one when it is cut, within a second', async () => {
    await start(6)
    for (let index = 0; index < 6; index++) await join(index, (index + 1) % 6)
    await eventually('two ways everywhere', () =>
      nodes.every((_, from) => nodes.every((__, to) => from === to || paths(from, to).length === 2)),
    )
    const byNumber = (found: number[][]): number[][] => found.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))
    expect(byNumber(paths(0, 3))).toEqual([
      [1, 2, 3],
      [5, 4, 3],
    ])
    const cutMs = performance.now()
    at(1).host.drop(at(2).peer, 'the test cuts it')
    await eventually('the cut to be seen', () => paths(0, 3).length === 1, 1_000)
    expect(paths(0, 3)).toEqual([[5, 4, 3]])
    expect(performance.now() - cutMs).toBeLessThan(1_000)
  })

  it('leads everybody around a link or a node that is to be avoided, cuts nobody off, and restores it', async () => {
    await start(6)
    for (let index = 0; index < 6; index++) await join(index, (index + 1) % 6)
    await eventually('two ways everywhere', () =>
      nodes.every((_, from) => nodes.every((__, to) => from === to || paths(from, to).length === 2)),
    )
    const { steering } = at(1).routing
    expect(steering.avoidLink(at(2).peer, 60_000)).toBe(true)
    await eventually('a node farther away to go the other way', () => paths(0, 2)[0]?.join() === '5,4,3,2')
    await eventually('the node itself as well', () => paths(1, 2)[0]?.join() === '0,5,4,3,2')
    expect(paths(1, 2)).toContainEqual([2])
    steering.releaseLink(at(2).peer)
    await eventually('the direct link to be used again', () => paths(1, 2)[0]?.join() === '2')
    at(1).routing.steering.drain(60_000)
    await eventually('nothing to lead through it', () => paths(0, 2).every(([first]) => first !== 1))
    expect(paths(0, 1)[0]).toEqual([1])
    at(1).routing.steering.undrain()
    await eventually('it to carry again', () => paths(0, 2).some(([first]) => first === 1))
  })

  it('gives the adverts to a node that comes late, and takes back those of one that is expelled', async () => {
    await start(4)
    await join(1, 0)
    await join(2, 1)
    await eventually('three to be heard', () => at(0).routing.topology().nodes.length === 3)
    await join(3, 2)
    await eventually('the late one to hear all', () => at(3).routing.topology().nodes.length === 4)
    await eventually('the way to it', () => paths(0, 3).length === 1)
    at(0).membership.revoke(at(3).peer)
    await eventually('its advert to be forgotten', () =>
      nodes.slice(0, 3).every(({ routing }) => routing.topology().nodes.length === 3),
    )
    expect(paths(0, 3)).toEqual([])
  })

  it('goes on above its own past after a restart', async () => {
    await start(2)
    await join(1, 0)
    const numberOf = (): [number, number] => {
      const advert = at(0)
        .routing.topology()
        .nodes.find(({ origin }) => origin === at(1).peer)
      return [advert?.incarnation ?? 0, advert?.seq ?? 0]
    }
    await eventually('it to be heard with its link', () => paths(0, 1).length === 1 && numberOf()[0] > 0)
    const [before] = numberOf()
    const old = at(1)
    await old.stop()
    const world = securityWorld()
    nodes[1] = await startRoutedNode(world, old, { clock: worldClock(), store: old.store })
    await join(1, 0)
    await eventually('a later life to be heard', () => numberOf()[0] > before)
    await eventually('the way to it', () => paths(0, 1).length === 1)
  })
})
