import { isDeepStrictEqual } from 'node:util'
import type { PrivateKey } from '@libp2p/interface'
import type { MeshId, PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { Standing } from '../membership/events.ts'
import { type OpenedAnnouncement, openAnnouncement, sealAnnouncement } from './announcement.ts'
import { createLanBook } from './lan-book.ts'
import { type LanInterface, portAt } from './lan-interfaces.ts'
import { createLanTags } from './lan-tag.ts'
import type { LanWire } from './lan-wire.ts'
import { decodeMessage, encodeAnswer, encodeQuery } from './mdns-packet.ts'
import { createRateLimit, createSourceLimits } from './rate-limit.ts'

export interface LanDiscoveryDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly wire: LanWire
  readonly identity: { readonly peerId: PeerId; readonly libp2pKey: PrivateKey }
  readonly membership: { readonly meshId: MeshId; standing(peer: PeerId): Standing }
  /** What the node has bound, multiaddr texts with the real ports. */
  readonly listenAddresses: () => readonly string[]
}

export interface LanDiscoveryOptions {
  /** Whether the node says where it is, or only listens. */
  readonly announces: boolean
}

/** What was heard and what became of it, in datagrams since the start. */
export interface LanCounts {
  found: number
  /** From who knows the mesh and is no member of it in good standing. */
  strangers: number
  /** Beyond the limits of their source or of all. */
  flooded: number
  /** Under our tag, and not sealed or not signed as they have to be. */
  forged: number
}

/** Finds the members that are on the same LAN, so that nodes meet again however their addresses have changed. */
export interface LanDiscovery extends Lifecycle {
  /** Multiaddr texts without the peer where a member was heard of in the last minutes. Hints: who is there is for the link to find out. */
  of(peer: PeerId): readonly string[]
  /** Calls when a member is heard of at an address that is new; returns what ends it. */
  onFound(listener: (peer: PeerId) => void): () => void
  counts(): Readonly<LanCounts>
}

/** How often a node says where it is, with some chance in it so that the nodes of a LAN do not speak in one moment. */
const ANNOUNCE_MS = 60_000
const ANNOUNCE_SPREAD_MS = 15_000
/** After a change a node asks and tells so often, because a datagram may be lost. RFC 6762 section 8.3. */
const BURST_MS = [0, 1_000, 3_000] as const
const INTERFACE_CHECK_MS = 2_000
/** Between attempts to have the port. */
const RETRY_MS = 30_000
/** RFC 6762 section 6: who answers waits a moment, so that not all answer at once. */
const ANSWER_MIN_MS = 20
const ANSWER_SPREAD_MS = 100
const ANSWER_LIMIT = { perSecond: 1, burst: 2 }
const SOURCE_LIMITS = {
  each: { perSecond: 5, burst: 20 },
  all: { perSecond: 50, burst: 100 },
  maxSources: 256,
}

export function createLanDiscovery(deps: LanDiscoveryDeps, options: LanDiscoveryOptions): LanDiscovery {
  const { clock, wire } = deps
  const logger = deps.logger.child({ component: 'lan-discovery' })
  const book = createLanBook(clock)
  const listeners = new Set<(peer: PeerId) => void>()
  const hearing = createHearing({ ...deps, logger }, book, (peer) => {
    for (const listener of listeners) listener(peer)
  })
  const speaking = createSpeaking({ ...deps, logger }, options)
  const timers = new Set<() => void>()
  let isRunning = false
  let inUse: readonly LanInterface[] = []
  let mayTryAtMs = 0
  let lastFailure = ''

  const later = (ms: number, work: () => void): void => {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel)
      work()
    })
    timers.add(cancel)
  }
  const speak = (what: 'announce' | 'ask'): void => void speaking[what](inUse)
  const burst = (): void => {
    for (const ms of BURST_MS) {
      later(ms, () => {
        speak('announce')
        speak('ask')
      })
    }
  }
  const onDatagram = (datagram: Uint8Array, source: string): void => {
    const isQuestion = hearing.hear(datagram, source)
    if (!isQuestion || !speaking.mayAnswer()) return
    later(ANSWER_MIN_MS + ANSWER_SPREAD_MS * deps.random.unit(), () => speak('announce'))
  }
  const follow = async (): Promise<void> => {
    const wanted = wire
      .interfaces()
      .filter(({ address }) => portAt(address, deps.listenAddresses()) !== undefined)
    if (isDeepStrictEqual(wanted, inUse) || clock.monotonicMs() < mayTryAtMs) return
    try {
      inUse = []
      await wire.use(wanted, onDatagram)
      if (!isRunning) return wire.close()
      inUse = wanted
      lastFailure = ''
      if (wanted.length === 0) return
      logger.info('looking for members on the LAN', { addresses: wanted.map(({ address }) => address) })
      burst()
    } catch (error) {
      mayTryAtMs = clock.monotonicMs() + RETRY_MS
      const reason = messageOf(error)
      if (reason !== lastFailure) logger.warn('cannot look for members on the LAN', { reason })
      lastFailure = reason
    }
  }
  const watch = async (): Promise<void> => {
    await follow()
    if (isRunning) later(INTERFACE_CHECK_MS, () => void watch())
  }
  const repeat = (): void =>
    later(ANNOUNCE_MS + ANNOUNCE_SPREAD_MS * deps.random.unit(), () => {
      speak('announce')
      repeat()
    })

  return {
    of: book.of,
    counts: () => ({ ...hearing.counts }),
    onFound(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async start() {
      if (isRunning) return
      isRunning = true
      await watch()
      repeat()
    },
    async stop() {
      isRunning = false
      for (const cancel of timers) cancel()
      timers.clear()
      inUse = []
      wire.close()
    },
  }
}

