import type { HealthItem, Status } from '../../contract/schemas.ts'
import type { Tone } from './style.ts'

export interface Verdict {
  readonly text: string
  readonly tone: Tone
  /** What decides the exit code. */
  readonly healthy: boolean
}

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** What makes a node unhealthy: it says so itself, it is not a member any more, or something critical is wrong. */
const isSerious = (item: HealthItem): boolean => item.severity === 'critical' || item.impactsConnectivity

const STATE_TEXT = {
  starting: 'is starting',
  up: 'is up',
  expired: 'is no member any more: its certificate has expired',
  revoked: 'is no member any more: it was revoked',
  stopping: 'is stopping',
} as const

function linksText({ links }: Status): string {
  if (links.length === 0) return 'it has no links'
  const counts = new Map<string, number>()
  for (const { state } of links) counts.set(state, (counts.get(state) ?? 0) + 1)
  const up = counts.get('up') ?? 0
  if (up === links.length) return `${plural(up, 'link')} up`
  const others = ['degraded', 'suspect', 'down'].flatMap((state) => {
    const count = counts.get(state)
    return count === undefined ? [] : [`${count} ${state}`]
  })
  return `${up} of ${plural(links.length, 'link')} up, ${others.join(', ')}`
}

/** One sentence that says how the node is. */
export function verdictOf(status: Status): Verdict {
  const { node, health } = status
  const serious = health.filter(isSerious).length
  const warnings = health.filter((item) => !isSerious(item) && item.severity === 'warning').length
  const troubles = [
    ...(serious === 0 ? [] : [plural(serious, 'problem')]),
    ...(warnings === 0 ? [] : [plural(warnings, 'warning')]),
  ]
  const healthy = node.state === 'up' && serious === 0
  const end = troubles.length === 0 ? '' : `; ${troubles.join(' and ')}`
  return {
    text: `${node.name} ${STATE_TEXT[node.state]} in the mesh ${node.mesh}: ${linksText(status)}${end}.`,
    tone: !healthy ? 'red' : warnings > 0 ? 'yellow' : 'green',
    healthy,
  }
}
