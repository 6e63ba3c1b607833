import { type PeerId, parsePeerId } from '../domain/ids.ts'
import { isRefusalCode, isRetryable, type RefusalCode } from '../mesh/membership/events.ts'
import type { Membership } from '../mesh/membership/membership.ts'
import type { NoiseHfsParts } from '../noise-hfs/noise-hfs.ts'

/** What other members said when they refused this node, until they let it in again. */
export interface PeerRefusals {
  of(peer: PeerId): RefusalCode | undefined
  /** Follows the handshakes; the returned function ends it. */
  follow(events: NoiseHfsParts['events']): () => void
}

/**
 * A node that was cut off before it could hear why would blame the network. The handshake has proved who refuses, so
 * a member's word is taken for what it is: that member's word.
 */
export function createPeerRefusals(membership: Pick<Membership, 'standing'>): PeerRefusals {
  const refusals = new Map<PeerId, RefusalCode>()
  return {
    of: (peer) => refusals.get(peer),
    follow(events) {
      const offs = [
        events.on('refused', ({ by, code, direction, peer }) => {
          const member = parsePeerId(peer ?? '')
          if (by !== 'remote' || direction !== 'outbound' || member === undefined) return
          if (!isRefusalCode(code) || isRetryable(code) || membership.standing(member) !== 'member') return
          refusals.set(member, code)
        }),
        events.on('secured', ({ peer }) => {
          const member = parsePeerId(peer ?? '')
          if (member !== undefined) refusals.delete(member)
        }),
      ]
      return () => {
        for (const off of offs) off()
      }
    },
  }
}
