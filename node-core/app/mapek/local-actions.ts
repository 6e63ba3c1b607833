import type { PeerId } from '../../domain/ids.ts'
import type { StepAction, StepArgs } from '../../domain/plan.ts'
import type { Subject } from '../../domain/subject.ts'
import type { ActionOrder, ActionReport } from '../../mapek/execute/ports.ts'
import type { FloodSync } from '../../mesh/flood/flood.ts'
import type { Links } from '../../mesh/links/link-manager.ts'
import type { Membership } from '../../mesh/membership/membership.ts'
import type { Quarantine } from '../../mesh/membership/quarantine.ts'
import type { CertificateRenewal } from '../../mesh/membership/renewal.ts'
import type { Routing } from '../../mesh/routing/routing.ts'
import type { Sessions } from '../../mesh/sessions/sessions.ts'
import type { Clock } from '../../platform/clock.ts'
import { parseDuration } from '../../platform/duration.ts'
import { FaultError, hasCode, messageOf } from '../../platform/error.ts'
import { sleep } from '../../platform/wait.ts'
import type { Services } from '../../services/services.ts'

/** What this node can do to itself; each answers what it changed. */
export interface LocalActionDeps {
  readonly clock: Clock
  readonly membership: Pick<
    Membership,
    'self' | 'members' | 'certificateOf' | 'longestOwnChain' | 'replica'
  > & {
    readonly quarantine: Pick<Quarantine, 'put' | 'release'>
  }
  readonly links: Pick<Links, 'links' | 'renew' | 'calm'>
  readonly routing: Pick<Routing, 'pathsTo' | 'steering' | 'topology'>
  readonly sessions: Pick<Sessions, 'leave' | 'restart'>
  readonly sync: Pick<FloodSync, 'compareNow'>
  readonly renewal: Pick<CertificateRenewal, 'renewNow'>
  readonly services: Pick<Services, 'forwards' | 'restartForward' | 'avoidProvider'>
  /** Runs a command that the operator of this machine has declared, for the subject it is about. */
  readonly runCommand: (name: string | undefined, subject: Subject, signal: AbortSignal) => Promise<string>
  readonly notify: (order: ActionOrder, signal: AbortSignal) => Promise<string>
}

export type ActionFault =
  | { code: 'ACTION_UNFIT'; action: StepAction }
  | { code: 'BAD_ARGUMENT'; name: string }

type Perform = (deps: LocalActionDeps, order: ActionOrder, signal: AbortSignal) => Promise<ActionReport>

const changed = (text: string): ActionReport => ({ changed: true, text })
const unchanged = (text: string): ActionReport => ({ changed: false, text })

const unfit = ({ action, subject }: ActionOrder): Error =>
  new FaultError<ActionFault>(
    { code: 'ACTION_UNFIT', action },
    `${action} cannot be done to a ${subject.kind}`,
  )

/** Performs one action of this node. @throws FaultError ACTION_UNFIT, BAD_ARGUMENT, and what the part throws */
export const performLocally = (
  deps: LocalActionDeps,
  order: ActionOrder,
  signal: AbortSignal,
): Promise<ActionReport> => ACTIONS[order.action](deps, order, signal)

const DEFAULT_STEER_MS = 60_000
const DEFAULT_QUARANTINE_MS = 3_600_000
/** Adverts are out, and the paths worked out anew. */
const SETTLE_MS = 60

function durationArg(args: StepArgs, name: string, fallbackMs: number): number {
  const raw = args[name]
  if (raw === undefined) return fallbackMs
  const parsed = typeof raw === 'string' ? parseDuration(raw) : undefined
  if (parsed?.ok === true) return parsed.ms
  throw new FaultError<ActionFault>(
    { code: 'BAD_ARGUMENT', name },
    `'${name}' has to be a duration such as 60s`,
  )
}

