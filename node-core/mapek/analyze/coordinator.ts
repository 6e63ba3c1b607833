import type { PeerId } from '../../domain/ids.ts'
import type { Subject } from '../../domain/subject.ts'

/** What a node knows of who else can see a fault. */
export interface Positions {
  readonly self: PeerId
  /** Members that can be reached from here, without this node. */
  readonly reachable: ReadonlySet<PeerId>
  /** Of a member, as last advertised by it. */
  neighboursOf(peer: PeerId): readonly PeerId[]
}

/**
 * Who witnesses a fault follows from where it is, and all nodes of one side of the mesh see the same positions: so each
 * of them names the same coordinator, the lowest of the witnesses that can be reached, and names the next one as soon as
 * that one is gone. No word of another member is needed for it, so that none can be forged: a member that claims others
 * to be down convinces nobody.
 */
export function electCoordinator(
  subject: Subject,
  { self, reachable, neighboursOf }: Positions,
): { readonly witnesses: readonly PeerId[]; readonly coordinator: PeerId } {
  const isHere = (peer: PeerId): boolean => peer === self || reachable.has(peer)
  const among = (candidates: readonly PeerId[]): { witnesses: readonly PeerId[]; coordinator: PeerId } => {
    const here = [...new Set(candidates)].filter(isHere).sort()
    return { witnesses: [...new Set([...here, self])].sort(), coordinator: here[0] ?? self }
  }
  switch (subject.kind) {
    case 'link':
      return among(subject.ends)
    case 'node': {
      const neighbours = neighboursOf(subject.peer).filter(isHere)
      return among(neighbours.length > 0 ? neighbours : [self, ...reachable])
    }
    case 'mesh':
      return among([self, ...reachable])
    // What a node has found of itself, or of the provider that it uses, it repairs itself.
    case 'part':
    case 'service':
      return { witnesses: [self], coordinator: self }
  }
}
