import type { PeerId } from '../../domain/ids.ts'
import type { Certificate } from '../../security/certificate.ts'
import { flagValue } from '../../security/feature-flags.ts'
import { evaluatePolicy, type Policy } from '../../security/policy.ts'
import type { Standing } from '../membership/events.ts'
import type { RouteRefusalCode } from './route-fault.ts'
import { MAX_HOPS, type RouteHeader } from './route-header.ts'

/** What a route is judged by. */
export interface RouteMembership {
  standing(peer: PeerId): Standing
  certificateOf(peer: PeerId): Certificate | undefined
  policy(): Policy
}

/** What this node is to a route that arrives. */
export type Arrival =
  | { readonly kind: 'end' }
  | { readonly kind: 'forward'; readonly next: PeerId }
  | { readonly kind: 'refused'; readonly code: RouteRefusalCode }

/** The shape of a whole path, from the node that opens it to its far end. */
export function judgePath(path: readonly PeerId[]): RouteRefusalCode | undefined {
  if (path.length - 1 > MAX_HOPS) return 'TOO_LONG'
  return new Set(path).size === path.length ? undefined : 'LOOP'
}

/**
 * Judges a header by what this node knows for sure: itself and the authenticated previous hop. A liar may shorten the
 * history of a route or invent one; it gains nothing, because every honest node shortens what remains by one, and
 * limits and policy look at the previous hop.
 */
export function judgeArrival(header: RouteHeader, self: PeerId, previous: PeerId): Arrival {
  const { path, at } = header
  const code = judgePath(path)
  if (code !== undefined) return { kind: 'refused', code }
  if (path[at] !== self || path[at - 1] !== previous) return { kind: 'refused', code: 'MISROUTED' }
  const next = path[at + 1]
  return next === undefined ? { kind: 'end' } : { kind: 'forward', next }
}

/**
 * Whether this node may carry a route: its own certificate and the policy, asked for the authenticated previous hop.
 * The policy is asked for the source that the route names as well, and both named ends must not be expelled: a lie
 * there gets no more than the truth about the previous hop would.
 */
export function mayCarry(membership: RouteMembership, header: RouteHeader): boolean {
  const { path, at } = header
  const carrier = certificateAt(membership, path, at)
  const previous = certificateAt(membership, path, at - 1)
  if (carrier === undefined || previous === undefined || !carrier.transit) return false
  const source = certificateAt(membership, path, 0)
  const policy = membership.policy()
  const parties = source === undefined || source.peerId === previous.peerId ? [previous] : [previous, source]
  return (
    isPathFit(membership, header.path) &&
    parties.every((who) => evaluatePolicy(policy, { action: 'transit', who, at: carrier }).allow)
  )
}

/**
 * Whether this node need not encrypt for a link once more what the two ends of a route have encrypted: the policy's
 * word, asked again for each turn so that a change of it takes effect at once.
 */
export function mayGoBare(
  membership: Pick<RouteMembership, 'certificateOf' | 'policy'>,
  self: PeerId,
): boolean {
  const own = membership.certificateOf(self)
  return own !== undefined && flagValue(membership.policy().flags, 'fast-transit', own.labels).value
}

/** No expelled node on the path, and nobody in the middle whose certificate is known and forbids transit. */
export function isPathFit(membership: RouteMembership, path: readonly PeerId[]): boolean {
  return path.every((peer, index) => {
    const standing = membership.standing(peer)
    if (standing !== 'member' && standing !== 'unknown') return false
    const isEnd = index === 0 || index === path.length - 1
    return isEnd || membership.certificateOf(peer)?.transit !== false
  })
}

function certificateAt(
  membership: RouteMembership,
  path: readonly PeerId[],
  index: number,
): Certificate | undefined {
  const peer = path[index]
  return peer === undefined || membership.standing(peer) !== 'member'
    ? undefined
    : membership.certificateOf(peer)
}
