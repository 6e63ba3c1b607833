import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import { ROLES } from '../../domain/role.ts'
import type { LinkAdvert } from '../../security/link-advert.ts'
import type { ItemName } from '../flood/replica.ts'
import type { RoutingMembership } from './ports.ts'

/** The certificate that an advert names, as neighbours ask each other for it: `PEER/HASH`. */
export const certificateName = ({
  origin,
  certificateHash,
}: Pick<LinkAdvert, 'origin' | 'certificateHash'>): ItemName<'certificate'> => ({
  kind: 'certificate',
  name: `${origin}/${certificateHash}`,
})

/**
 * The chain of the certificate that counts here for the peer in the name. Its hash may be another than the one that was
 * asked for, when it was renewed meanwhile: the keys are the same.
 */
export function certificateItem(
  { certificateOf, replica }: Pick<RoutingMembership, 'certificateOf' | 'replica'>,
  name: string,
): Uint8Array | undefined {
  const peer: PeerId | undefined = parsePeerId(name.split('/')[0] ?? '')
  const certificate = peer && certificateOf(peer)
  if (certificate === undefined) return undefined
  // Issued by the authority (-1) or by a node of some role.
  const ranks = [-1, ...ROLES.keys()]
  const chains = ranks.flatMap((rank) => replica.read({ kind: 'certificate', name: `${peer}/${rank}` }) ?? [])
  return chains[0]?.bytes
}
