import type { PeerId } from '../../domain/ids.ts'
import { FaultError } from '../../platform/error.ts'

/** Why a node on the way does not open a route any further. Goes over the wire. */
export const ROUTE_REFUSALS = {
  MALFORMED: 'the request is not of the form that this mesh speaks',
  MISROUTED: 'the route does not lead from the node that asked to the one that was asked',
  LOOP: 'the route passes a node twice',
  TOO_LONG: 'the route has too many hops',
  DENIED: 'the policy or a certificate does not allow this transit',
  NO_LINK: 'there is no link to the next node that is up',
  UNREACHABLE: 'the next node did not answer',
  OVERLOADED: 'the node carries as much for the one that asked as it is willing to',
} as const

export type RouteRefusalCode = keyof typeof ROUTE_REFUSALS

/** Who refused, and why. What a node reports of those behind it is its word alone: a hint for choosing another path. */
export interface RouteRefusal {
  readonly code: RouteRefusalCode
  readonly at: PeerId
}

export type RouteFault =
  | { code: 'ROUTE_REFUSED'; refusal: RouteRefusal; path: readonly PeerId[] }
  /** The route was open, but the far end did not authenticate as the one that was asked for, or did not admit. */
  | { code: 'ROUTE_END_REFUSED'; peer: PeerId; path: readonly PeerId[] }
  | { code: 'ROUTE_CLOSED'; peer: PeerId }
  | { code: 'ROUTES_STOPPED' }

export const routeFault = (fault: RouteFault, message: string, cause?: unknown): FaultError<RouteFault> =>
  new FaultError<RouteFault>(fault, message, cause === undefined ? {} : { cause })