const nameOf = ({ membership }: LocalActionDeps, peer: PeerId): string =>
  membership.certificateOf(peer)?.name ?? peer

/** Whom an action of this node is about: the other end of a link, the node, the provider. */
function otherOf({ membership }: LocalActionDeps, order: ActionOrder): PeerId {
  const { subject } = order
  const { self } = membership
  if (subject.kind === 'link') {
    const [a, b] = subject.ends
    if (self === a) return b
    if (self === b) return a
  }
  if (subject.kind === 'node' && subject.peer !== self) return subject.peer
  if (subject.kind === 'service' && subject.provider !== self) return subject.provider
  if (subject.kind === 'part' && subject.peer !== self) return subject.peer
  throw unfit(order)
}

/** Whether a path from this node crosses what is broken. Its last hop is its target. */
function crosses(self: PeerId, subject: Subject): (path: readonly PeerId[]) => boolean {
  switch (subject.kind) {
    case 'link': {
      const ends: readonly PeerId[] = subject.ends
      return (path) =>
        [self, ...path].some((hop, at) => {
          const next = path[at]
          return next !== undefined && ends.includes(hop) && ends.includes(next)
        })
    }
    case 'node':
    case 'part':
      return (path) => path.slice(0, -1).includes(subject.peer)
    default:
      return () => false
  }
}

const DIAL_POLL_MS = 100
/** Shorter than the steps of playbooks last, so that the reason is told and not only that time was up. */
const THEIR_DIAL_MS = 4_000

/**
 * Behind a NAT, or without an address that it announces, only one end of a link can dial. The other one has done its part
 * when that dial arrives.
 */
async function awaitTheirDial(deps: LocalActionDeps, peer: PeerId, signal: AbortSignal): Promise<boolean> {
  const { clock, links } = deps
  const untilMs = clock.monotonicMs() + THEIR_DIAL_MS
  while (!links.links().some((link) => link.peer === peer && link.state === 'up')) {
    if (clock.monotonicMs() >= untilMs) {
      const who = nameOf(deps, peer)
      throw new Error(
        `only ${who} can dial this link, for no address of ${who} is known here, and it did not`,
      )
    }
    await sleep(clock, DIAL_POLL_MS, signal)
  }
  return true
}

const redial: Perform = async (deps, order, signal) => {
  const { links } = deps
  if (order.subject.kind === 'link' || order.subject.kind === 'node') {
    const peer = otherOf(deps, order)
    const before = links.links().find((link) => link.peer === peer)
    if (before?.state === 'up') return unchanged(`the link to ${nameOf(deps, peer)} is up`)
    const isNew = await links.renew(peer, signal).catch((error: unknown) => {
      if (hasCode(error, 'NO_ADDRESS')) return awaitTheirDial(deps, peer, signal)
      throw error
    })
    return isNew
      ? changed(`there is a new connection to ${nameOf(deps, peer)}`)
      : unchanged(`${nameOf(deps, peer)} keeps the connection that there was`)
  }
  const down = links.links().filter(({ state }) => state === 'down')
  const results = await Promise.allSettled(down.map(({ peer }) => links.renew(peer, signal)))
  const back = down.filter((_link, at) => results[at]?.status === 'fulfilled')
  if (back.length > 0)
    return changed(`connected again to ${back.map(({ peer }) => nameOf(deps, peer)).join(', ')}`)
  throw new Error(`none of ${down.length} neighbours could be reached`)
}

const reroute: Perform = async (deps, order) => {
  const { routing, membership, clock } = deps
  const peer = otherOf(deps, order)
  const forMs = durationArg(order.args, 'for', DEFAULT_STEER_MS)
  const others = membership.members().map((member) => member.peer)
  const first = (): readonly string[] => others.map((target) => routing.pathsTo(target)[0]?.join('>') ?? '')
  const before = first()
  if (!routing.steering.avoidLink(peer, forMs))
    return unchanged(`the link to ${nameOf(deps, peer)} is avoided already`)
  await sleep(clock, SETTLE_MS)
  const moved = first().filter((path, at) => path !== before[at]).length
  const seconds = Math.round(forMs / 1_000)
  return changed(
    `everybody avoids the link to ${nameOf(deps, peer)} for ${seconds} s; ${moved} of this node's ways go elsewhere now`,
  )
}

