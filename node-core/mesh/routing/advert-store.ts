import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { sha256Hex } from '../../security/codec.ts'
import {
  compareAdvertNumbers,
  decodeEquivocationProof,
  decodeLinkAdvert,
  type EquivocationProof,
  type LinkAdvert,
  type LinkAdvertBody,
  proveEquivocation,
  verifyLinkAdvert,
} from '../../security/link-advert.ts'
import type { DigestLine, Item, ItemName, Outcome, Replica } from '../flood/replica.ts'
import { certificateItem, certificateName } from './certificate-items.ts'
import { type Convictions, createConvictions } from './convictions.ts'
import type { RoutingMembership } from './ports.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'

export const ADVERT_KINDS = ['advert', 'proof', 'certificate'] as const
export type AdvertKind = (typeof ADVERT_KINDS)[number]

/** A verified advert that counts as the newest of its origin. */
export interface HeldAdvert extends Omit<LinkAdvertBody, 'v'> {
  readonly bytes: Uint8Array
  readonly bodyHash: string
  /** Monotonic ms. */
  readonly receivedMs: number
}

export interface AdvertStoreEvents {
  /** Something that neighbours should hear of. */
  news: { readonly kind: 'advert' | 'proof'; readonly name: PeerId; readonly own: boolean }
  /** What is known of the links of the mesh has changed. */
  changed: { readonly origin: PeerId }
  /** Others have seen a number of this node that it does not remember: it has to go on above. */
  outnumbered: { readonly incarnation: number }
}

/** The newest advert of each member, verified, and the proofs against those who signed two under one number. */
export interface AdvertStore extends Replica<AdvertKind> {
  readonly events: Emitter<AdvertStoreEvents>
  /** Keeps an advert that this node has signed and tells it to the neighbours. */
  publish(advert: LinkAdvert): void
  get(origin: PeerId): HeldAdvert | undefined
  /** Adverts of members that count for paths now. */
  counting(): readonly HeldAdvert[]
  isConvicted(origin: PeerId): boolean
  /** Forgets all of a peer that is no member any more. */
  forget(origin: PeerId): void
  /** Something changed about the peer: what waited for its certificate is judged again. */
  retry(origin: PeerId): void
  /** Drops what is too old and judges again what had to wait. Call it about every second. */
  tick(): void
  counters(): Readonly<Record<AdvertCount, number>>
}

export type AdvertCount = 'kept' | 'stale' | 'malformed' | 'forged' | 'deferred' | 'convicted' | 'aged'

export interface AdvertStoreDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly membership: RoutingMembership
}

export interface AdvertStoreOptions {
  /** An advert that was not renewed for so long is dropped. */
  readonly maxAgeMs: number
}

/** New adverts of one origin are taken in this burst and at this pace: an honest node makes fewer. */
const ORIGIN_BURST = 20
const ORIGIN_EVERY_MS = 1_000
/** Adverts that wait for a certificate or for their turn, one of each origin. */
const MAX_WAITING = 1_024

const KNOWN: Outcome<AdvertKind> = { kind: 'known' }
const KEPT: Outcome<AdvertKind> = { kind: 'kept' }

export const createAdvertStore = (deps: AdvertStoreDeps, options: AdvertStoreOptions): AdvertStore =>
  new Store(deps, options)

interface Waiting {
  readonly advert: LinkAdvert
  readonly from: PeerId
}

