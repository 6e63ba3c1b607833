import type { Alert } from '../../domain/alert.ts'
import { SEVERITIES, type Severity } from '../../domain/symptom.ts'

/** What goes out in one message: at least one alert. */
export interface AlertMessage {
  readonly node: string
  readonly mesh: string
  /** The oldest first. */
  readonly alerts: readonly [Alert, ...Alert[]]
}

const MAX_LISTED = 20

/** The worst of a message; a fault that is over counts as information. */
export const worstOf = ({ alerts }: AlertMessage): Severity =>
  SEVERITIES.find((severity) =>
    alerts.some((alert) => alert.severity === severity && alert.event !== 'resolved'),
  ) ?? 'info'

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function headlineOf({ event, severity, title }: Alert): string {
  switch (event) {
    case 'opened':
      return `${capital(severity)}: ${title}`
    case 'escalated':
      return `A person is needed: ${title}`
    case 'resolved':
      return `Resolved: ${title}`
    case 'approval':
      return `Waits for a yes: ${title}`
    case 'test':
      return title
  }
}

/** For a subject: one line, with the node that tells it. */
export function subjectOf(message: AlertMessage): string {
  const { alerts, node } = message
  const [first] = alerts
  const what = alerts.length === 1 ? headlineOf(first) : `${alerts.length} alerts, ${headlineOf(first)} first`
  return `[x0t ${node}] ${what}`.replace(/\p{Cc}+/gu, ' ')
}

/** What to type to see more, or to answer. */
function adviceOf({ event, incident, plan }: Alert): string {
  if (event === 'approval' && plan !== undefined) return `x0t approve ${plan}, or x0t reject ${plan}`
  return incident === undefined ? '' : `x0t incidents show ${incident}`
}

/** Plain text, some lines for each alert. */
export function textOf({ alerts, node, mesh }: AlertMessage): string {
  const listed = alerts.slice(0, MAX_LISTED).map((alert) => {
    const lines = [headlineOf(alert), alert.text, new Date(alert.at).toISOString(), adviceOf(alert)]
    return lines.filter((line) => line !== '').join('\n')
  })
  const more = alerts.length - listed.length
  if (more > 0) listed.push(`and ${more} more: x0t incidents list`)
  return `${listed.join('\n\n')}\n\nTold by ${node} in the mesh ${mesh}.`
}

/** For programs: a webhook and a command get the same. */
export const documentOf = ({ node, mesh, alerts }: AlertMessage, now: number) => ({
  ...{ schema: 1, node, mesh, at: now },
  alerts: alerts.map((alert) => ({
    ...alert,
    incident: alert.incident ?? null,
    plan: alert.plan ?? null,
  })),
})