const releaseRoute: Perform = async (deps, order) => {
  const peer = otherOf(deps, order)
  return deps.routing.steering.releaseLink(peer)
    ? changed(`the link to ${nameOf(deps, peer)} is used again`)
    : unchanged(`the link to ${nameOf(deps, peer)} was not avoided`)
}

const promoteStandby: Perform = async ({ sessions, membership }, { subject }) => {
  const moved = sessions.leave(crosses(membership.self, subject))
  return moved > 0
    ? changed(`${moved} sessions moved to their standby`)
    : unchanged('no session with a standby elsewhere crosses it')
}

const restartSession: Perform = async (deps, order) => {
  const peer = otherOf(deps, order)
  const count = deps.sessions.restart(peer)
  return count > 0
    ? changed(`${count} sessions with ${nameOf(deps, peer)} go on over new connections`)
    : unchanged(`there is no session with ${nameOf(deps, peer)}`)
}

const restartForward: Perform = async ({ services }, order) => {
  const { subject } = order
  if (subject.kind !== 'service') throw unfit(order)
  const ports = services.forwards().filter(({ service }) => service === subject.name)
  for (const { port } of ports) await services.restartForward(port)
  return ports.length > 0
    ? changed(`the forwards at ${ports.map(({ port }) => port).join(', ')} listen anew`)
    : unchanged(`no forward of this node leads to ${subject.name}`)
}

const switchProvider: Perform = async (deps, order) => {
  const { subject, args } = order
  if (subject.kind !== 'service') throw unfit(order)
  const done = deps.services.avoidProvider(
    subject.name,
    subject.provider,
    durationArg(args, 'for', DEFAULT_STEER_MS),
  )
  const who = nameOf(deps, subject.provider)
  return done === undefined
    ? unchanged(`${who} is avoided already, and no client of this node is there`)
    : changed(`clients of ${subject.name} go to others than ${who}; ${done.reset} were sent there anew`)
}

const RESYNC_MS = 3_000
const RESYNC_POLL_MS = 100

const resync: Perform = async ({ clock, membership, sync }, _order, signal) => {
  const digest = (): string => JSON.stringify(membership.replica.digest())
  const before = digest()
  const neighbours = sync.compareNow()
  for (let waitedMs = 0; waitedMs < RESYNC_MS; waitedMs += RESYNC_POLL_MS) {
    await sleep(clock, RESYNC_POLL_MS, signal)
    if (digest() !== before)
      return changed(`what the mesh agrees on was brought up to date from ${neighbours} neighbours`)
  }
  return unchanged(`${neighbours} neighbours have nothing that this node lacks`)
}

const renewCertificate: Perform = async ({ membership, renewal }, _order, signal) => {
  const expiry = (): number => membership.longestOwnChain()?.leaf.expiresAt ?? 0
  const before = expiry()
  await renewal.renewNow(signal)
  const after = expiry()
  return after > before
    ? changed(`the certificate lasts until ${new Date(after).toISOString()}`)
    : unchanged('no issuer in reach gave a certificate that lasts longer')
}

const rotateKeys: Perform = async (deps, order, signal) => {
  const peer = otherOf(deps, order)
  const restarted = deps.sessions.restart(peer)
  const isLinked = deps.links.links().some((link) => link.peer === peer && link.state !== 'down')
  const isNew = isLinked && (await deps.links.renew(peer, signal))
  return isNew || restarted > 0
    ? changed(`a new handshake with ${nameOf(deps, peer)} gave new keys`)
    : unchanged(`there is nothing with ${nameOf(deps, peer)} that has keys`)
}

