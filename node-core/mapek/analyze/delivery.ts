import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Watch } from '../monitor/picture.ts'

/** Whether traffic arrives at a member, by echoes end to end over whatever way there is. */
export interface Delivery {
  /** Asks now and again while somebody keeps asking; the answer so far. */
  suspect(peer: PeerId): Verdict
  /** Nobody suspects it any more. */
  trust(peer: PeerId): void
  /** The last answer of a member, ms since the epoch; `undefined` without one since it was suspected. */
  lastAnswerAt(peer: PeerId): number | undefined
  stop(): void
}

export type Verdict = 'pending' | 'alive' | 'dead'

/** One echo has so long; a second one proves that the first was no accident. */
const ECHO_LIMIT_MS = 350
/** What makes this node late often makes the others late as well, and an echo passes several of them. */
const LIMIT_PER_LAG = 4
const MAX_LIMIT_MS = 2_000
const PAUSE_MS = 100
const PAUSE_WHEN_KNOWN_MS = 500
const FAILURES_THAT_PROVE = 2
/** More suspects than these at once are a storm, and the answers of a sample of them say as much. */
const MAX_SUSPECTS = 32

interface Suspect {
  verdict: Verdict
  failures: number
  answeredAt: number | undefined
  /** Monotonic. What it has signed since then is as good as an answer; each advert once. */
  aliveMs: number
  readonly stop: AbortController
  cancel: () => void
}

export function createDelivery(
  deps: {
    readonly clock: Clock
    readonly watch: Pick<Watch, 'echo' | 'signedMs'>
    /** How late this process has been, of late. */
    readonly lagMs: () => number
  },
  onChange: () => void,
): Delivery {
  const { clock, watch } = deps
  const suspects = new Map<PeerId, Suspect>()

  /** Nobody but itself signs its adverts, and a node that loses a link signs a new one at once. */
  const hasSigned = (peer: PeerId, suspect: Suspect): boolean => {
    const ageMs = watch.signedMs(peer)
    const atMs = ageMs === undefined ? Number.NEGATIVE_INFINITY : clock.monotonicMs() - ageMs
    if (atMs <= suspect.aliveMs) return false
    suspect.aliveMs = atMs
    return true
  }

  const ask = (peer: PeerId, suspect: Suspect): void => {
    const limit = new AbortController()
    const limitMs = Math.min(MAX_LIMIT_MS, ECHO_LIMIT_MS + LIMIT_PER_LAG * deps.lagMs())
    const cancelLimit = clock.after(limitMs, () => limit.abort(new Error('no answer in time')))
    const signal = AbortSignal.any([limit.signal, suspect.stop.signal])
    const done = (echoed: boolean): void => {
      cancelLimit()
      if (suspect.stop.signal.aborted) return
      const answered = echoed || hasSigned(peer, suspect)
      const before = suspect.verdict
      suspect.failures = answered ? 0 : suspect.failures + 1
      if (answered) {
        suspect.answeredAt = clock.now()
        suspect.verdict = 'alive'
      } else if (suspect.failures >= FAILURES_THAT_PROVE) suspect.verdict = 'dead'
      const isKnown = suspect.verdict === before && before !== 'pending'
      suspect.cancel = clock.after(isKnown ? PAUSE_WHEN_KNOWN_MS : PAUSE_MS, () => ask(peer, suspect))
      if (suspect.verdict !== before) onChange()
    }
    watch.echo(peer, signal).then(
      () => done(true),
      () => done(false),
    )
  }

  const drop = (peer: PeerId): void => {
    const suspect = suspects.get(peer)
    suspects.delete(peer)
    suspect?.stop.abort(new Error('nobody asks any more'))
    suspect?.cancel()
  }

  return {
    suspect(peer) {
      const known = suspects.get(peer)
      if (known !== undefined) return known.verdict
      if (suspects.size >= MAX_SUSPECTS) return 'pending'
      const suspect: Suspect = {
        ...{ verdict: 'pending', failures: 0, answeredAt: undefined, aliveMs: clock.monotonicMs() },
        ...{ stop: new AbortController(), cancel: () => {} },
      }
      suspects.set(peer, suspect)
      ask(peer, suspect)
      return suspect.verdict
    },
    trust: drop,
    lastAnswerAt: (peer) => suspects.get(peer)?.answeredAt,
    stop() {
      for (const peer of [...suspects.keys()]) drop(peer)
    },
  }
}
