import type { HealthItem } from '../contract/schemas.ts'
import { fewNames } from '../domain/few-names.ts'
import { REFUSALS } from '../mesh/membership/events.ts'
import type { Member } from '../mesh/membership/membership.ts'
import type { NoiseHfsParts } from '../noise-hfs/noise-hfs.ts'
import type { Lifecycle } from '../platform/lifecycle.ts'
import { authorityItems } from './authority-health.ts'
import type { NodeParts } from './node-parts.ts'
import { createPeerRefusals, type PeerRefusals } from './peer-refusals.ts'
import { renewalItems } from './renewal-health.ts'

/** For so long after the start, no link yet is nothing to worry about. */
const STARTING_MS = 5_000
/** A title names so many members at most. */
const MAX_NAMES = 3

/** Reads the state of the parts into health items, and logs what the handshake reports. */
export function watchNodeHealth(parts: NodeParts, noise: Pick<NoiseHfsParts, 'events'>): Lifecycle {
  const offs: (() => void)[] = []
  const refusals = createPeerRefusals(parts.membership)
  return {
    async start() {
      parts.health.addSource(() => [
        ...membershipItems(parts),
        ...renewalItems(parts, roughly),
        ...authorityItems(parts, roughly),
        ...linkItems(parts, refusals),
        ...serviceItems(parts),
        ...joinItems(parts),
        ...incidentItems(parts),
      ])
      offs.push(followClock(parts), refusals.follow(noise.events), ...logHandshakes(parts, noise))
    },
    async stop() {
      for (const off of offs.splice(0)) off()
    },
  }
}

const item = (
  code: string,
  severity: HealthItem['severity'],
  title: string,
  impactsConnectivity: boolean,
): HealthItem => ({ code, severity, title, impactsConnectivity })

function membershipItems({ membership, clock }: NodeParts): HealthItem[] {
  const items: HealthItem[] = []
  const standing = membership.standing(membership.self)
  if (standing === 'revoked') {
    items.push(
      item('membership-revoked', 'critical', 'This node was revoked: no member talks to it any more.', true),
    )
  } else if (standing !== 'member') {
    const title = 'The certificate of this node has expired, and no member talks to it any more.'
    const remedy = 'To come back, x0t leave and then x0t join with a new invite.'
    items.push(item('membership-expired', 'critical', `${title} ${remedy}`, true))
  }
  const longest = membership.longestOwnChain()
  const expiresAt = longest && membership.endsAt(longest)
  const dueAtMs = membership.renewalDueAtMs()
  if (expiresAt !== undefined && dueAtMs !== undefined && standing === 'member') {
    const leftMs = expiresAt - clock.now()
    // Half of the time that there was for it has passed in vain.
    if (leftMs < (expiresAt - dueAtMs) / 2) {
      const title = `The certificate of this node expires in ${roughly(leftMs)} and could not be renewed: no issuer is reachable.`
      items.push(item('certificate-expiring', 'warning', title, false))
    }
  }
  return items
}

/** `30 s`, `59 min`, `47 h`. */
function roughly(ms: number): string {
  if (ms < 60_000) return `${Math.max(0, Math.round(ms / 1_000))} s`
  return ms < 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}

function isolatedItem(others: readonly Member[], refusals: PeerRefusals): HealthItem {
  const refused = others.filter(({ peer }) => refusals.of(peer) !== undefined)
  const [first] = refused
  const code = first && refusals.of(first.peer)
  if (code === undefined) {
    const who =
      others.length === 1
        ? `The only other member, ${others[0]?.certificate.name}, cannot be reached: is it up,`
        : `None of the ${others.length} other members can be reached: are they up,`
    return item('isolated', 'critical', `${who} and does the network of this machine work?`, true)
  }
  const names = refused.map(({ certificate }) => certificate.name)
  const title = `No member lets this node in: ${REFUSALS[code]} (so says ${fewNames(names, MAX_NAMES)}).`
  const remedy = 'If they are right, x0t leave and then x0t join with a new invite.'
  return item('refused', 'critical', `${title} ${remedy}`, true)
}

function linkItems({ membership, links, clock, startedAt }: NodeParts, refusals: PeerRefusals): HealthItem[] {
  const others = membership
    .members()
    .filter(({ standing, peer }) => standing === 'member' && peer !== membership.self)
  const all = links.links()
  const works = all.filter(({ state }) => state === 'up' || state === 'degraded')
  const items: HealthItem[] = []
  const isStarting =
    clock.now() - startedAt < STARTING_MS && others.every(({ peer }) => refusals.of(peer) === undefined)
  const isMember = membership.standing(membership.self) === 'member'
  if (others.length > 0 && works.length === 0 && isMember && !isStarting) {
    items.push(isolatedItem(others, refusals))
  }
  return items
}