const quarantine: Perform = async (deps, order) => {
  const peer = otherOf(deps, order)
  const forMs = durationArg(order.args, 'for', DEFAULT_QUARANTINE_MS)
  return deps.membership.quarantine.put(peer, forMs, `incident ${order.incident}`)
    ? changed(`this node keeps ${nameOf(deps, peer)} away for ${Math.round(forMs / 60_000)} min`)
    : unchanged(`${nameOf(deps, peer)} is kept away already, or no more can be`)
}

const release: Perform = async (deps, order) => {
  const peer = otherOf(deps, order)
  return deps.membership.quarantine.release(peer)
    ? changed(`${nameOf(deps, peer)} is let in again`)
    : unchanged(`${nameOf(deps, peer)} was not kept away`)
}

const isSelf = ({ membership }: LocalActionDeps, { subject }: ActionOrder): boolean =>
  (subject.kind === 'node' || subject.kind === 'part') && subject.peer === membership.self

const drain: Perform = async (deps, order, signal) => {
  if (!isSelf(deps, order)) return reroute(deps, order, signal)
  const forMs = durationArg(order.args, 'for', DEFAULT_STEER_MS)
  // When all are busy, as after a failure somewhere else, nobody is helped by nodes that leave each other alone.
  const other = drainedOther(deps)
  if (other !== undefined)
    return unchanged(`${nameOf(deps, other)} is drained already, and only one may be at a time`)
  return deps.routing.steering.drain(forMs)
    ? changed(`this node carries nothing for others for ${Math.round(forMs / 1_000)} s`)
    : unchanged('this node carries nothing for others already')
}

/** Another member that could carry by its certificate and says that it does not. */
const drainedOther = ({ routing, membership }: LocalActionDeps): PeerId | undefined =>
  routing
    .topology()
    .nodes.find(
      ({ origin, transit }) =>
        origin !== membership.self && !transit && membership.certificateOf(origin)?.transit === true,
    )?.origin

const undrain: Perform = async (deps, order, signal) => {
  if (!isSelf(deps, order)) return releaseRoute(deps, order, signal)
  return deps.routing.steering.undrain()
    ? changed('this node carries for others again')
    : unchanged('this node was not drained')
}

const throttleProbes: Perform = async ({ links }, { args }) => {
  const forMs = durationArg(args, 'for', DEFAULT_STEER_MS)
  return links.calm(forMs)
    ? changed(`this node probes its links at the pace of an idle one for ${Math.round(forMs / 1_000)} s`)
    : unchanged('it probes at the pace of an idle node already')
}

const runCommand: Perform = async ({ runCommand: run }, { args, subject }, signal) => {
  const name = typeof args['name'] === 'string' ? args['name'] : undefined
  return changed(await run(name, subject, signal))
}

const wait: Perform = async ({ clock }, { args }, signal) => {
  const forMs = durationArg(args, 'for', 1_000)
  await sleep(clock, forMs, signal)
  return changed(`waited ${forMs} ms`)
}

const ACTIONS: Readonly<Record<StepAction, Perform>> = {
  redial,
  reroute,
  'release-route': releaseRoute,
  'promote-standby': promoteStandby,
  'restart-forward': restartForward,
  'restart-session': restartSession,
  'switch-provider': switchProvider,
  'resync-membership': resync,
  'renew-certificate': renewCertificate,
  'rotate-session-keys': rotateKeys,
  'quarantine-peer': quarantine,
  'release-peer': release,
  'drain-node': drain,
  'undrain-node': undrain,
  'throttle-probes': throttleProbes,
  'run-command': runCommand,
  notify: async ({ notify }, order, signal) => {
    try {
      return changed(await notify(order, signal))
    } catch (error) {
      throw new Error(`nobody was told: ${messageOf(error)}`, { cause: error })
    }
  },
  wait,
}
