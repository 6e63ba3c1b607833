import type { PeerId } from '../../domain/ids.ts'
import type { LinkEvents } from '../links/link-table.ts'
import type { LinkView } from '../links/link-view.ts'
import type { Membership } from '../membership/membership.ts'

/** What routing needs of membership: who counts, by which key and with which rights. */
export type RoutingMembership = Pick<
  Membership,
  'self' | 'meshId' | 'standing' | 'certificateOf' | 'policy' | 'noteMisbehaviour' | 'replica' | 'events'
>

/** The own links as they are measured. */
export interface RoutingLinks {
  links(): readonly LinkView[]
  readonly events: {
    on(event: 'stateChanged', listener: (change: LinkEvents['stateChanged']) => void): () => void
  }
}

/** Bytes that wait at this end for the link to a neighbour. */
export type QueuedBytes = (peer: PeerId) => number

/** Small texts under fixed names that outlive a restart. */
export interface RoutingStore {
  get(key: string): string | undefined
  set(key: string, value: string): void
}
