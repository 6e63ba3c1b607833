import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { CertificateChain } from '../../security/chain.ts'
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

export interface MaintenanceParts {
  readonly registry: Registry
  readonly revocations: RevocationBook
  readonly policies: PolicyBook
  readonly records: RecordBook
  readonly issuing: CertificateIssuing
  readonly invites: InviteDesk
  readonly joins: JoinDesk
}

export interface MaintenanceOptions {
  readonly headIntervalMs: number
  /** Keeps a chain and tells of it. */
  readonly keep: (chain: CertificateChain) => void
  /** Puts the clock floor on disk. */
  readonly saveFloor: () => void
}

/** Loads what is remembered and does what time asks for: expiry, denied requests, heads signed anew, the clock floor. */
export const createMaintenance = (
  context: MembershipContext,
  parts: MaintenanceParts,
  options: MaintenanceOptions,
): Lifecycle => new Maintenance(context, parts, options)

class Maintenance implements Lifecycle {
  readonly #context: MembershipContext
  readonly #parts: MaintenanceParts
  readonly #options: MaintenanceOptions
  #isLoaded = false
  #wasBehind = false
  #headDueMs = 0
  /** The next look, by the monotonic clock. */
  #dueMs = 0
  #cancel: (() => void) | undefined
  #stopLooking = (): void => {}

  constructor(context: MembershipContext, parts: MaintenanceParts, options: MaintenanceOptions) {
    this.#context = context
    this.#parts = parts
    this.#options = options
  }

  async start(): Promise<void> {
    if (this.#cancel !== undefined) return
    if (!this.#isLoaded) this.#load()
    this.#headDueMs = this.#context.clock.monotonicMs()
    // A certificate that is new here may end before anything that is waited for.
    this.#stopLooking = this.#context.events.on('memberChanged', () => this.#lookSoon())
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#stopLooking()
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#isLoaded) this.#options.saveFloor()
  }

  #load(): void {
    const { registry, revocations, policies, records } = this.#parts
    this.#isLoaded = true
    registry.load()
    revocations.load()
    policies.load()
    records.load()
  }

  /** What a replaced key of the authority has signed goes on under the key of now, if that is on this node. */
  #followAuthority(): void {
    const { registry, issuing } = this.#parts
    const { authorities, authorityKey } = this.#context
    if (authorityKey === undefined || authorities.keys().length === 1) return
    for (const chain of registry.ofOldAuthority()) {
      const next = issuing.reissue(chain)
      if (next !== undefined) this.#options.keep(next)
    }
  }

  #tick(): void {
    const { registry, records, invites, joins } = this.#parts
    this.#checkClock()
    this.#followAuthority()
    this.#renewHeads()
    joins.sweep()
    invites.sweep()
    const untilExpiryMs = registry.sweep() - validityNow(this.#context)
    for (const { peerId } of records.all()) {
      if (registry.certificateOf(peerId) === undefined) records.forget(peerId)
    }
    const soonestMs = Math.min(MAX_SLEEP_MS, untilExpiryMs, this.#options.headIntervalMs)
    this.#schedule(Math.max(MIN_SLEEP_MS, soonestMs))
  }

  #schedule(delayMs: number): void {
    const { clock } = this.#context
    this.#cancel?.()
    this.#dueMs = clock.monotonicMs() + delayMs
    this.#cancel = clock.after(delayMs, () => this.#tick())
  }

  #lookSoon(): void {
    const isFarOff = this.#dueMs > this.#context.clock.monotonicMs() + MIN_SLEEP_MS
    if (this.#cancel !== undefined && isFarOff) this.#schedule(MIN_SLEEP_MS)
  }

  #checkClock(): void {
    const { counters, logger, events } = this.#context
    const byMs = this.#parts.issuing.clockBehindMs()
    if (byMs > 0 && !this.#wasBehind) {
      counters.count('clock-behind')
      logger.warn('the clock is behind a time already seen: nothing is issued', { byMs })
      events.emit('clockBehind', { byMs })
    }
    this.#wasBehind = byMs > 0
    this.#options.saveFloor()
  }

  #renewHeads(): void {
    const { clock, events } = this.#context
    const signer = this.#parts.issuing.logSigner()
    if (signer === undefined || this.#wasBehind || clock.monotonicMs() < this.#headDueMs) return
    this.#headDueMs = clock.monotonicMs() + this.#options.headIntervalMs
    const head = this.#parts.revocations.renewHead(signer, clock.now())
    if (head !== undefined) events.emit('news', { kind: 'head', issuer: head.issuer })
  }
}
