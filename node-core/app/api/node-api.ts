import { PRODUCT_VERSION } from '../../contract/version.ts'
import type { NodeApi } from '../../control/node-api.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import { withTimeout } from '../../platform/wait.ts'
import type { NodeParts } from '../node-parts.ts'
import { alertOperations } from './alert-operations.ts'
import { auditOperations } from './audit-operations.ts'
import { configOperations } from './config-operations.ts'
import { consoleOperations } from './console-operations.ts'
import { eventOperations } from './event-operations.ts'
import { healOperations, planOperations } from './heal-operations.ts'
import { historyOperations } from './history-operations.ts'
import { incidentOperations } from './incident-operations.ts'
import { netcheck } from './netcheck.ts'
import { playbookOperations } from './playbook-operations.ts'
import { policyOperations } from './policy-operations.ts'
import { requireNode } from './resolve-node.ts'
import { listRoutes, traceRoute } from './routes.ts'
import { runOperations } from './run-operations.ts'
import { socksOperations } from './socks-operations.ts'
import { buildStatus, runCheck } from './status.ts'
import { showTopology } from './topology.ts'
import { forwardView, joinView, linkDetail, memberDetail, nameOf, serviceView } from './views.ts'

/** The contract, implemented by the parts of a running node. */
export function createNodeApi(parts: NodeParts): NodeApi {
  const history = historyOperations(parts)
  return {
    certificateRole: () => parts.membership.certificateOf(parts.membership.self)?.role ?? 'none',
    node: nodeOperations(parts),
    members: memberOperations(parts),
    links: { list: async () => ({ items: parts.links.links().flatMap((link) => linkDetail(parts, link)) }) },
    routes: {
      list: async ({ node }) => ({
        items: listRoutes(parts, node === null ? undefined : requireNode(parts, node)),
      }),
      trace: async ({ node }) => traceRoute(parts, requireNode(parts, node)),
    },
    ...history,
    topology: { show: async () => showTopology(parts), ...history.topology },
    invites: {
      create: async ({ role, expiresMs, approve }) => createInvite(parts, { role, expiresMs, approve }),
    },
    joins: joinOperations(parts),
    incidents: incidentOperations(parts),
    alerts: alertOperations(parts),
    ...runOperations(parts),
    policy: policyOperations(parts),
    audit: auditOperations(parts),
    services: serviceOperations(parts),
    forwards: forwardOperations(parts),
    socks: socksOperations(parts),
    heal: healOperations(parts),
    plans: planOperations(parts),
    playbooks: playbookOperations(parts),
    events: eventOperations(parts),
    setup: parts.setup,
    config: configOperations(parts),
    console: consoleOperations(parts),
  }
}

function nodeOperations(parts: NodeParts): NodeApi['node'] {
  return {
    status: async () => buildStatus(parts),
    check: async ({ check }) => runCheck(parts, check),
    version: async () => ({
      version: PRODUCT_VERSION,
      runtime: process.versions.node,
      pid: process.pid,
      startedAt: parts.startedAt,
    }),
    ping: async ({ node, timeoutMs }, { signal }) => ping(parts, requireNode(parts, node), timeoutMs, signal),
    netcheck: async ({ signal }) => netcheck(parts, signal),
    down: async () => {
      parts.requestStop('asked to by x0t down')
      return { pid: process.pid }
    },
    leave: async () => {
      parts.requestLeave()
      return { mesh: parts.facts.name, peer: parts.membership.self }
    },
  }
}

async function ping(
  parts: NodeParts,
  peer: ReturnType<typeof requireNode>,
  timeoutMs: number,
  signal: AbortSignal,
) {
  const name = nameOf(parts, peer)
  if (name === undefined) throw new TypeError('a node that was found has a name')
  if (peer === parts.membership.self) {
    return { peer, name, answered: true, rttMs: 0, via: [], detail: null }
  }
  try {
    const work = (limit: AbortSignal) => parts.echo.ping(peer, limit)
    const { rttMs, path } = await withTimeout(parts.clock, timeoutMs, 'the ping', work, signal)
    const via = path.slice(0, -1).flatMap((hop) => nameOf(parts, hop) ?? [])
    return { peer, name, answered: true, rttMs, via, detail: null }
  } catch (error) {
    return { peer, name, answered: false, rttMs: null, via: [], detail: messageOf(error) }
  }
}

