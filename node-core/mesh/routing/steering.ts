import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'

/** Traffic that this node leads away for a while, by what it advertises: every node follows, and none is cut off. */
export interface Steering {
  /** Makes the link to a neighbour the last choice of everybody. False when it is so already. */
  avoidLink(peer: PeerId, forMs: number): boolean
  releaseLink(peer: PeerId): boolean
  /** Carries nothing for others. False when it is so already. */
  drain(forMs: number): boolean
  undrain(): boolean
  list(): readonly Steer[]
}

/** Something that is led away, and until when at the earliest. Wall clock, ms since the epoch. */
export type Steer =
  | { readonly kind: 'link'; readonly peer: PeerId; readonly until: number }
  | { readonly kind: 'drained'; readonly until: number }

export interface SteeringState extends Steering {
  /** What is added to the cost of the own link to a neighbour, microseconds. */
  extraCostUs(peer: PeerId): number
  readonly isDrained: boolean
  stop(): void
}

/** More than any measured link costs, and less than what the cost is capped at: where no other way is, it is used. */
const AVOIDED_US = 30_000_000
/** A link that is still bad when its time is up stays avoided for as long again, and so often at most. */
const MAX_PROLONGATIONS = 20
const MAX_STEER_MS = 3_600_000

interface Entry {
  until: number
  prolonged: number
  cancel: () => void
}

export function createSteering(
  clock: Clock,
  deps: {
    /** Whether the link is good again now. */
    readonly isFine: (peer: PeerId) => boolean
    readonly onChange: () => void
  },
): SteeringState {
  const links = new Map<PeerId, Entry>()
  let drained: Entry | undefined

  const release = (peer: PeerId): boolean => {
    const entry = links.get(peer)
    entry?.cancel()
    links.delete(peer)
    if (entry !== undefined) deps.onChange()
    return entry !== undefined
  }
  const undrain = (): boolean => {
    const was = drained
    was?.cancel()
    drained = undefined
    if (was !== undefined) deps.onChange()
    return was !== undefined
  }
  const expire = (peer: PeerId, entry: Entry, forMs: number): void => {
    if (deps.isFine(peer) || entry.prolonged >= MAX_PROLONGATIONS) {
      release(peer)
      return
    }
    entry.prolonged += 1
    entry.until = clock.now() + forMs
    entry.cancel = clock.after(forMs, () => expire(peer, entry, forMs))
  }
  return {
    avoidLink(peer, wantedMs) {
      const forMs = Math.min(MAX_STEER_MS, Math.max(1, wantedMs))
      const known = links.get(peer)
      known?.cancel()
      const entry: Entry = { until: clock.now() + forMs, prolonged: 0, cancel: () => {} }
      entry.cancel = clock.after(forMs, () => expire(peer, entry, forMs))
      links.set(peer, entry)
      if (known === undefined) deps.onChange()
      return known === undefined
    },
    releaseLink: release,
    drain(wantedMs) {
      const forMs = Math.min(MAX_STEER_MS, Math.max(1, wantedMs))
      const wasDrained = drained !== undefined
      drained?.cancel()
      drained = { until: clock.now() + forMs, prolonged: 0, cancel: clock.after(forMs, undrain) }
      if (!wasDrained) deps.onChange()
      return !wasDrained
    },
    undrain,
    list: () => [
      ...[...links].map(([peer, { until }]) => ({ kind: 'link', peer, until }) as const),
      ...(drained === undefined ? [] : [{ kind: 'drained', until: drained.until } as const]),
    ],
    extraCostUs: (peer) => (links.has(peer) ? AVOIDED_US : 0),
    get isDrained() {
      return drained !== undefined
    },
    stop() {
      for (const { cancel } of links.values()) cancel()
      links.clear()
      drained?.cancel()
      drained = undefined
    },
  }
}