function serviceItems({ services }: NodeParts): HealthItem[] {
  const items: HealthItem[] = []
  const sick = services.services().filter((service) => service.local && service.state === 'unhealthy')
  if (sick.length > 0) {
    const names = sick.map(({ name, detail }) => (detail === undefined ? name : `${name} (${detail})`))
    items.push(
      item('services-unhealthy', 'warning', `Services of this node that fail: ${names.join('; ')}.`, false),
    )
  }
  const failed = services.forwards().filter((forward) => forward.state === 'failed')
  if (failed.length > 0) {
    const ports = failed.map(({ port, detail }) => `${port} (${detail ?? 'unknown reason'})`)
    items.push(item('forwards-failed', 'warning', `Forwards that cannot listen: ${ports.join('; ')}.`, false))
  }
  return items
}

/** Codes that the readings above have words of their own for: nothing is said twice. */
const SAID_ABOVE: readonly string[] = [
  'isolated',
  'certificate-expiring',
  'certificate-expired',
  'renewal-ending',
  'clock-skew',
  'service-down',
  'uplink-down',
]

/** One line for each kind of incident that is open: the root alone, never what it explains. */
function incidentItems({ incidents }: NodeParts): HealthItem[] {
  const open = incidents.list({ open: true }).filter(({ code }) => !SAID_ABOVE.includes(code))
  const codes = [...new Set(open.map(({ code }) => code))]
  return codes.flatMap((code) => {
    const all = open.filter((incident) => incident.code === code)
    const [worst] = all
    if (worst === undefined) return []
    const more = all.length > 1 ? `, and ${all.length - 1} more like it` : ''
    return [item(code, worst.severity, `${worst.title}${more} (${worst.id}).`, worst.impactsConnectivity)]
  })
}

function joinItems({ membership }: NodeParts): HealthItem[] {
  const waiting = membership.pendingJoins()
  if (waiting.length === 0) return []
  const names = waiting.map(({ name, id }) => `${name} (${id})`)
  return [item('joins-pending', 'info', `Waiting for x0t approve or reject: ${names.join(', ')}.`, false)]
}

function followClock({ membership, health, clock }: NodeParts): () => void {
  return membership.events.on('clockBehind', ({ byMs }) => {
    const minutes = Math.round(byMs / 60_000)
    const title = `The clock of this machine is ${minutes} min behind a time that has passed: nothing is issued until it is right.`
    health.raise(item('clock-behind', 'critical', title, false))
    clock.after(byMs, () => health.clear('clock-behind'))
  })
}

/** One line in this time speaks for all of one kind: whoever connects can make these, as often as he likes. */
const SAMPLE_MS = 1_000

function logHandshakes(
  { logger, clock }: NodeParts,
  { events }: Pick<NoiseHfsParts, 'events'>,
): (() => void)[] {
  const log = logger.child({ component: 'handshake' })
  const lastMs = new Map<string, number>()
  const left = new Map<string, number>()
  const sampled = (kind: string, write: (unlogged: number) => void): void => {
    const now = clock.monotonicMs()
    if (now - (lastMs.get(kind) ?? Number.NEGATIVE_INFINITY) < SAMPLE_MS) {
      left.set(kind, (left.get(kind) ?? 0) + 1)
      return
    }
    lastMs.set(kind, now)
    write(left.get(kind) ?? 0)
    left.set(kind, 0)
  }
  return [
    events.on('refused', ({ by, code, reason, direction, remoteAddress, peer, suite }) =>
      sampled(`refused.${by}`, (unlogged) =>
        log.warn('a connection was refused', {
          ...{ by, code, reason, direction, remoteAddress, peer, suite, unlogged },
        }),
      ),
    ),
    events.on('failed', ({ fault, direction, remoteAddress, peer, suite }) =>
      sampled(`failed.${fault.code}`, (unlogged) =>
        log.warn('a handshake failed', { fault, direction, remoteAddress, peer, suite, unlogged }),
      ),
    ),
    events.on('shed', ({ remoteAddress, why, ageMs }) =>
      sampled(`shed.${why}`, (unlogged) =>
        log.warn('a connection that was not admitted in time was closed', {
          ...{ remoteAddress, why, ageMs, unlogged },
        }),
      ),
    ),
  ]
}
