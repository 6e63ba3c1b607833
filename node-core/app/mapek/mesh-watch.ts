import { PRODUCT_VERSION } from '../../contract/version.ts'
import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import type { LinkFact, Picture, ServiceFact, Signs, Watch } from '../../mapek/monitor/picture.ts'
import { isRetryable } from '../../mesh/membership/events.ts'
import type { NoiseHfsParts } from '../../noise-hfs/noise-hfs.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { NodeParts } from '../node-parts.ts'
import type { Resources } from './resources.ts'
import type { StoreCheck } from './store-check.ts'
import { serviceCheck, type Usual } from './usual.ts'

export type WatchedParts = Pick<
  NodeParts,
  'clock' | 'logger' | 'membership' | 'links' | 'routing' | 'services' | 'host' | 'echo'
>

/** Members and the ways to them are worked out anew when a way may have changed, and otherwise so often. */
const MEMBERS_AGE_MS = 5_000

/** Fits the parts of a node to what the monitor wants to see. */
export function createMeshWatch(
  parts: WatchedParts,
  noise: Pick<NoiseHfsParts, 'events'>,
  own: { readonly resources: Resources; readonly storeCheck: StoreCheck; readonly usual: Usual },
): Watch & Lifecycle {
  const { clock, membership, links, routing, services, host, echo } = parts
  const { self } = membership
  const log = parts.logger.child({ component: 'monitor' })
  const signs = createEmitter<Signs>((error) =>
    log.error('a listener to the monitor failed', { error: messageOf(error) }),
  )
  const offs: (() => void)[] = []
  let known: Pick<Picture, 'members' | 'renewables'> = { members: [], renewables: [] }
  let membersDueMs = 0

  const readMembers = (): typeof known => {
    if (clock.monotonicMs() < membersDueMs) return known
    membersDueMs = clock.monotonicMs() + MEMBERS_AGE_MS
    const neighbours = new Map<PeerId, readonly PeerId[]>(
      routing.topology().nodes.map((node) => [node.origin, node.links.map(({ peer }) => peer)]),
    )
    const counting = membership.members().filter(({ standing }) => standing === 'member')
    const renewables = counting.map(
      ({ peer, certificate: { name, role, issuing, issuedAt, expiresAt } }) => ({
        ...{ peer, name, role, issuing, issuedAt, expiresAt },
      }),
    )
    const members = counting
      .filter(({ peer }) => peer !== self)
      .map(({ peer, record }) => ({
        ...{ peer, version: record?.version, policy: record?.policy, neighbours: neighbours.get(peer) ?? [] },
        reachable: routing.pathsTo(peer).length > 0,
      }))
    known = { members, renewables }
    return known
  }
  const readLinks = (): LinkFact[] =>
    links.links().map(({ peer, state, sinceMs, rttMs, jitterMs, lossEstimate, clockOffsetMs }) => ({
      ...{ peer, state, sinceMs, rttMs, jitterMs, lossEstimate, clockOffsetMs },
      queuedBytes: host.connections.of(peer)?.unsentBytes() ?? 0,
    }))
  const readServices = (): ServiceFact[] => {
    const used = new Set<string>(services.forwards().map(({ service }) => service))
    return services.services().map(({ name, peer, state, detail, local, checked }) => ({
      ...{ name, provider: peer, state, detail },
      concerns: local || used.has(name),
      check:
        checked === undefined
          ? undefined
          : { ...checked, pastMs: own.usual.of(serviceCheck(name, peer), checked.at) },
    }))
  }
  const readCertificate = (): Picture['certificate'] => {
    const expiresAt = membership.longestOwnChain()?.leaf.expiresAt
    const renewalDueAt = membership.renewalDueAtMs()
    return expiresAt === undefined || renewalDueAt === undefined ? undefined : { expiresAt, renewalDueAt }
  }

  return {
    self,
    signs,
    nameOf: (peer) => membership.certificateOf(peer)?.name ?? peer,
    signedMs: (peer) => routing.heardMs(peer),
    echo: (peer, signal) => echo.ping(peer, signal),
    picture: () => ({
      ...{ standing: membership.standing(self), links: readLinks(), ...readMembers() },
      ...{ services: readServices(), certificate: readCertificate(), version: PRODUCT_VERSION },
      policy: membership.policyVersion()?.number ?? 0,
      ...{ resources: own.resources.sample(), storeFault: own.storeCheck.fault() },
    }),
    async start() {
      const stale = (): void => {
        membersDueMs = 0
      }
      offs.push(
        routing.events.on('changed', () => {
          stale()
          signs.emit('routes', {})
        }),
        membership.events.on('memberChanged', stale),
        membership.events.on('expelled', stale),
        ...followLinks(parts, signs, stale),
        ...followPeers(parts, noise, signs),
      )
    },
    async stop() {
      for (const off of offs.splice(0)) off()
    },
  }
}

function followLinks({ links }: WatchedParts, signs: Emitter<Signs>, stale: () => void): (() => void)[] {
  return [
    links.events.on('stateChanged', ({ peer, from, to, reason, evidence, farewell }) => {
      stale()
      signs.emit('link', { peer, from, to, reason, silentSide: evidence?.silentSide, farewell })
    }),
    links.events.on('woke', () => signs.emit('woke', {})),
  ]
}

function followPeers(
  { membership }: WatchedParts,
  { events }: Pick<NoiseHfsParts, 'events'>,
  signs: Emitter<Signs>,
): (() => void)[] {
  /** What a stranger does is counted by the gate in front of the handshake; here it is about members. */
  const failed = (peer: string | undefined, why: string): void => {
    const member = parsePeerId(peer ?? '')
    if (member === undefined || membership.certificateOf(member) === undefined) return
    signs.emit('handshakeFailed', { peer: member, why })
  }
  return [
    membership.events.on('misbehaved', ({ peer, what }) => signs.emit('misbehaved', { peer, what })),
    membership.events.on('clockBehind', ({ byMs }) => signs.emit('clockBehind', { byMs })),
    events.on('refused', ({ peer, code, reason }) => {
      if (!isRetryable(code)) failed(peer, reason)
    }),
    // Who answered is another one; the member that was looked for is the one that cannot be reached there.
    events.on('failed', ({ peer, fault }) =>
      failed(fault.code === 'WRONG_PEER' ? fault.expected : peer, fault.code),
    ),
  ]
}
