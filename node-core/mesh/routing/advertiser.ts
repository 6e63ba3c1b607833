import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Random } from '../../platform/random.ts'
import type { HybridKey } from '../../security/hybrid-key.ts'
import {
  type LinkAdvertEntry,
  MAX_ADVERT_LINKS,
  MAX_LINK_COST_US,
  signLinkAdvert,
} from '../../security/link-advert.ts'
import type { LinkView } from '../links/link-view.ts'
import type { AdvertStore } from './advert-store.ts'
import { createFlapDamping } from './flap-damping.ts'
import { isNotable, linkCostUs } from './link-cost.ts'
import { createLowestRtt } from './lowest-rtt.ts'
import type { OwnNumbers } from './own-numbers.ts'
import type { QueuedBytes, RoutingLinks, RoutingMembership } from './ports.ts'
import type { SteeringState } from './steering.ts'
import { createTokenBucket } from './token-bucket.ts'

export interface AdvertiserDeps {
  readonly clock: Clock
  readonly random: Random
  readonly membership: RoutingMembership
  readonly links: RoutingLinks
  readonly queuedBytes: QueuedBytes
  readonly key: HybridKey
  readonly numbers: OwnNumbers
  readonly store: AdvertStore
  /** What traffic is led away from, on purpose. */
  readonly steering?: Pick<SteeringState, 'extraCostUs' | 'isDrained'>
}

export interface AdvertiserOptions {
  /** How often an advert is signed anew when nothing has changed, jittered. */
  readonly refreshMs: number
}

/** Says what links this node has, as soon as that changes and no more often than others can bear. */
export interface Advertiser extends Lifecycle {
  /** Looks at the links again. Call it about every second. */
  tick(): void
  /** Signs anew now, whether or not anything has changed. */
  resign(): void
}

/** Changes that come together, as when a machine loses its network, go out together. */
const GATHER_MS = 10
/** This many at once, then one for each interval. */
const BURST = 6
const EVERY_MS = 2_000
/**
 * A cost that has risen is told at most this often: soon when it has risen by much, seldom when by little. On a busy
 * machine the round trip of an idle link wanders by some milliseconds all the time, and an advert has 4 KB.
 */
const COST_EVERY_MS = 10_000
const LITTLE_EVERY_MS = 60_000
const LITTLE_US = 50_000

export const createAdvertiser = (deps: AdvertiserDeps, options: AdvertiserOptions): Advertiser =>
  new LinkAdvertiser(deps, options)

class LinkAdvertiser implements Advertiser {
  readonly #deps: AdvertiserDeps
  readonly #refreshMs: number
  readonly #damping = createFlapDamping()
  readonly #lowestRtt = createLowestRtt()
  readonly #pace = createTokenBucket(BURST, EVERY_MS)
  readonly #offs: (() => void)[] = []
  #said: readonly LinkAdvertEntry[] | undefined
  #saidCertificate: string | undefined
  #saidMs = 0
  #refreshDueMs = 0
  #cancel: (() => void) | undefined
  #isDue = false

  constructor(deps: AdvertiserDeps, { refreshMs }: AdvertiserOptions) {
    this.#deps = deps
    this.#refreshMs = refreshMs
  }

  async start(): Promise<void> {
    if (this.#offs.length > 0) return
    const { links, clock } = this.#deps
    this.#offs.push(
      links.events.on('stateChanged', ({ peer, to }) => {
        if (to === 'down' || to === 'suspect') this.#damping.lost(peer, to, clock.monotonicMs())
        this.#schedule(GATHER_MS)
      }),
    )
    this.#isDue = true
    // Without a link there is nobody to tell: what is said then is of no use, and a signature that the start waits for.
    if (this.#entries(clock.monotonicMs()).length > 0) this.#look()
  }

  async stop(): Promise<void> {
    for (const off of this.#offs.splice(0)) off()
    this.#cancel?.()
    this.#cancel = undefined
  }

  tick(): void {
    this.#lowestRtt.sample(this.#deps.links.links(), this.#deps.clock.monotonicMs())
    if (this.#offs.length > 0 && this.#cancel === undefined) this.#look()
  }

  resign(): void {
    this.#isDue = true
    this.#look()
  }

  #schedule(delayMs: number): void {
    this.#cancel ??= this.#deps.clock.after(delayMs, () => {
      this.#cancel = undefined
      this.#look()
    })
  }

