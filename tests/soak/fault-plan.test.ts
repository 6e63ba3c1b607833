import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTopologyText } from '../../node-core/lab/topology.ts'
import { nodeName } from '../helpers/lab.ts'
import { areConnected, chooseFault, describeFault, isWhole, linksOf, type SoakFault } from './fault-plan.ts'

const ring = parseTopologyText('ring:6')
const ends = [nodeName('n1'), nodeName('n4')] as const
const world = (broken: readonly SoakFault[] = [], mayKill = true) => ({
  ...{ topology: ring, ends, broken, mayKill },
})
const cut = (a: string, b: string): SoakFault => ({
  ...{ kind: 'link', link: { a: nodeName(a), b: nodeName(b) }, impairment: { kind: 'cut' }, forMs: 1 },
})
const stopped = (node: string): SoakFault => ({
  kind: 'node',
  node: nodeName(node),
  action: 'stop',
  forMs: 1,
})

describe('the faults of a soak', () => {
  it('are the same for the same seed and step, and others for another', () => {
    const listed = (seed: number) =>
      Array.from({ length: 20 }, (_, step) => chooseFault(seed, step, world())).map((fault) =>
        fault === undefined ? 'none' : describeFault(fault),
      )
    expect(listed(7)).toEqual(listed(7))
    expect(listed(7)).not.toEqual(listed(8))
    expect(new Set(listed(7).map((text) => text.split(' ')[0])).size).toBeGreaterThan(4)
  })

  it('never part the two ends, hit one of them, or hit the same thing twice', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(5), (seed, count) => {
        const broken: SoakFault[] = []
        for (let step = 0; step <= count; step++) {
          const fault = chooseFault(seed, step, world(broken))
          if (fault === undefined) continue
          expect(fault.kind === 'node' && ends.includes(fault.node)).toBe(false)
          broken.push(fault)
        }
        expect(areConnected(ring, ends, broken)).toBe(true)
        const hit = broken.map((fault) =>
          fault.kind === 'node' ? fault.node : [fault.link.a, fault.link.b].toSorted().join(),
        )
        expect(new Set(hit).size).toBe(hit.length)
      }),
    )
  })

  it('leave nodes alive when told so', () => {
    const faults = Array.from({ length: 200 }, (_, step) => chooseFault(3, step, world([], false)))
    expect(faults.filter((fault) => fault?.kind === 'node').length).toBeGreaterThan(20)
    expect(faults.some((fault) => fault?.kind === 'node' && fault.action === 'kill')).toBe(false)
  })

  it('part a ring when they are on both sides of it, unless they only slow down', () => {
    expect(areConnected(ring, ends, [cut('n2', 'n1')])).toBe(true)
    expect(areConnected(ring, ends, [cut('n1', 'n2'), stopped('n5')])).toBe(false)
    const slow: SoakFault = {
      ...{ kind: 'link', link: { a: nodeName('n1'), b: nodeName('n6') }, forMs: 1 },
      impairment: { kind: 'delay', ms: 5, jitterMs: 0 },
    }
    expect(areConnected(ring, ends, [cut('n1', 'n2'), slow])).toBe(true)
  })

  it('say which links they touch', () => {
    expect(linksOf(stopped('n2'), ring)).toHaveLength(2)
    expect(linksOf(cut('n2', 'n1'), ring)).toHaveLength(1)
    expect(isWhole({ a: nodeName('n1'), b: nodeName('n2') }, [cut('n2', 'n1')])).toBe(false)
    expect(isWhole({ a: nodeName('n1'), b: nodeName('n6') }, [cut('n2', 'n1'), stopped('n3')])).toBe(true)
  })
})
