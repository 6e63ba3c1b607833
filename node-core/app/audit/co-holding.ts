import type { PeerId } from '../../domain/ids.ts'
import type { AuditExchange } from '../../mesh/audit/audit-exchange.ts'
import type { PeerStreams } from '../../mesh/host/peer-streams.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { decodeAuditHead } from '../../security/audit-entry.ts'
import type { AuditLog } from './audit-log.ts'

export interface CoHoldingDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly log: AuditLog
  readonly exchange: Pick<AuditExchange, 'offer'>
  readonly neighbours: Pick<PeerStreams, 'peers' | 'onConnect' | 'onDisconnect'>
}

const RETRY_MS = 30_000

interface Neighbour {
  /** The hash that it has said to hold. */
  held: string | undefined
  busy: boolean
  cancel: () => void
}

/** Gives every head of the own log to all neighbours, at once, and again until they have it. */
export function createCoHolding({ clock, logger, log, exchange, neighbours }: CoHoldingDeps): Lifecycle {
  const known = new Map<PeerId, Neighbour>()
  const offs: (() => void)[] = []
  let stopping = new AbortController()

  const give = async (peer: PeerId, neighbour: Neighbour): Promise<void> => {
    const head = log.head()
    if (head === undefined || neighbour.busy || neighbour.held === head.hash) return
    neighbour.busy = true
    try {
      const highest = await exchange.offer(peer, head.bytes, stopping.signal)
      neighbour.held = head.hash
      const held = highest && decodeAuditHead(highest)
      if (held !== undefined) log.continueAfterLoss(held)
    } catch (error) {
      if (stopping.signal.aborted || known.get(peer) !== neighbour) return
      logger.debug('a neighbour took no head of the audit log', { peer, error: messageOf(error) })
      neighbour.cancel = clock.after(RETRY_MS, () => void give(peer, neighbour))
      return
    } finally {
      neighbour.busy = false
    }
    // It may have moved on meanwhile.
    if (known.get(peer) === neighbour) await give(peer, neighbour)
  }

  const forget = (peer: PeerId): void => {
    known.get(peer)?.cancel()
    known.delete(peer)
  }
  const meet = (peer: PeerId): void => {
    forget(peer)
    const neighbour: Neighbour = { held: undefined, busy: false, cancel: () => {} }
    known.set(peer, neighbour)
    void give(peer, neighbour)
  }

  return {
    async start() {
      stopping = new AbortController()
      offs.push(
        neighbours.onConnect(meet),
        neighbours.onDisconnect(forget),
        log.events.on('head', () => {
          for (const [peer, neighbour] of known) void give(peer, neighbour)
        }),
      )
      for (const peer of neighbours.peers()) meet(peer)
    },
    async stop() {
      stopping.abort()
      for (const off of offs.splice(0)) off()
      for (const peer of [...known.keys()]) forget(peer)
    },
  }
}
