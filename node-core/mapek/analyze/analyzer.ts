import type { PeerId } from '../../domain/ids.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { IncidentBook } from '../incidents/incident-book.ts'
import type { MemberFact, Picture, Watch } from '../monitor/picture.ts'
import { electCoordinator } from './coordinator.ts'
import { createDelivery, type Verdict } from './delivery.ts'
import { brokenLinks, findLinkFaults } from './find-link-faults.ts'
import { createMemberMemory } from './find-member-faults.ts'
import { createOwnFaults } from './find-own-faults.ts'
import { createRenewalWarnings } from './find-renewals.ts'
import { aboutPart, type Finding } from './finding.ts'
import { createLinkMemories } from './link-memory.ts'
import { createStormWatch } from './storm.ts'
import { createTracker } from './tracker.ts'

export interface AnalyzerDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly watch: Watch
  readonly book: IncidentBook
  /** The other end of a link said of late that of its two directions one arrives. */
  readonly isToldOneWay?: (peer: PeerId) => boolean
}

/** Nothing happens: a look a second. Something is wrong or in doubt: five. A sign: at once. */
const CALM_INTERVAL_MS = 1_000
const BUSY_INTERVAL_MS = 200
const SIGN_DELAY_MS = 15
const CONFIRM_LIMIT_MS = 1_000
/** One look that failed is an accident. */
const FAILURES_THAT_PROVE = 3

/** Looks at the mesh again and again, and keeps the incidents that it finds in the book. */
export function createAnalyzer(deps: AnalyzerDeps): Lifecycle {
  const { clock, logger, watch, book } = deps
  const isToldOneWay = deps.isToldOneWay ?? (() => false)
  const log = logger.child({ component: 'analyze' })
  const { self, nameOf } = watch
  const offs: (() => void)[] = []
  let cancel = (): void => {}
  let dueMs = Number.POSITIVE_INFINITY
  let isRunning = false
  let failures = 0
  const memories = createLinkMemories(clock)
  const members = createMemberMemory({ now: clock.now, startedAt: clock.now(), self, nameOf })
  const own = createOwnFaults({ clock, self, nameOf })
  const renewals = createRenewalWarnings({ now: clock.now, self })
  const storm = createStormWatch()
  const delivery = createDelivery({ clock, watch, lagMs: () => lagMs }, () => lookIn(0))
  const tracker = createTracker({ clock, book, self, nameOf, elect, confirm })
  let suspects = new Set<PeerId>()
  let lagMs = 0
  let reachable: ReadonlySet<PeerId> = new Set()

  function confirm(peer: PeerId): Promise<unknown> {
    return watch.echo(peer, AbortSignal.timeout(CONFIRM_LIMIT_MS))
  }

  function elect(subject: Subject) {
    return electCoordinator(subject, { self, reachable, neighboursOf: members.neighboursOf })
  }

  const lookIn = (delayMs: number): void => {
    const at = clock.monotonicMs() + delayMs
    if (!isRunning || at >= dueMs) return
    cancel()
    dueMs = at
    cancel = clock.after(delayMs, look)
  }

  const find = (picture: Picture): Finding[] => {
    const now = clock.now()
    memories.meet(picture.links)
    lagMs = picture.resources?.loopLagMs ?? 0
    const seen = { picture, memories, now }
    const asked = suspectsOf(seen, members.isGone)
    for (const peer of suspects) if (!asked.has(peer)) delivery.trust(peer)
    suspects = asked
    const verdicts = new Map<PeerId, Verdict>([...asked].map((peer) => [peer, delivery.suspect(peer)]))
    members.look(picture, (peer) => verdicts.get(peer) ?? 'unasked')
    const isThere = ({ peer, reachable: leads }: MemberFact): boolean => leads && !members.isGone(peer)
    reachable = new Set(picture.members.filter(isThere).map(({ peer }) => peer))
    const isPending = (peer: PeerId): boolean => verdicts.get(peer) === 'pending'
    return [
      ...findLinkFaults({ ...seen, self, nameOf, isGone: members.isGone, isPending, isToldOneWay }),
      ...members.find(picture),
      ...own.find(picture),
      ...renewals(picture),
    ]
  }

  const look = (): void => {
    dueMs = Number.POSITIVE_INFINITY
    try {
      tracker.see(storm(find(watch.picture())))
      failures = 0
    } catch (error) {
      failures += 1
      log.error('a look at the mesh failed', { error: messageOf(error), failures })
      if (failures >= FAILURES_THAT_PROVE) tellOfFailure(messageOf(error))
    }
    lookIn(tracker.isBusy || suspects.size > 0 ? BUSY_INTERVAL_MS : CALM_INTERVAL_MS)
  }

  const tellOfFailure = (why: string): void => {
    const finding: Finding = {
      ...{ code: 'loop-fault', subject: aboutPart(self, 'loop'), confidence: 1, firstSeenAt: clock.now() },
      text: `The analysis failed ${failures} times in a row: ${why}.`,
    }
    try {
      tracker.see([{ finding, consequences: [] }])
    } catch (error) {
      log.error('not even that could be told', { error: messageOf(error) })
    }
  }

  return {
    async start() {
      if (isRunning) return
      isRunning = true
      tracker.adopt()
      offs.push(
        own.follow(watch),
        watch.signs.on('link', (sign) => {
          memories.note(sign)
          lookIn(SIGN_DELAY_MS)
        }),
        watch.signs.on('routes', () => lookIn(tracker.isBusy ? BUSY_INTERVAL_MS : SIGN_DELAY_MS)),
        watch.signs.on('woke', () => memories.forgive()),
      )
      lookIn(CALM_INTERVAL_MS)
    },
    async stop() {
      isRunning = false
      cancel()
      for (const off of offs.splice(0)) off()
      delivery.stop()
    },
  }
}

/** Members whose link broke, those to which no way leads any more, and those that were gone at the last look. */
function suspectsOf(seen: Parameters<typeof brokenLinks>[0], isGone: (peer: PeerId) => boolean): Set<PeerId> {
  const isMember = new Set(seen.picture.members.map(({ peer }) => peer))
  const broken = brokenLinks(seen).filter(
    ({ farewell, peer }) => farewell === undefined && isMember.has(peer),
  )
  const missing = seen.picture.members.filter(({ peer, reachable }) => isGone(peer) && reachable)
  return new Set([...broken, ...missing].map(({ peer }) => peer))
}
