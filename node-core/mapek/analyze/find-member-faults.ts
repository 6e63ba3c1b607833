import { fewNames } from '../../domain/few-names.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { MemberFact, Picture } from '../monitor/picture.ts'
import { aboutNode, aboutPart, type Finding } from './finding.ts'

/** A node that has just started has not had the time to reach anybody. */
const STARTING_MS = 8_000
/** Ways come and go for a moment while adverts travel. */
const PATHLESS_MS = 400
const MAX_NAMES = 4

export interface MemberMemory {
  /** Looks at the members, and at who answers. */
  look(picture: Picture, answers: (peer: PeerId) => 'pending' | 'alive' | 'dead' | 'unasked'): void
  isGone(peer: PeerId): boolean
  /** As it last advertised them while it was there. */
  neighboursOf(peer: PeerId): readonly PeerId[]
  find(picture: Picture): Finding[]
}

interface Known {
  /** Its neighbours by the last advert from when it was there. */
  neighbours: readonly PeerId[]
  wasReached: boolean
  goneAt: number | undefined
  isGone: boolean
}

/** Who of the members is there, and what it means that some are not. */
export function createMemberMemory(deps: {
  readonly now: () => number
  readonly startedAt: number
  readonly self: PeerId
  readonly nameOf: (peer: PeerId) => string
}): MemberMemory {
  const { now, self, nameOf } = deps
  const known = new Map<PeerId, Known>()

  const update = (member: MemberFact, answers: 'pending' | 'alive' | 'dead' | 'unasked'): void => {
    const one = known.get(member.peer) ?? {
      ...{ neighbours: [], wasReached: false, goneAt: undefined, isGone: false },
    }
    known.set(member.peer, one)
    const isMissing = (!member.reachable && answers !== 'alive') || answers === 'dead'
    if (!isMissing) {
      if (answers === 'pending') return
      one.wasReached = true
      one.neighbours = member.neighbours
      one.goneAt = undefined
      one.isGone = false
      return
    }
    one.goneAt ??= now()
    // Members that were never reached are not missed: what is not known is unknown.
    one.isGone = one.wasReached && (answers === 'dead' || now() - one.goneAt >= PATHLESS_MS)
  }

  const gone = (): [PeerId, Known][] => [...known].filter(([, one]) => one.isGone)

  return {
    look(picture, answers) {
      const present = new Set(picture.members.map(({ peer }) => peer))
      for (const peer of [...known.keys()]) if (!present.has(peer)) known.delete(peer)
      for (const member of picture.members) update(member, answers(member.peer))
    },
    isGone: (peer) => known.get(peer)?.isGone === true,
    neighboursOf: (peer) => known.get(peer)?.neighbours ?? [],
    find(picture) {
      const findings: Finding[] = gone().map(([peer, { goneAt }]) => ({
        ...{ code: 'node-down', subject: aboutNode(peer), confidence: 0.85, firstSeenAt: goneAt ?? now() },
        text: `${nameOf(peer)} answers no more, over no way.`,
      }))
      const groups = groupsOf(new Map(gone())).filter((group) => group.length >= 2)
      if (groups.length > 0) findings.push(partitionOf(groups.flat(), known, now(), nameOf))
      const isNew = now() - deps.startedAt < STARTING_MS
      const nobody = picture.members.length > 0 && [...known.values()].every(({ wasReached }) => !wasReached)
      if (nobody && !isNew && picture.standing === 'member') {
        findings.push({
          ...{
            code: 'isolated',
            subject: aboutPart(self, 'uplink'),
            confidence: 0.95,
            firstSeenAt: deps.startedAt,
          },
          text: `None of the ${picture.members.length} other members could be reached since the start.`,
        })
      }
      return findings
    },
  }
}

/** Those that are gone, grouped by the links that they had among themselves when last heard of. */
function groupsOf(gone: ReadonlyMap<PeerId, Known>): PeerId[][] {
  const left = new Set(gone.keys())
  const groups: PeerId[][] = []
  for (const start of gone.keys()) {
    if (!left.delete(start)) continue
    const group = [start]
    for (const at of group) {
      for (const other of [...left]) {
        const isLinked =
          gone.get(at)?.neighbours.includes(other) === true &&
          gone.get(other)?.neighbours.includes(at) === true
        if (isLinked && left.delete(other)) group.push(other)
      }
    }
    groups.push(group)
  }
  return groups
}

function partitionOf(
  lost: readonly PeerId[],
  known: ReadonlyMap<PeerId, Known>,
  now: number,
  nameOf: (peer: PeerId) => string,
): Finding {
  return {
    ...{ code: 'mesh-partition', subject: { kind: 'mesh' }, confidence: 0.75 },
    firstSeenAt: Math.min(...lost.map((peer) => known.get(peer)?.goneAt ?? now)),
    text: `${fewNames(lost.map(nameOf), MAX_NAMES)} cannot be reached, and had links among themselves.`,
  }
}
