import type { ContractOutputs } from '../../contract/contract.ts'
import type { PlanDocument } from '../../contract/heal-schemas.ts'

type Status = Omit<ContractOutputs['heal']['status'], 'schema'>
type Why = Omit<ContractOutputs['heal']['why'], 'schema'>

const STATES: Readonly<Record<Status['state'], string>> = {
  watching: 'The loop watches; nothing has to be repaired.',
  healing: 'The loop is repairing.',
  paused: 'The loop is paused.',
  'safe-mode': 'The loop is in safe mode after faults of its own: it watches and does nothing.',
}

const clock = (at: number): string => new Date(at).toISOString().slice(11, 23)
const inSeconds = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1_000).toFixed(2)} s` : `${Math.round(ms / 1_000)} s`

export function renderHealStatus(status: Status, now: number): string {
  const lines = [STATES[status.state]]
  if (status.paused !== null)
    lines.push(`Since ${clock(status.paused.at)}, by ${status.paused.by}: ${status.paused.reason}`)
  for (const id of status.healing) lines.push(`Repairing ${id}; x0t why ${id} says more.`)
  for (const { id, playbook, incident, expiresAt } of status.waiting) {
    const left = expiresAt === null ? '' : `, denied in ${inSeconds(Math.max(0, expiresAt - now))}`
    lines.push(`${id} waits for you (${playbook} for ${incident}${left}): x0t approve ${id}`)
  }
  for (const { what, until } of status.steering) lines.push(`Traffic avoids ${what} until ${clock(until)}.`)
  for (const { name, until, reason } of status.quarantined)
    lines.push(`${name} is kept away until ${clock(until)}: ${reason}`)
  if (status.faults > 0) lines.push(`Faults of the loop itself in ten minutes: ${status.faults}.`)
  return lines.join('\n')
}

const MAX_LINES = 12
/** The first ones and the last ones: how it began, and how it ended. */
function excerpt(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_LINES) return lines
  const half = MAX_LINES / 2
  return [...lines.slice(0, half), `  ... ${lines.length - MAX_LINES} more ...`, ...lines.slice(-half)]
}

export function renderWhy({ incident, plans, precedents }: Why): string {
  const { firstEvidenceAt } = incident
  const since = (at: number): string => `+${((at - firstEvidenceAt) / 1_000).toFixed(2)} s`
  const ended =
    incident.repairMs === null
      ? incident.state
      : `${incident.state}, ${inSeconds(incident.repairMs)} after the first evidence`
  return [
    `${incident.id}  ${incident.title}`,
    `${incident.severity} ${incident.code}, ${incident.subject}: ${ended}`,
    '',
    `Evidence (first at ${clock(firstEvidenceAt)} UTC, seen by ${incident.witnesses.join(', ')})`,
    ...excerpt(incident.evidence.map(({ at, from, text }) => `  ${since(at).padStart(9)}  ${from}: ${text}`)),
    ...(incident.consequences.length === 0
      ? []
      : [`  It explains: ${incident.consequences.slice(0, 6).join('; ')}`]),
    '',
    `Diagnosis (${Math.round(incident.confidence * 100)} % sure, repair led by ${incident.coordinator})`,
    `  ${incident.diagnosis ?? 'The cause is not known yet.'}`,
    '',
    ...plans.flatMap((plan) => [...planLines(plan, since), '']),
    'What happened',
    ...excerpt(
      incident.timeline
        .filter(({ kind }) => kind !== 'evidence')
        .map(({ at, text }) => `  ${since(at).padStart(9)}  ${text}`),
    ),
    ...(precedents.length === 0 ? [] : ['', 'Seen before']),
    ...precedents.map(({ id, title, likeness, state, playbook }) => {
      const how = playbook === null ? state : `${state} by ${playbook}`
      return `  ${id}  ${title} (${Math.round(likeness * 100)} % alike): ${how}`
    }),
  ].join('\n')
}

function planLines(plan: PlanDocument, since: (at: number) => string): string[] {
  return [
    `Plan ${plan.id}: ${plan.playbook} (${plan.mode}, ${plan.risk} risk, touches ${plan.blastRadius}): ${plan.state}, ${plan.reason}`,
    ...plan.candidates.map(
      ({ playbook, score, reasons, chosen }) =>
        `  ${chosen ? '>' : ' '} ${playbook.padEnd(28)} ${score.toFixed(2)}  ${reasons.join('; ')}`,
    ),
    ...plan.steps.map((step) => {
      const when = step.endedAt === null ? '' : ` ${since(step.endedAt)}`
      return `    ${step.id}: ${step.action} at ${step.at}: ${step.state}${when}${step.outcome === null ? '' : `, ${step.outcome}`}`
    }),
    ...plan.approvals.map(
      ({ by, verdict, comment }) => `    ${verdict} by ${by}${comment === null ? '' : `: ${comment}`}`,
    ),
    ...(plan.verification?.checks.map(
      ({ text, passed }) => `    ${passed ? 'measured' : 'not yet'}: ${text}`,
    ) ?? []),
  ]
}
