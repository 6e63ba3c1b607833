import type { PeerId } from '../../domain/ids.ts'
import type { Picture } from '../monitor/picture.ts'
import { aboutNode, aboutPart, type Finding } from './finding.ts'

/** A new policy is everywhere within seconds, and what members say of themselves follows it. */
const DRIFT_MS = 30_000
const MAX_NAMES = 4

/**
 * Members within reach that work by an older policy than this node, and this node when most others have a newer one. What a
 * member does not say of itself is not known, and no drift.
 */
export function createDriftWatch(deps: {
  readonly now: () => number
  readonly self: PeerId
  readonly nameOf: (peer: PeerId) => string
}): (picture: Picture) => Finding[] {
  const { now, self, nameOf } = deps
  const since = new Map<PeerId, number>()
  return ({ members, policy }) => {
    const differ = new Set<PeerId>()
    const [behind, ahead]: [PeerId[], PeerId[]] = [[], []]
    for (const member of members) {
      if (!member.reachable || member.policy === undefined || member.policy === policy) continue
      differ.add(member.peer)
      const at = since.get(member.peer) ?? now()
      since.set(member.peer, at)
      if (now() - at < DRIFT_MS) continue
      if (member.policy < policy) behind.push(member.peer)
      else ahead.push(member.peer)
    }
    for (const peer of since.keys()) if (!differ.has(peer)) since.delete(peer)
    const dated = (peers: readonly PeerId[]): number =>
      Math.min(...peers.map((peer) => since.get(peer) ?? now()))
    const findings: Finding[] = behind.map((peer) => ({
      ...{ code: 'config-drift', subject: aboutNode(peer), confidence: 0.8, firstSeenAt: dated([peer]) },
      text: `${nameOf(peer)} works by an older policy than this node, which has number ${policy}.`,
    }))
    if (ahead.length > 0) {
      const names = ahead.slice(0, MAX_NAMES).map(nameOf).join(', ')
      findings.push({
        ...{ code: 'config-drift', subject: aboutPart(self, 'config'), confidence: 0.8 },
        firstSeenAt: dated(ahead),
        text: `This node works by policy number ${policy}; newer ones are at ${names}.`,
      })
    }
    return findings
  }
}
