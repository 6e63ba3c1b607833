import type { MeshId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Emitter } from '../../platform/emitter.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { MeshAuthority } from '../../security/authority.ts'
import type { ClockFloor } from '../../security/clock-floor.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import { MAX_CLOCK_SKEW_MS } from '../../security/limits.ts'
import type { AuthorityBook } from './authority-book.ts'
import type { MembershipEvents, News } from './events.ts'
import type { MembershipStore } from './store-port.ts'

/** What the parts of membership share. */
export interface MembershipContext {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly store: MembershipStore
  readonly identity: NodeIdentity
  /** Present on a node that holds the authority's key, for as long as no other key has replaced it. */
  readonly authorityKey: MeshAuthority | undefined
  readonly meshId: MeshId
  readonly authorities: AuthorityBook
  readonly events: Emitter<MembershipEvents>
  readonly counters: Counters
  readonly floor: ClockFloor
}

/**
 * The time that validity is judged by, ms since the epoch. A clock that was set back does not bring an expired
 * certificate back to life: what is known to have passed stays passed, give or take the skew that any clock may have.
 */
export const validityNow = (context: MembershipContext): number =>
  Math.max(context.clock.now(), context.floor.floorMs() - MAX_CLOCK_SKEW_MS)

export interface Counters {
  /** `name` is one of a fixed set, never made of foreign text: the table stays small. */
  count(name: string): void
  read(): Readonly<Record<string, number>>
}

export function createCounters(): Counters {
  const counts = new Map<string, number>()
  return {
    count: (name) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    read: () => Object.fromEntries(counts),
  }
}

/**
 * What became of a signed item that came from a neighbour or from the store. `later` is nobody's fault: something that
 * it builds on has not come yet, or the clocks differ. `bad` convicts whoever passed it on.
 */
export type Acceptance =
  | { readonly kind: 'kept'; readonly news: News }
  | { readonly kind: 'known' }
  | { readonly kind: 'later'; readonly why: string }
  | { readonly kind: 'bad'; readonly why: string }

export const KNOWN: Acceptance = { kind: 'known' }
export const later = (why: string): Acceptance => ({ kind: 'later', why })
export const bad = (why: string): Acceptance => ({ kind: 'bad', why })
