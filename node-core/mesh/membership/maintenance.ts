import type { Lifecycle } from '../../platform/lifecycle.ts'
import { type MembershipContext, validityNow } from './context.ts'
import type { InviteDesk } from './invite-desk.ts'
import type { CertificateIssuing } from './issuer.ts'
import type { JoinDesk } from './join-desk.ts'
import type { PolicyBook } from './policy-book.ts'
import type { RecordBook } from './record-book.ts'
import type { Registry } from './registry.ts'
import type { RevocationBook } from './revocation-book.ts'

/** The wall clock may jump, so expiry is looked at this often even when nothing is due. */
const MAX_SLEEP_MS = 60_000
/** Two things that expire close together are handled in one go, and a clock that runs back cannot make this spin. */
const MIN_SLEEP_MS = 50

/** Loads what is remembered and does what time asks for: expiry, denied requests, heads signed anew, the clock floor. */
export function createMaintenance(
  context: MembershipContext,
  parts: {
    readonly registry: Registry
    readonly revocations: RevocationBook
    readonly policies: PolicyBook
    readonly records: RecordBook
    readonly issuing: CertificateIssuing
    readonly invites: InviteDesk
    readonly joins: JoinDesk
  },
  options: { readonly headIntervalMs: number; readonly saveFloor: () => void },
): Lifecycle {
  const { registry, revocations, policies, records, issuing, invites, joins } = parts
  let isLoaded = false
  let cancel: (() => void) | undefined
  let stopLooking = (): void => {}
  let dueMs = 0
  let headDueMs = 0
  let wasBehind = false

  const checkClock = (): void => {
    const byMs = issuing.clockBehindMs()
    const isBehind = byMs > 0
    if (isBehind && !wasBehind) {
      context.counters.count('clock-behind')
      context.logger.warn('the clock is behind a time already seen: nothing is issued', { byMs })
      context.events.emit('clockBehind', { byMs })
    }
    wasBehind = isBehind
    options.saveFloor()
  }

  const renewHeads = (): void => {
    const signer = issuing.logSigner()
    if (signer === undefined || wasBehind || context.clock.monotonicMs() < headDueMs) return
    headDueMs = context.clock.monotonicMs() + options.headIntervalMs
    const head = revocations.renewHead(signer, context.clock.now())
    if (head !== undefined) context.events.emit('news', { kind: 'head', issuer: head.issuer })
  }

  const tick = (): void => {
    checkClock()
    renewHeads()
    joins.sweep()
    invites.sweep()
    const nextExpiryMs = registry.sweep()
    for (const record of records.all()) {
      if (registry.certificateOf(record.peerId) === undefined) records.forget(record.peerId)
    }
    const untilExpiryMs = nextExpiryMs - validityNow(context)
    schedule(Math.max(MIN_SLEEP_MS, Math.min(MAX_SLEEP_MS, untilExpiryMs, options.headIntervalMs)))
  }
  const schedule = (delayMs: number): void => {
    cancel?.()
    dueMs = context.clock.monotonicMs() + delayMs
    cancel = context.clock.after(delayMs, tick)
  }
  /** A certificate that is new here may end before anything that is waited for. */
  const lookSoon = (): void => {
    if (cancel !== undefined && dueMs > context.clock.monotonicMs() + MIN_SLEEP_MS) schedule(MIN_SLEEP_MS)
  }

  return {
    async start() {
      if (cancel !== undefined) return
      if (!isLoaded) {
        isLoaded = true
        registry.load()
        revocations.load()
        policies.load()
        records.load()
      }
      headDueMs = context.clock.monotonicMs()
      stopLooking = context.events.on('memberChanged', lookSoon)
      tick()
    },
    async stop() {
      stopLooking()
      cancel?.()
      cancel = undefined
      if (isLoaded) options.saveFloor()
    },
  }
}
