import { nodeRefSchema } from '../../contract/schemas.ts'
import { parseIncidentId, parseJoinId, parsePlanId } from '../../domain/ids.ts'
import { findNode } from '../api/resolve-node.ts'
import type { NodeParts } from '../node-parts.ts'

/** What an operation is about to change, looked at before and again after it. */
export interface Snapshot {
  /** Finds what is meant, while it is still called so, and gives the look at it. */
  readonly of?: (parts: NodeParts, input: Input) => () => unknown
  /** For what only the answer tells. Secrets are hidden by name, see audit-text.ts. */
  readonly after?: (answer: Input) => unknown
}

type Input = Readonly<Record<string, unknown>>

const member: Snapshot = {
  of(parts, { node }) {
    const peer = findNode(parts, nodeRefSchema.parse(node))
    return () => {
      const found = parts.membership.members().find((one) => one.peer === peer)
      if (found === undefined) return undefined
      const { name, role, labels, transit, issuing, expiresAt } = found.certificate
      return { peer, name, role, labels, transit, issuing, expiresAt, standing: found.standing }
    }
  },
}

const join: Snapshot = {
  of(parts, { id }) {
    const joinId = parseJoinId(String(id))
    return () => {
      const row = joinId && parts.knowledge.joins.get(joinId)
      return row && { id: row.id, peer: row.peer, name: row.name, state: row.state }
    }
  },
}

const incident: Snapshot = {
  of(parts, { id }) {
    const incidentId = parseIncidentId(String(id))
    return () => {
      const found = incidentId && parts.incidents.get(incidentId)
      if (found === undefined) return undefined
      const { notes, ...people } = found.people
      return { state: found.state, ...people, notes: notes.length }
    }
  },
}

const plan: Snapshot = {
  of(parts, { id }) {
    const planId = parsePlanId(String(id))
    return () => {
      const found = planId && parts.knowledge.plans.get(planId)
      return found && { playbook: found.playbook, state: found.state, approvals: found.approvals }
    }
  },
}

const playbook: Snapshot = {
  of:
    ({ knowledge }, input) =>
    () => ({
      settings: knowledge.playbookSettings
        .list()
        .filter((one) => input.playbook === null || one.playbook === input.playbook),
    }),
}

const service: Snapshot = {
  of:
    ({ services }, { name }) =>
    () => {
      const found = services.services().find((one) => one.local && one.name === name)
      return found && { name: found.name, target: found.target, check: found.check }
    },
}

const port = (list: (parts: NodeParts) => readonly { readonly port: number }[]): Snapshot => ({
  of: (parts, input) => () => list(parts).filter((one) => one.port === input.port),
})
const forward = port(({ services }) =>
  services.forwards().map((one) => ({ port: one.port, service: one.service, node: one.node })),
)
const socks = port(({ services }) => services.socksPorts().map((one) => ({ port: one.port })))

const config: Snapshot = {
  of:
    ({ config: store }) =>
    () => {
      const { version, base } = store.current()
      return { version, base }
    },
}

const heal: Snapshot = {
  of:
    ({ heal: { loop } }) =>
    () => {
      const { state, paused } = loop.status()
      return { state, paused }
    },
}

const policy: Snapshot = {
  of:
    ({ membership }) =>
    () => {
      const version = membership.policyVersion()
      return version && { number: version.number, hash: version.hash, flags: version.policy.flags }
    },
}

/** Nothing but the call itself is to be said. */
const plain: Snapshot = {}
const answer: Snapshot = { after: (said) => said }

/** Every operation of the contract that changes something has a line here; a test compares. */
export const SNAPSHOTS: Readonly<Record<string, Snapshot>> = {
  'node.down': plain,
  'node.leave': plain,
  'members.revoke': member,
  'members.update': member,
  'members.grantIssuing': member,
  'invites.create': answer,
  'joins.approve': join,
  'joins.reject': join,
  'incidents.acknowledge': incident,
  'incidents.own': incident,
  'incidents.note': incident,
  'incidents.silence': incident,
  'incidents.resolve': incident,
  'alerts.test': answer,
  'log.set': {
    of:
      ({ logLevel }) =>
      () => ({ ...logLevel.state() }),
  },
  'heal.pause': heal,
  'heal.resume': heal,
  'plans.approve': plan,
  'plans.reject': plan,
  'plans.undo': plan,
  'playbooks.save': answer,
  'playbooks.remove': playbook,
  'playbooks.set': playbook,
  'playbooks.forget': playbook,
  'policy.apply': policy,
  'services.expose': service,
  'services.unexpose': service,
  'forwards.add': { ...forward, ...answer },
  'forwards.remove': forward,
  'socks.add': { ...socks, ...answer },
  'socks.remove': socks,
  'setup.create': plain,
  'setup.join': plain,
  'setup.openLab': plain,
  'config.import': config,
  'config.rollback': config,
  'console.link': { after: ({ role, expiresAt }) => ({ role, expiresAt }) },
  'console.signOut': plain,
}
