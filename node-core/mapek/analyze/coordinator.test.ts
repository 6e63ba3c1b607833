import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import { linkSubject, type Subject } from '../../domain/subject.ts'
import { electCoordinator } from './coordinator.ts'

const peers = ['A', 'B', 'C', 'D', 'E', 'F'].map((letter): PeerId => {
  const peer = parsePeerId(`12D3KooW${letter}${'1'.repeat(43)}`)
  if (peer === undefined) throw new Error(letter)
  return peer
})
const at = (index: number): PeerId => peers[((index % 6) + 6) % 6] ?? ('' as PeerId)
const neighboursOf = (peer: PeerId): PeerId[] => {
  const index = peers.indexOf(peer)
  return [at(index - 1), at(index + 1)]
}
const elect = (subject: Subject, self: PeerId, gone: readonly PeerId[] = []) =>
  electCoordinator(subject, {
    ...{ self, neighboursOf },
    reachable: new Set(peers.filter((peer) => peer !== self && !gone.includes(peer))),
  })

describe('the coordinator of an incident', () => {
  it('is one and the same at all nodes that live, for a node, a link and the mesh, whoever is gone', () => {
    const gone = fc.subarray([0, 1, 2, 3, 4, 5], { maxLength: 4 })
    fc.assert(
      fc.property(gone, fc.nat(5), (dead, index) => {
        const absent = dead.map(at)
        const living = peers.filter((peer) => !absent.includes(peer))
        const subjects: Subject[] = [
          { kind: 'node', peer: at(index) },
          { kind: 'mesh' },
          ...(living.includes(at(index)) || living.includes(at(index + 1))
            ? [linkSubject(at(index), at(index + 1))]
            : []),
        ]
        for (const subject of subjects) {
          const named = new Set(living.map((self) => elect(subject, self, absent).coordinator))
          expect(named.size).toBe(1)
          expect(living).toContain([...named][0])
        }
      }),
    )
  })

  it('is the lowest neighbour of a node that is down, and the next one when that is gone too', () => {
    const subject = { kind: 'node', peer: at(2) } as const
    expect(elect(subject, at(5), [at(2)]).coordinator).toBe(at(1))
    expect(elect(subject, at(5), [at(1), at(2)]).coordinator).toBe(at(3))
  })

  it('is the node itself for what only it can know', () => {
    expect(elect({ kind: 'part', peer: at(3), part: 'store' }, at(3)).coordinator).toBe(at(3))
  })
})
