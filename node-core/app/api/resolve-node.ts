import type { NodeName, PeerId } from '../../domain/ids.ts'
import { parsePeerId } from '../../domain/ids.ts'
import { FaultError } from '../../platform/error.ts'
import type { NodeParts } from '../node-parts.ts'

export type ResolveFault =
  | { code: 'UNKNOWN_NODE'; node: string }
  | { code: 'AMBIGUOUS_NODE'; node: string; peers: readonly PeerId[] }

/** The member that a name or peer id means: members before those who were. */
export function findNode(parts: Pick<NodeParts, 'membership'>, node: NodeName | PeerId): PeerId | undefined {
  const byId = parsePeerId(node)
  const matches = parts.membership
    .members()
    .filter((member) => (byId === undefined ? member.certificate.name === node : member.peer === byId))
  const current = matches.filter((member) => member.standing === 'member')
  const [match, another] = current.length > 0 ? current : matches
  if (another !== undefined) {
    const peers = [match, another].flatMap((member) => (member === undefined ? [] : [member.peer]))
    throw new FaultError<ResolveFault>(
      { code: 'AMBIGUOUS_NODE', node, peers },
      `more than one node is called ${node}`,
      { hint: `Use a peer id: ${peers.join(' or ')}.` },
    )
  }
  return match?.peer
}

/** @throws FaultError UNKNOWN_NODE, AMBIGUOUS_NODE */
export function requireNode(parts: Pick<NodeParts, 'membership'>, node: NodeName | PeerId): PeerId {
  const peer = findNode(parts, node)
  if (peer !== undefined) return peer
  throw new FaultError<ResolveFault>({ code: 'UNKNOWN_NODE', node }, `this mesh has no node called ${node}`, {
    hint: 'See x0t peers for the names.',
  })
}
