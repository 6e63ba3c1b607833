import type { PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import type { HealProbe, Measurement } from '../../mapek/loop/ports.ts'
import type { VerifyKind } from '../../mapek/playbooks/playbook-schema.ts'
import type { Links } from '../../mesh/links/link-manager.ts'
import type { Membership } from '../../mesh/membership/membership.ts'
import type { Echo } from '../../mesh/multihop/echo.ts'
import type { Routing } from '../../mesh/routing/routing.ts'
import { messageOf } from '../../platform/error.ts'
import type { Services } from '../../services/services.ts'
import type { MeasuredWay, RemoteActions } from './remote-actions.ts'

export interface HealProbeDeps {
  readonly membership: Pick<
    Membership,
    'self' | 'members' | 'standing' | 'certificateOf' | 'longestOwnChain' | 'renewalDueAtMs' | 'quarantine'
  >
  readonly echo: Pick<Echo, 'ping'>
  readonly links: Pick<Links, 'links'>
  readonly routing: Pick<Routing, 'pathsTo'>
  readonly services: Pick<Services, 'probe' | 'services'>
  readonly remote: () => Pick<RemoteActions, 'measure'>
  readonly now: () => number
}

type Check = Measurement['checks'][number]

/** In a large mesh a sample says as much. */
const MAX_TARGETS = 6
/** A way that takes longer than this, and is not much quicker than the broken link, is no repair. */
const GOOD_RTT_MS = 80
const GOOD_SHARE_OF_BAD = 0.5

/** Echoes, flows and digests from this node, and from the other end where there is one. */
export function createHealProbe(deps: HealProbeDeps): HealProbe {
  return {
    async measure(incident, kind, signal) {
      const checks = await checksFor(deps, incident, kind, signal).catch((error: unknown): Check[] => [
        {
          text: `it cannot be measured: ${messageOf(error)}`,
          passed: false,
          from: nameOf(deps, deps.membership.self),
        },
      ])
      return { passed: checks.length > 0 && checks.every(({ passed }) => passed), checks }
    },
  }
}

const nameOf = ({ membership }: HealProbeDeps, peer: PeerId): string =>
  membership.certificateOf(peer)?.name ?? peer

function checksFor(
  deps: HealProbeDeps,
  incident: Incident,
  kind: VerifyKind,
  signal: AbortSignal,
): Promise<Check[]> {
  switch (kind) {
    case 'delivery':
      return delivery(deps, incident, signal)
    case 'quality':
      return quality(deps, incident, signal)
    case 'service':
      return service(deps, incident, signal)
    case 'certificate':
      return Promise.resolve(certificate(deps))
    case 'config':
      return config(deps, incident, signal)
    case 'quiet':
      return Promise.resolve(quiet(deps, incident))
    case 'none':
      return Promise.resolve([])
  }
}

/** An echo there and back, encrypted to the far end, over whatever way traffic takes now. */
export async function measureWays(
  { echo }: Pick<HealProbeDeps, 'echo'>,
  peers: readonly PeerId[],
  signal: AbortSignal,
): Promise<readonly MeasuredWay[]> {
  return Promise.all(
    peers.map(async (peer) => {
      try {
        const { rttMs, path } = await echo.ping(peer, signal)
        return { peer, rttMs, via: path.length, detail: '' }
      } catch (error) {
        return { peer, rttMs: null, via: 0, detail: messageOf(error).slice(0, 300) }
      }
    }),
  )
}

async function waysAt(deps: HealProbeDeps, at: PeerId, peers: readonly PeerId[], signal: AbortSignal) {
  return at === deps.membership.self
    ? measureWays(deps, peers, signal)
    : deps.remote().measure(at, peers, signal)
}

function wayCheck(deps: HealProbeDeps, from: PeerId, { peer, rttMs, via, detail }: MeasuredWay): Check {
  const [here, there] = [nameOf(deps, from), nameOf(deps, peer)]
  if (rttMs === null) return { text: `${here} does not reach ${there}: ${detail}`, passed: false, from: here }
  const over = via > 1 ? `, over ${via - 1} other${via > 2 ? 's' : ''}` : ''
  return { text: `${here} reaches ${there} in ${rttMs.toFixed(1)} ms${over}`, passed: true, from: here }
}

/** Who is affected: the two ends of a link; for a node or a part of the mesh, all others that should be reachable. */
async function delivery(deps: HealProbeDeps, incident: Incident, signal: AbortSignal): Promise<Check[]> {
  const { subject, consequences } = incident
  const { self } = deps.membership
  if (subject.kind === 'link') return bothEnds(deps, subject.ends, signal)
  const gone = new Set<PeerId>()
  for (const about of [
    subject,
    ...consequences
      .filter(({ code }) => code === 'node-down' || code === 'node-stopped')
      .map((one) => one.subject),
  ]) {
    if (about.kind === 'node') gone.add(about.peer)
  }
  const others = deps.membership
    .members()
    .filter(({ peer, standing }) => peer !== self && standing === 'member' && !gone.has(peer))
    .map(({ peer }) => peer)
  // In a partition the other side is away: this one is to serve its own.
  const targets =
    incident.code === 'mesh-partition'
      ? others.filter((peer) => deps.routing.pathsTo(peer).length > 0)
      : others
  const sample = targets.slice(0, MAX_TARGETS)
  if (sample.length === 0) {
    const alone = targets.length === 0 && others.length === 0
    return [
      {
        text: alone ? 'no other member is left to reach' : 'no member can be reached',
        passed: alone,
        from: nameOf(deps, self),
      },
    ]
  }
  const ways = await measureWays(deps, sample, signal)
  return ways.map((way) => wayCheck(deps, self, way))
}

async function bothEnds(
  deps: HealProbeDeps,
  [a, b]: readonly [PeerId, PeerId],
  signal: AbortSignal,
): Promise<Check[]> {
  const { self } = deps.membership
  const [near, far] = self === b ? [b, a] : [a, b]
  const [there] = await waysAt(deps, near, [far], signal)
  if (there === undefined || there.rttMs === null)
    return there === undefined ? [] : [wayCheck(deps, near, there)]
  const [back] = await waysAt(deps, far, [near], signal)
  return back === undefined ? [] : [wayCheck(deps, near, there), wayCheck(deps, far, back)]
}

/** What was slow or lossy: the way now goes around it, or it is good again, and in either case it is quick. */
async function quality(deps: HealProbeDeps, incident: Incident, signal: AbortSignal): Promise<Check[]> {
  const { subject } = incident
  if (subject.kind !== 'link') return delivery(deps, incident, signal)
  const [a, b] = subject.ends
  const { self } = deps.membership
  const other = self === a ? b : a
  const link = deps.links.links().find(({ peer }) => peer === other)
  const checks = await bothEnds(deps, subject.ends, signal)
  const [first] = deps.routing.pathsTo(other)
  const isAround = first !== undefined && first.length > 1
  const isFine = link?.state === 'up' && (link.rttMs ?? 0) < GOOD_RTT_MS && (link.lossEstimate ?? 0) < 0.02
  const limitMs = Math.max(GOOD_RTT_MS, (link?.rttMs ?? 0) * GOOD_SHARE_OF_BAD)
  const [way] = await measureWays(deps, [other], signal)
  const rttMs = way?.rttMs ?? Number.POSITIVE_INFINITY
  const here = nameOf(deps, self)
  return [
    ...checks,
    {
      text: isAround
        ? `traffic goes around the link, in ${rttMs.toFixed(0)} ms`
        : isFine
          ? 'the link is good again'
          : 'traffic still goes over the bad link',
      passed: (isAround || isFine) && rttMs <= limitMs,
      from: here,
    },
  ]
}

async function service(deps: HealProbeDeps, incident: Incident, signal: AbortSignal): Promise<Check[]> {
  const { subject } = incident
  if (subject.kind !== 'service') return delivery(deps, incident, signal)
  const here = nameOf(deps, deps.membership.self)
  const outcome = await deps.services.probe(subject.name, signal)
  if (!outcome.ok)
    return [{ text: `${here} cannot use ${subject.name}: ${outcome.reason}`, passed: false, from: here }]
  const text = `${here} uses ${subject.name} of ${nameOf(deps, outcome.peer)} after ${outcome.ms.toFixed(0)} ms`
  return [{ text, passed: true, from: here }]
}

function certificate({ membership, now }: HealProbeDeps): Check[] {
  const expiresAt = membership.longestOwnChain()?.leaf.expiresAt
  const due = membership.renewalDueAtMs()
  const passed = expiresAt !== undefined && due !== undefined && due > now()
  const text =
    expiresAt === undefined
      ? 'there is no valid certificate'
      : `the certificate lasts until ${new Date(expiresAt).toISOString()}`
  return [{ text, passed, from: membership.certificateOf(membership.self)?.name ?? membership.self }]
}

/** The symptom itself says whether two members hold the same: it is gone once they do. */
async function config(deps: HealProbeDeps, incident: Incident, signal: AbortSignal): Promise<Check[]> {
  const isGone = incident.clearedAt !== undefined
  const { subject } = incident
  const peer = subject.kind === 'node' || subject.kind === 'part' ? subject.peer : undefined
  const ways =
    peer === undefined || peer === deps.membership.self ? [] : await measureWays(deps, [peer], signal)
  const text = isGone ? 'both work by the same again' : 'they still work by different versions'
  return [
    ...ways.map((way) => wayCheck(deps, deps.membership.self, way)),
    { text, passed: isGone, from: nameOf(deps, deps.membership.self) },
  ]
}

function quiet(deps: HealProbeDeps, { subject }: Incident): Check[] {
  const here = nameOf(deps, deps.membership.self)
  if (subject.kind !== 'node') return []
  const isAway = deps.membership.standing(subject.peer) !== 'member'
  const isLinked = deps.links.links().some(({ peer, state }) => peer === subject.peer && state !== 'down')
  const who = nameOf(deps, subject.peer)
  return [
    {
      text: isAway ? `${who} is kept away, and no link to it is left` : `${who} is not kept away`,
      passed: isAway && !isLinked,
      from: here,
    },
  ]
}