  #look(): void {
    const { clock, membership } = this.#deps
    const certificate = membership.certificateOf(membership.self)
    if (certificate === undefined || membership.standing(membership.self) !== 'member') return
    const nowMs = clock.monotonicMs()
    const links = this.#entries(nowMs)
    const isNews =
      this.#isDue ||
      nowMs >= this.#refreshDueMs ||
      certificate.hash !== this.#saidCertificate ||
      this.#hasChanged(links, nowMs)
    if (!isNews) return
    if (!this.#pace.take(nowMs)) {
      this.#schedule(this.#pace.waitMs(nowMs))
      return
    }
    this.#say(links, certificate, nowMs)
  }

  #say(
    links: readonly LinkAdvertEntry[],
    certificate: { readonly hash: string; readonly transit: boolean },
    nowMs: number,
  ): void {
    const { clock, random, membership, key, numbers, store } = this.#deps
    this.#isDue = false
    this.#said = links
    this.#saidCertificate = certificate.hash
    this.#saidMs = nowMs
    // Never later than asked for, and not in step with the others.
    this.#refreshDueMs = nowMs + this.#refreshMs * (0.8 + 0.2 * random.unit())
    const advert = signLinkAdvert(key, {
      meshId: membership.meshId,
      origin: membership.self,
      ...numbers.next(),
      certificateHash: certificate.hash,
      transit: certificate.transit && this.#deps.steering?.isDrained !== true,
      links,
      at: clock.now(),
    })
    store.publish(advert)
  }

  #entries(nowMs: number): readonly LinkAdvertEntry[] {
    return this.#deps.links
      .links()
      .filter(({ state }) => state !== 'down')
      .map((link) => this.#entryOf(this.#damped(link, nowMs), this.#lowestRtt.of(link)))
      .sort((a, b) => a.costUs - b.costUs)
      .slice(0, MAX_ADVERT_LINKS)
      .sort((a, b) => (a.peer < b.peer ? -1 : 1))
  }

  /**
   * A link that flaps is left for last, like one that may be dead, and its further turns between the two are no news.
   * Never left out: on a machine that is too busy every link flaps, and a node without any link has no way anywhere.
   */
  #damped(link: LinkView, nowMs: number): LinkView {
    return this.#damping.isSuppressed(link.peer, nowMs) ? { ...link, state: 'suspect' } : link
  }

  #entryOf({ peer, state, lossEstimate, suite }: LinkView, rttMs: number | undefined): LinkAdvertEntry {
    const queuedBytes = this.#deps.queuedBytes(peer)
    return {
      peer,
      costUs: Math.min(
        MAX_LINK_COST_US,
        linkCostUs({ state, rttMs, lossEstimate, queuedBytes }) +
          (this.#deps.steering?.extraCostUs(peer) ?? 0),
      ),
      rttUs: rttMs === undefined ? null : Math.min(MAX_LINK_COST_US, Math.round(rttMs * 1_000)),
      lossPpm: lossEstimate === undefined ? null : Math.round(lossEstimate * 1_000_000),
      suite: suite === undefined || suite === '' ? 'unknown' : suite,
    }
  }

  #hasChanged(links: readonly LinkAdvertEntry[], nowMs: number): boolean {
    const said = new Map<PeerId, LinkAdvertEntry>(this.#said?.map((entry) => [entry.peer, entry]))
    if (this.#said === undefined || said.size !== links.length) return true
    if (links.some(({ peer }) => !said.has(peer))) return true
    const moved = links.filter((entry) => isNotable(said.get(entry.peer)?.costUs ?? 0, entry.costUs))
    if (moved.length === 0) return false
    // A first measurement, and a link in or out of suspicion, is no mere cost that has moved. A lower one was measured.
    const isUrgent = moved.some((entry) => {
      const before = said.get(entry.peer)
      const riseUs = entry.costUs - (before?.costUs ?? 0)
      return before?.rttUs === null || riseUs < 0 || riseUs > URGENT_US
    })
    const mostUs = Math.max(...moved.map(({ peer, costUs }) => costUs - (said.get(peer)?.costUs ?? 0)))
    return isUrgent || nowMs - this.#saidMs >= (mostUs < LITTLE_US ? LITTLE_EVERY_MS : COST_EVERY_MS)
  }
}

/** Only suspicion moves a cost by so much at once. */
const URGENT_US = 10_000_000
