import type { Membership } from '../mesh/membership/membership.ts'
import type { Lifecycle } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { HealthBoard } from './health-board.ts'

interface Meta {
  get(key: string): string | undefined
  set(key: string, value: string): void
}

const RESTORED_KEY = 'restored-at'
const CODE = 'restored-behind'

/** It may still have to learn who was revoked since. */
export const isRestoredBehind = (meta: Pick<Meta, 'get'>): boolean => (meta.get(RESTORED_KEY) ?? '') !== ''

/** The store of this home is of an earlier time than what the node may have known. */
export const markRestored = (meta: Meta, at: number): void => meta.set(RESTORED_KEY, String(at))

/** Whether what this node knows of its members may be older than what it knew before it was restored. */
export interface CatchingUp {
  /** Until then it serves nobody, uses nobody's services and certifies nobody but itself. */
  readonly isBehind: boolean
  /** A member was found to hold just what this node holds. */
  caughtUp(): void
  /** Looks at the members once they are loaded. */
  following(membership: Pick<Membership, 'self' | 'members'>): Lifecycle
}

export interface CatchingUpDeps {
  readonly logger: Logger
  readonly meta: Meta
  readonly health: HealthBoard
  /** Is called when it has. */
  readonly onCaughtUp: () => void
}

/**
 * A node that was restored from a backup may have forgotten revocations. It connects and compares what it holds with its
 * neighbours; once one of them holds the same signed state, nothing is missing that the mesh knows, and it goes on.
 */
export function createCatchingUp(deps: CatchingUpDeps): CatchingUp {
  const { logger, meta, health } = deps
  let behind = isRestoredBehind(meta)
  const end = (why: string): void => {
    if (!behind) return
    behind = false
    meta.set(RESTORED_KEY, '')
    health.clear(CODE)
    logger.info('the restored node knows what the mesh knows', { why })
    deps.onCaughtUp()
  }
  return {
    get isBehind() {
      return behind
    },
    caughtUp: () => end('a member holds the same'),
    following: (membership) => ({
      async start() {
        if (!behind) return
        const others = membership
          .members()
          .filter(({ peer, standing }) => peer !== membership.self && standing !== 'revoked')
        if (others.length === 0) {
          end('there is no other member')
          return
        }
        health.raise({
          ...{ code: CODE, severity: 'warning', impactsConnectivity: true },
          title:
            'This node was restored from a backup and has not yet compared with another member who was revoked since: until then it serves nobody and lets nobody in. It takes a link to a member; if none is left, x0t restore --trust-backup.',
        })
      },
      async stop() {},
    }),
  }
}