type Book = ReturnType<typeof createLanBook>

/** What comes in, in the order of what it costs to judge: the tag, the limits, the seal, the standing, the signature. */
function createHearing(deps: LanDiscoveryDeps, book: Book, onFound: (peer: PeerId) => void) {
  const { clock, membership, logger, identity } = deps
  const tagsAt = createLanTags(membership.meshId)
  const isWithinLimits = createSourceLimits(clock, SOURCE_LIMITS)
  const counts: LanCounts = { found: 0, strangers: 0, flooded: 0, forged: 0 }

  const judge = async (announcement: OpenedAnnouncement): Promise<void> => {
    const { peer, address, port } = announcement
    if (membership.standing(peer) !== 'member') {
      counts.strangers += 1
      return
    }
    if (!book.isNews(announcement)) return
    if (!(await announcement.verify(membership.meshId))) {
      counts.forged += 1
      return
    }
    if (!book.record(announcement)) return
    counts.found += 1
    logger.info('heard of a member on the LAN', { peer, address, port })
    onFound(peer)
  }
  return {
    counts,
    /** Returns whether it is a question of a node of this mesh, which wants an answer. */
    hear(datagram: Uint8Array, source: string): boolean {
      for (const tag of tagsAt(clock.now())) {
        const message = decodeMessage(tag.label, datagram)
        if (message === undefined) continue
        if (!isWithinLimits(source)) {
          counts.flooded += 1
          return false
        }
        if (message.kind === 'query') return true
        const announcement = openAnnouncement(tag, message.content)
        if (announcement?.peer === identity.peerId) return false
        // Said by one and repeated by another, it would send members to the wrong place.
        if (announcement === undefined || announcement.address !== source) counts.forged += 1
        else
          judge(announcement).catch((error: unknown) => logger.error('a LAN announcement failed', { error }))
        return false
      }
      return false
    },
  }
}

function createSpeaking(deps: LanDiscoveryDeps, { announces }: LanDiscoveryOptions) {
  const { clock, random, wire, membership, identity, logger } = deps
  const tagsAt = createLanTags(membership.meshId)
  return {
    mayAnswer: createRateLimit(clock, ANSWER_LIMIT),
    async announce(interfaces: readonly LanInterface[]): Promise<void> {
      if (!announces || membership.standing(identity.peerId) !== 'member') return
      const [tag] = tagsAt(clock.now())
      for (const { address } of interfaces) {
        const port = portAt(address, deps.listenAddresses())
        if (port === undefined) continue
        const own = { peer: identity.peerId, address, port, at: Math.floor(clock.now()) }
        const sealing = { random, key: identity.libp2pKey, meshId: membership.meshId }
        try {
          wire.send(address, encodeAnswer(tag.label, await sealAnnouncement(sealing, tag, own)))
        } catch (error) {
          logger.error('could not announce this node on the LAN', { reason: messageOf(error) })
        }
      }
    },
    async ask(interfaces: readonly LanInterface[]): Promise<void> {
      const [tag] = tagsAt(clock.now())
      for (const { address } of interfaces) wire.send(address, encodeQuery(tag.label))
    },
  }
}
