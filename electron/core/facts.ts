/** What the tray and the notifications need to know, from what the node answers. */
import type { ContractOutputs } from '../../node-core/contract/contract.ts'
import type { IncidentItem } from '../../node-core/contract/incidents-schemas.ts'
import type { Join, Status } from '../../node-core/contract/schemas.ts'
import { type Facts, MAX_FACTS, type Severity } from './messages.ts'

const RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 }

export interface Answers {
  readonly status: Status
  /** Those that are not over. */
  readonly incidents: readonly IncidentItem[]
  readonly joins: readonly Join[]
  readonly heal: ContractOutputs['heal']['status']
}

export function factsOf({ status, incidents, joins, heal }: Answers, now: number): Facts {
  const { node, links, health } = status
  const known = new Set(incidents.map(({ code }) => code))
  const faults = [
    ...incidents.map(({ id, severity, title, silencedUntil }) => ({
      ...{ key: id, severity, title, page: `incidents/${id}` },
      silenced: (silencedUntil ?? 0) > now,
    })),
    // What a node says of itself is told once: as the incident that was made of it, where there is one.
    ...health
      .filter(({ severity, code }) => severity !== 'info' && !known.has(code))
      .map(({ code, severity, title }) => ({
        key: code,
        severity,
        title,
        page: 'overview',
        silenced: false,
      })),
  ].sort((one, other) => RANK[one.severity] - RANK[other.severity])
  const approvals = [
    ...heal.waiting.map(({ id, incident }) => ({
      ...{ key: id, title: `A repair waits for you (${id})`, page: `incidents/${incident}` },
    })),
    ...joins
      .filter(({ state }) => state === 'pending')
      .map(({ id, name, role }) => ({ key: id, title: `${name} wants to join as ${role}`, page: 'nodes' })),
  ]
  return {
    node: { name: node.name, mesh: node.mesh, state: node.state },
    links: { all: links.length, up: links.filter(({ state }) => state === 'up').length },
    faults: faults.slice(0, MAX_FACTS),
    approvals: approvals.slice(0, MAX_FACTS),
    paused: heal.state === 'paused' || heal.state === 'safe-mode',
  }
}
