/** What the tray and the notifications need to know, from what the node answers. */
import type { Join, Status } from '../../node-core/contract/schemas.ts'
import { type Facts, MAX_FACTS, type Severity } from './messages.ts'

const RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 }

export function factsOf({ node, links, health }: Status, joins: readonly Join[]): Facts {
  const up = links.filter(({ state }) => state === 'up').length
  const down = links.filter(({ state }) => state === 'down').length
  const faults = health
    .filter(({ severity }) => severity !== 'info')
    .map(({ code, severity, title }) => ({ key: code, severity, title, page: 'overview' }))
    .sort((one, other) => RANK[one.severity] - RANK[other.severity])
  const approvals = joins
    .filter(({ state }) => state === 'pending')
    .map(({ id, name, role }) => ({ key: id, title: `${name} wants to join as ${role}`, page: 'nodes' }))
  return {
    node: { name: node.name, mesh: node.mesh, state: node.state },
    links: { all: links.length, up, down },
    faults: faults.slice(0, MAX_FACTS),
    approvals: approvals.slice(0, MAX_FACTS),
    paused: null,
  }
}
