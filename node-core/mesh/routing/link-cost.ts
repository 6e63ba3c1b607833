import type { LinkState } from '../../domain/link.ts'
import { MAX_LINK_COST_US } from '../../security/link-advert.ts'

/** What is measured of a link, as its cost needs it. */
export interface MeasuredLink {
  readonly state: LinkState
  /** Smoothed round trip, ms; `undefined` before the first. */
  readonly rttMs: number | undefined
  /** 0 to 1, estimated. */
  readonly lossEstimate: number | undefined
  /** Bytes that wait at this end for the link. */
  readonly queuedBytes: number
}

/** Before the first round trip, which comes within a second. */
const UNKNOWN_RTT_MS = 20
/** What each link adds whatever it measures: a node between has to read and write everything once more. */
const PER_LINK_US = 500
/** A lost segment stalls a TCP connection for at least this long: the least retransmission timeout of Linux. */
const LOSS_STALL_US = 200_000
/** What the queue takes at 100 MB/s. */
const QUEUE_US_PER_BYTE = 0.01
/** A link that may be dead is used where there is no other; one that answers late is used when others are much worse. */
const SUSPECT_US = 20_000_000
const DEGRADED_US = 50_000

/** Microseconds: round trip, estimated loss and load, and what the state of the link says of the near future. */
export function linkCostUs({ state, rttMs, lossEstimate, queuedBytes }: MeasuredLink): number {
  const rttUs = (rttMs ?? UNKNOWN_RTT_MS) * 1_000
  const lossUs = (lossEstimate ?? 0) * LOSS_STALL_US
  const stateUs = state === 'suspect' ? SUSPECT_US : state === 'degraded' ? DEGRADED_US : 0
  const costUs = PER_LINK_US + rttUs + lossUs + queuedBytes * QUEUE_US_PER_BYTE + stateUs
  return Math.min(MAX_LINK_COST_US, Math.max(1, Math.round(costUs)))
}

const NOTABLE_SHARE = 0.3
const NOTABLE_US = 3_000

/** Whether a cost has moved far enough from what was advertised to be worth telling everybody. */
export function isNotable(advertisedUs: number, costUs: number): boolean {
  const change = Math.abs(costUs - advertisedUs)
  return change >= NOTABLE_US && change >= Math.min(advertisedUs, costUs) * NOTABLE_SHARE
}
