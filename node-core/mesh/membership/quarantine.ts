import { z } from 'zod'
import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import type { MembershipContext } from './context.ts'

/** A member that this node keeps away from itself for a while. */
export interface Quarantined {
  readonly peer: PeerId
  /** Wall clock, ms since the epoch. */
  readonly until: number
  readonly reason: string
}

/** Members that this node refuses, whatever their certificates say. It decides for itself alone, and never for good. */
export interface Quarantine {
  has(peer: PeerId): boolean
  /** False when the peer is in it already, is this node, or when there is no room. */
  put(peer: PeerId, forMs: number, reason: string): boolean
  release(peer: PeerId): boolean
  list(): readonly Quarantined[]
  start(): void
  stop(): void
}

const KEY = 'quarantine'
const MAX_QUARANTINE_MS = 24 * 3_600_000
/** So that a loop gone mad cannot shut this node off from a large mesh. */
const MAX_QUARANTINED = 16
const MAX_REASON = 200

const keptSchema = z.array(z.object({ peer: z.string(), until: z.number(), reason: z.string() }))

export function createQuarantine(context: MembershipContext): Quarantine {
  const { clock, store, logger, events, identity } = context
  const entries = new Map<PeerId, { readonly until: number; readonly reason: string; cancel: () => void }>()

  const keep = (): void => {
    const kept = [...entries].map(([peer, { until, reason }]) => ({ peer, until, reason }))
    store.meta.set(KEY, JSON.stringify(kept))
  }
  const isOpen = (peer: PeerId): boolean => {
    const entry = entries.get(peer)
    return entry !== undefined && entry.until > clock.now()
  }
  const release = (peer: PeerId): boolean => {
    const entry = entries.get(peer)
    if (entry === undefined) return false
    entry.cancel()
    entries.delete(peer)
    keep()
    logger.info('a peer is out of quarantine', { peer })
    events.emit('memberChanged', { peer })
    return true
  }
  const begin = (peer: PeerId, until: number, reason: string): void => {
    const cancel = clock.after(Math.max(0, until - clock.now()), () => void release(peer))
    entries.set(peer, { until, reason, cancel })
  }
  return {
    has: isOpen,
    put(peer, forMs, reason) {
      if (peer === identity.peerId || isOpen(peer) || entries.size >= MAX_QUARANTINED) return false
      begin(peer, clock.now() + Math.min(MAX_QUARANTINE_MS, Math.max(1, forMs)), reason.slice(0, MAX_REASON))
      keep()
      logger.warn('a peer is in quarantine', { peer, reason })
      events.emit('expelled', { peer, reason: 'quarantined' })
      events.emit('memberChanged', { peer })
      return true
    },
    release,
    list: () => [...entries].map(([peer, { until, reason }]) => ({ peer, until, reason })),
    start() {
      for (const { peer: raw, until, reason } of readKept(store.meta.get(KEY))) {
        const peer = parsePeerId(raw)
        if (peer !== undefined && until > clock.now()) begin(peer, until, reason)
      }
    },
    stop() {
      for (const { cancel } of entries.values()) cancel()
      entries.clear()
    },
  }
}

function readKept(raw: string | undefined): z.infer<typeof keptSchema> {
  if (raw === undefined) return []
  try {
    return keptSchema.parse(JSON.parse(raw)).slice(0, MAX_QUARANTINED)
  } catch {
    // What cannot be read is forgotten: a quarantine is a precaution of this node and nothing that others rely on.
    return []
  }
}