function memberOperations(parts: NodeParts): NodeApi['members'] {
  const { membership } = parts
  return {
    list: async () => ({ items: membership.members().flatMap((member) => memberDetail(parts, member)) }),
    update: async ({ node, name, role, labels, transit }) => {
      const peer = requireNode(parts, node)
      membership.changeMember(peer, {
        ...(name === null ? {} : { name }),
        ...(role === null ? {} : { role }),
        ...(labels === null ? {} : { labels }),
        ...(transit === null ? {} : { transit }),
      })
      return { member: oneMember(parts, peer) }
    },
    grantIssuing: async ({ node, forMs }) => {
      const peer = requireNode(parts, node)
      membership.grantIssuing(peer, forMs)
      return { member: oneMember(parts, peer) }
    },
    revoke: async ({ node, reason, keepIssued }) => {
      const peer = requireNode(parts, node)
      const name = nameOf(parts, peer)
      if (name === undefined) throw new TypeError('a node that was found has a name')
      const members = (): Set<string> =>
        new Set(membership.members().flatMap(({ peer: id, standing }) => (standing === 'member' ? [id] : [])))
      const before = members()
      membership.revoke(peer, { keepIssued, ...(reason === undefined ? {} : { reason }) })
      const after = members()
      const alsoRevoked = membership
        .members()
        .flatMap(({ peer: id }) => (id !== peer && before.has(id) && !after.has(id) ? [id] : []))
      return { peer, name, alsoRevoked }
    },
  }
}

function oneMember(parts: NodeParts, peer: ReturnType<typeof requireNode>) {
  const [member] = parts.membership
    .members()
    .filter((one) => one.peer === peer)
    .flatMap((one) => memberDetail(parts, one))
  if (member === undefined) throw new TypeError('a member that was just certified is one')
  return member
}

export type InviteFault = { code: 'NO_ADDRESS' }

function createInvite(
  parts: NodeParts,
  { role, expiresMs, approve }: Parameters<NodeApi['invites']['create']>[0],
): Awaited<ReturnType<NodeApi['invites']['create']>> {
  const addresses = inviteAddresses(parts)
  if (addresses.length === 0) {
    throw new FaultError<InviteFault>(
      { code: 'NO_ADDRESS' },
      'this node listens on no address, so nobody could reach it with the invite',
      { hint: 'Set listen in x0t.yaml, or start it with x0t up --listen /ip4/0.0.0.0/tcp/0.' },
    )
  }
  const invite = parts.membership.createInvite({
    role,
    expiresInMs: expiresMs,
    needsApproval: approve,
    addresses,
  })
  return {
    id: invite.id,
    token: invite.token,
    fingerprint: parts.facts.meshId,
    role: invite.role,
    approve,
    expiresAt: invite.expiresAt,
    addresses,
  }
}

/** A token holds so many. */
const MAX_INVITE_ADDRESSES = 8

/**
 * Where whoever joins finds the mesh: this node first, then the members nearest to it, since any of them can pass the
 * request on. Two addresses of each, so that one node with many does not fill the token.
 */
function inviteAddresses(parts: NodeParts): string[] {
  const { membership, routing } = parts
  const others = membership
    .members()
    .filter(({ peer, standing }) => peer !== membership.self && standing === 'member')
    .flatMap(({ peer, record }) => {
      const [path] = routing.pathsTo(peer)
      return path === undefined || record === undefined ? [] : [{ peer, hops: path.length, record }]
    })
    .sort((left, right) => left.hops - right.hops)
  const own = parts.inviteAddresses().map((address) => `${address}/p2p/${membership.self}`)
  const theirs = others.flatMap(({ peer, record }) =>
    record.addresses.slice(0, 2).map((address) => `${address}/p2p/${peer}`),
  )
  return [...own, ...theirs].slice(0, MAX_INVITE_ADDRESSES)
}

function joinOperations(parts: NodeParts): NodeApi['joins'] {
  const { membership, knowledge } = parts
  const one = (id: Parameters<NodeApi['joins']['approve']>[0]['id']) => {
    const row = knowledge.joins.get(id)
    const [join] = row === undefined ? [] : joinView(parts, row)
    if (join === undefined) throw new TypeError('a join that was decided is kept')
    return { join }
  }
  return {
    list: async () => ({ items: knowledge.joins.list().flatMap((row) => joinView(parts, row)) }),
    approve: async ({ id }) => {
      membership.approve(id)
      return one(id)
    },
    reject: async ({ id }) => {
      membership.reject(id)
      return one(id)
    },
  }
}

function serviceOperations({ services }: NodeParts): NodeApi['services'] {
  return {
    list: async () => ({ items: services.services().map(serviceView) }),
    expose: async ({ name, target, check }) => ({
      service: serviceView(await services.expose({ name, target, ...(check === null ? {} : { check }) })),
    }),
    unexpose: async ({ name }) => {
      services.unexpose(name)
      return { name }
    },
  }
}

function forwardOperations(parts: NodeParts): NodeApi['forwards'] {
  const { services } = parts
  return {
    list: async () => ({ items: services.forwards().map(forwardView) }),
    add: async ({ port, service, node }) => {
      // A typing error in the name shows now and not when the first client comes.
      if (node !== null) requireNode(parts, node)
      const view = await services.forward({ port, service, ...(node === null ? {} : { node }) })
      return { forward: forwardView(view) }
    },
    remove: async ({ port }) => {
      const view = services.unforward(port)
      return { port: view.port, service: view.service }
    },
  }
}
