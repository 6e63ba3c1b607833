import { fewNames } from '../../domain/few-names.ts'
import type { PeerId } from '../../domain/ids.ts'
import { type EndingCertificate, renewalOutlook } from '../../domain/renewal-outlook.ts'
import { roleBelow } from '../../domain/role.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Severity } from '../../domain/symptom.ts'
import type { Picture, RenewableFact } from '../monitor/picture.ts'
import { aboutPart, type Finding } from './finding.ts'

/** A certificate of less than this life has no hour to be warned of; its own node says so by `certificate-expiring`. */
const SHORTEST_LIFE_MS = 2 * 3_600_000
/** A node that was just started, or a member that was just restarted, is given this time to find the others. */
const PATIENCE_MS = 60_000
const MAX_NAMES = 4

/** Of a member that is away: it may be switched off for a month, which is nobody's emergency. */
const OF_A_MEMBER: Readonly<Record<EndingCertificate['urgency'], Severity>> = {
  ...{ early: 'info', soon: 'warning', last: 'warning' },
}
/** Nobody is there to renew: without a person the mesh ends. */
const OF_THE_MESH: Readonly<Record<EndingCertificate['urgency'], Severity>> = {
  ...{ early: 'info', soon: 'warning', last: 'critical' },
}

interface Ending extends EndingCertificate {
  readonly fact: RenewableFact
  readonly isAway: boolean
}

/**
 * Certificates of other members that end within 72 h, 24 h or 1 h and cannot be renewed as things are: one finding for each
 * member that is away, and one for all of those that no issuer within reach could renew. What has come to be renewable again is
 * none any more.
 */
export function createRenewalWarnings(deps: {
  readonly now: () => number
  readonly self: PeerId
}): (picture: Pick<Picture, 'members' | 'renewables'>) => Finding[] {
  const { now, self } = deps
  const since = new Map<PeerId, number>()
  return ({ members, renewables }) => {
    const reachable = new Set<PeerId>([self])
    for (const member of members) if (member.reachable) reachable.add(member.peer)
    const blocked = blockedOf(renewables, reachable, now()).filter(({ fact }) => fact.peer !== self)
    const peers = new Set(blocked.map(({ fact }) => fact.peer))
    for (const peer of since.keys()) if (!peers.has(peer)) since.delete(peer)
    const lasting = blocked.filter(({ fact }) => {
      const at = since.get(fact.peer) ?? now()
      since.set(fact.peer, at)
      return now() - at >= PATIENCE_MS
    })
    const firstSeenAt = (all: readonly Ending[]): number =>
      Math.min(...all.map(({ fact }) => since.get(fact.peer) ?? now()))
    const finding = (
      subject: Subject,
      severity: Severity,
      text: string,
      all: readonly Ending[],
    ): Finding => ({
      ...{ code: 'renewal-ending', subject, severity, confidence: 1, text, firstSeenAt: firstSeenAt(all) },
    })
    const away = lasting.filter(({ isAway }) => isAway)
    const orphans = lasting.filter(({ isAway }) => !isAway)
    const [first] = orphans
    return [
      ...away.map((one) =>
        finding(aboutPart(one.fact.peer, 'certificate'), OF_A_MEMBER[one.urgency], textOfAway(one), [one]),
      ),
      ...(first === undefined
        ? []
        : [finding({ kind: 'mesh' }, OF_THE_MESH[first.urgency], textOfOrphans(orphans, first), orphans)]),
    ]
  }
}

/** The one to end first comes first. */
function blockedOf(
  renewables: readonly RenewableFact[],
  reachable: ReadonlySet<PeerId>,
  now: number,
): Ending[] {
  const { ending: all } = renewalOutlook(renewables, now)
  // Nearly always: and this is looked into several times a second.
  if (all.length === 0) return []
  const byName = new Map(renewables.map((fact) => [fact.name, fact]))
  return all.flatMap((ending): Ending[] => {
    const fact = byName.get(ending.name)
    if (fact === undefined || fact.expiresAt - fact.issuedAt < SHORTEST_LIFE_MS) return []
    const isReached = reachable.has(fact.peer)
    const hasIssuer = renewables.some(
      (one) => one !== fact && one.issuing && roleBelow(fact.role, one.role) && reachable.has(one.peer),
    )
    // Whom the authority alone renews is blamed for being away as well: where the authority is, no member knows.
    return isReached && hasIssuer
      ? []
      : [{ ...ending, fact, isAway: !isReached && (hasIssuer || ending.by.length === 0) }]
  })
}

const hours = (ms: number): string =>
  ms < 2 * 3_600_000 ? `${Math.max(0, Math.round(ms / 60_000))} min` : `${Math.round(ms / 3_600_000)} h`

function textOfAway({ name, leftMs, by }: Ending): string {
  const who = by.length === 0 ? 'the authority' : by.slice(0, MAX_NAMES).join(' or ')
  return `The certificate of ${name} ends in ${hours(leftMs)}, and ${name} is not there to have it renewed by ${who}.`
}

function textOfOrphans(orphans: readonly Ending[], first: Ending): string {
  const names = orphans.map(({ name }) => name)
  const issuers = [...new Set(orphans.flatMap(({ by }) => by))].sort().slice(0, MAX_NAMES)
  const who =
    issuers.length === 0
      ? 'only the authority can renew them: bring it back with x0t authority import'
      : `${issuers.join(' or ')} could renew them and cannot be reached`
  return `No certificate of these can be renewed now, and the first ends in ${hours(first.leftMs)}: ${fewNames(names, MAX_NAMES)}; ${who}.`
}