class Store implements AdvertStore {
  readonly events: Emitter<AdvertStoreEvents>
  readonly #deps: AdvertStoreDeps
  readonly #maxAgeMs: number
  readonly #held = new Map<PeerId, HeldAdvert>()
  /** Hash of the bytes of an advert that was kept. */
  readonly #byHash = new Map<string, PeerId>()
  readonly #convictions: Convictions
  readonly #waiting = new Map<PeerId, Waiting>()
  readonly #paces = new Map<PeerId, TokenBucket>()
  /** Numbers of adverts that were dropped for their age: their copies elsewhere do not come back. */
  readonly #aged = new Map<PeerId, { readonly incarnation: number; readonly seq: number }>()
  readonly #counts: Record<AdvertCount, number> = {
    ...{ kept: 0, stale: 0, malformed: 0, forged: 0, deferred: 0, convicted: 0, aged: 0 },
  }

  constructor(deps: AdvertStoreDeps, { maxAgeMs }: AdvertStoreOptions) {
    this.#deps = deps
    this.#maxAgeMs = maxAgeMs
    this.#convictions = createConvictions(deps.clock)
    this.events = createEmitter((error) =>
      deps.logger.error('a listener of adverts failed', { error: messageOf(error) }),
    )
  }

  publish(advert: LinkAdvert): void {
    this.#hold(advert)
    this.#tell('advert', advert.origin, true)
  }

  get(origin: PeerId): HeldAdvert | undefined {
    return this.#held.get(origin)
  }

  counting(): readonly HeldAdvert[] {
    return [...this.#held.values()].filter(
      ({ origin }) => this.#isMember(origin) && !this.isConvicted(origin),
    )
  }

  isConvicted(origin: PeerId): boolean {
    // A copy of this very machine convicts it elsewhere; here it is not its own accuser.
    if (origin === this.#deps.membership.self) return false
    return this.#convictions.isHeldBack(origin)
  }

  forget(origin: PeerId): void {
    const hadOne = this.#held.delete(origin)
    this.#convictions.forget(origin)
    this.#waiting.delete(origin)
    this.#paces.delete(origin)
    this.#aged.delete(origin)
    if (hadOne) this.events.emit('changed', { origin })
  }

  retry(origin: PeerId): void {
    const waiting = this.#waiting.get(origin)
    if (waiting === undefined || !this.#waiting.delete(origin)) return
    const outcome = this.#acceptAdvert(waiting.advert, waiting.from)
    if (outcome.kind === 'bad') this.#deps.membership.noteMisbehaviour(waiting.from, outcome.why)
  }

  tick(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    for (const origin of [...this.#waiting.keys()]) {
      if (this.#isMember(origin) && this.#paceOf(origin).waitMs(nowMs) === 0) this.retry(origin)
    }
    for (const { origin, receivedMs, incarnation, seq } of this.#held.values()) {
      if (origin === this.#deps.membership.self || nowMs - receivedMs < this.#maxAgeMs) continue
      this.#held.delete(origin)
      this.#aged.set(origin, { incarnation, seq })
      this.#counts.aged += 1
      this.events.emit('changed', { origin })
    }
    for (const origin of this.#convictions.released()) this.events.emit('changed', { origin })
  }

  counters(): Readonly<Record<AdvertCount, number>> {
    return { ...this.#counts }
  }

  digest(): readonly DigestLine<AdvertKind>[] {
    const adverts = [...this.#held.values()]
      .filter(({ origin }) => this.#isMember(origin))
      .map(
        ({ origin, incarnation, seq, bodyHash }): DigestLine<AdvertKind> => ({
          ...{ kind: 'advert', name: origin },
          version: [incarnation, seq, bodyHash.slice(0, 16)],
        }),
      )
    const proofs = this.#convictions
      .all()
      .filter(({ origin }) => this.#isMember(origin))
      .map(
        ({ origin, incarnation, seq }): DigestLine<AdvertKind> => ({
          ...{ kind: 'proof', name: origin },
          version: [incarnation, seq],
        }),
      )
    return [...adverts, ...proofs]
  }

  read({ kind, name }: ItemName<AdvertKind>): Item<AdvertKind> | undefined {
    const origin = name as PeerId
    switch (kind) {
      case 'advert': {
        const bytes = this.#held.get(origin)?.bytes
        return bytes && { kind, bytes }
      }
      case 'proof': {
        const bytes = this.#convictions.proofOf(origin)?.bytes
        return bytes && { kind, bytes }
      }
      case 'certificate': {
        const bytes = certificateItem(this.#deps.membership, name)
        return bytes && { kind, bytes }
      }
    }
  }

  accept({ kind, bytes }: Item<AdvertKind>, from: PeerId): Outcome<AdvertKind> {
    switch (kind) {
      case 'certificate':
        return this.#deps.membership.replica.accept({ kind, bytes })
      case 'advert': {
        if (this.#isHeld(bytes)) {
          this.#counts.stale += 1
          return KNOWN
        }
        const advert = decodeLinkAdvert(bytes)
        return advert === undefined ? this.#malformed(kind) : this.#acceptAdvert(advert, from)
      }
      case 'proof': {
        const proof = decodeEquivocationProof(bytes)
        return proof === undefined ? this.#malformed(kind) : this.#acceptProof(proof)
      }
    }
  }

  /** Every neighbour passes on what every other one has: reading an advert again costs far more than this. */
  #isHeld(bytes: Uint8Array): boolean {
    const origin = this.#byHash.get(sha256Hex(bytes))
    const held = origin && this.#held.get(origin)
    return held !== undefined && Buffer.compare(held.bytes, bytes) === 0
  }

  #malformed(kind: AdvertKind): Outcome<AdvertKind> {
    this.#counts.malformed += 1
    return { kind: 'bad', why: `${kind}: malformed` }
  }

  #acceptAdvert(advert: LinkAdvert, from: PeerId): Outcome<AdvertKind> {
    const { origin } = advert
    if (advert.meshId !== this.#deps.membership.meshId) return this.#forged('advert: wrong-mesh')
    const known = this.#held.get(origin)
    const order = known === undefined ? 1 : compareAdvertNumbers(advert, known)
    const isSame = order === 0 && known?.bodyHash === advert.record.bodyHash
    if (order < 0 || isSame || this.#isSettled(advert)) {
      this.#counts.stale += 1
      return KNOWN
    }
    if (this.#paceOf(origin).waitMs(this.#deps.clock.monotonicMs()) > 0) {
      return this.#wait(advert, from, 'advert: too many of this origin')
    }
    const refusal = this.#judge(advert)
    if (refusal !== undefined) {
      return refusal.kind === 'later' ? this.#wait(advert, from, refusal.why) : refusal
    }
    this.#paceOf(origin).take(this.#deps.clock.monotonicMs())
    if (order === 0 && known !== undefined) return this.#convict(advert, known)
    if (origin === this.#deps.membership.self) {
      this.events.emit('outnumbered', { incarnation: advert.incarnation })
      return KEPT
    }
    this.#hold(advert)
    this.#tell('advert', origin, false)
    return KEPT
  }

  /** Too old to be looked at, because of what was there before. */
  #isSettled({ origin, incarnation, seq }: LinkAdvert): boolean {
    const aged = this.#aged.get(origin)
    if (aged !== undefined && compareAdvertNumbers({ incarnation, seq }, aged) <= 0) return true
    const proof = this.#convictions.proofOf(origin)
    return proof !== undefined && incarnation <= proof.incarnation
  }

  /** Why an advert cannot be kept now; `undefined` when it is good. */
  #judge(advert: LinkAdvert): Extract<Outcome<AdvertKind>, { kind: 'later' | 'bad' }> | undefined {
    const { membership } = this.#deps
    const certificate = membership.certificateOf(advert.origin)
    if (certificate === undefined) return { kind: 'later', why: 'advert: its origin is not known' }
    const verdict = verifyLinkAdvert(advert, certificate)
    if (verdict !== 'valid') return this.#forged(`advert: ${verdict}`)
    if (this.#isMember(advert.origin)) return undefined
    return { kind: 'later', why: 'advert: its origin is no member' }
  }

  #forged(why: string): Extract<Outcome<AdvertKind>, { kind: 'bad' }> {
    this.#counts.forged += 1
    return { kind: 'bad', why }
  }

  #wait(advert: LinkAdvert, from: PeerId, why: string): Outcome<AdvertKind> {
    const { origin } = advert
    const other = this.#waiting.get(origin)
    if (
      other === undefined ? this.#waiting.size < MAX_WAITING : compareAdvertNumbers(advert, other.advert) > 0
    ) {
      this.#waiting.set(origin, { advert, from })
    }
    this.#counts.deferred += 1
    const { standing } = this.#deps.membership
    const isUnknown = standing(origin) !== 'member'
    return { kind: 'later', why, wants: isUnknown ? certificateName(advert) : undefined }
  }

  #acceptProof(proof: EquivocationProof): Outcome<AdvertKind> {
    const { origin } = proof
    const known = this.#convictions.proofOf(origin)
    if (known !== undefined && compareAdvertNumbers(proof, known) <= 0) return KNOWN
    for (const advert of [proof.left, proof.right]) {
      const refusal = this.#judge(advert)
      if (refusal === undefined) continue
      const wants = refusal.kind === 'later' ? { wants: certificateName(advert) } : {}
      return { ...refusal, ...wants }
    }
    return this.#settle(proof)
  }

  #convict(advert: LinkAdvert, known: HeldAdvert): Outcome<AdvertKind> {
    const other = decodeLinkAdvert(known.bytes)
    const proof = other && proveEquivocation(advert, other)
    return proof === undefined ? KNOWN : this.#settle(proof)
  }

  #settle(proof: EquivocationProof): Outcome<AdvertKind> {
    const { origin, incarnation, seq } = proof
    const held = this.#held.get(origin)
    const { membership, logger } = this.#deps
    const isSelf = origin === membership.self
    const wasHeld = held !== undefined && held.incarnation <= incarnation
    if (wasHeld && !isSelf) this.#held.delete(origin)
    this.#convictions.convict(proof)
    this.#counts.convicted += 1
    logger.warn('a node signed two adverts under one number', { origin, incarnation, seq })
    if (!isSelf) membership.noteMisbehaviour(origin, 'advert: two under one number')
    this.#tell('proof', origin, false)
    if (isSelf) this.events.emit('outnumbered', { incarnation })
    else this.events.emit('changed', { origin })
    return KEPT
  }

  #hold({ record: { value, bytes, bodyHash } }: LinkAdvert): void {
    const { v: _v, ...body } = value
    // Of adverts that are held no more: a few, until they are that many.
    if (this.#byHash.size > 2 * this.#held.size + MAX_WAITING) this.#byHash.clear()
    this.#byHash.set(sha256Hex(bytes), body.origin)
    this.#held.set(body.origin, { ...body, bytes, bodyHash, receivedMs: this.#deps.clock.monotonicMs() })
    this.#aged.delete(body.origin)
    this.#counts.kept += 1
    this.events.emit('changed', { origin: body.origin })
  }

  #tell(kind: 'advert' | 'proof', name: PeerId, own: boolean): void {
    this.events.emit('news', { kind, name, own })
  }

  #paceOf(origin: PeerId): TokenBucket {
    const known = this.#paces.get(origin)
    if (known !== undefined) return known
    const made = createTokenBucket(ORIGIN_BURST, ORIGIN_EVERY_MS)
    // Only of members, of whom there is a bounded number.
    if (this.#isMember(origin)) this.#paces.set(origin, made)
    return made
  }

  #isMember(origin: PeerId): boolean {
    return this.#deps.membership.standing(origin) === 'member'
  }
}
