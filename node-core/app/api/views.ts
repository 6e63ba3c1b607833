import type {
  Forward,
  Join,
  LinkDetail,
  MemberDetail,
  Member as MemberView,
  Service,
  Socks,
} from '../../contract/schemas.ts'
import type { NodeName, PeerId } from '../../domain/ids.ts'
import type { LinkView } from '../../mesh/links/link-manager.ts'
import type { Member } from '../../mesh/membership/membership.ts'
import type { JoinRow } from '../../mesh/membership/store-port.ts'
import type { ForwardView } from '../../services/forward.ts'
import type { ServiceView } from '../../services/services.ts'
import type { SocksView } from '../../services/socks.ts'
import type { NodeParts } from '../node-parts.ts'

/** What people call a peer. A peer without a certificate has no name that could be trusted. */
export function nameOf(parts: Pick<NodeParts, 'membership'>, peer: PeerId): NodeName | undefined {
  return parts.membership.certificateOf(peer)?.name
}

export function linkDetail(parts: NodeParts, link: LinkView): LinkDetail[] {
  const name = nameOf(parts, link.peer)
  if (name === undefined) return []
  return [
    {
      peer: link.peer,
      name,
      state: link.state,
      rttMs: link.rttMs ?? null,
      lossEstimate: link.lossEstimate ?? null,
      suite: link.suite ?? null,
      sinceMs: link.sinceMs,
      jitterMs: link.jitterMs ?? null,
      clockOffsetMs: link.clockOffsetMs ?? null,
      direction: link.direction ?? null,
      address: link.address ?? null,
    },
  ]
}

export function memberView(parts: NodeParts, member: Member): MemberView {
  const { peer, certificate } = member
  const self = peer === parts.membership.self
  const link = parts.links.links().find((candidate) => candidate.peer === peer)
  const [path] = self ? [] : parts.routing.pathsTo(peer)
  return {
    peer,
    name: certificate.name,
    role: certificate.role,
    reachable: self || path !== undefined,
    hops: self ? 0 : (path?.length ?? null),
    via: path?.slice(0, -1) ?? [],
    // Of a node that is no neighbour its last advert is the last that was heard.
    seenMs: self ? 0 : (link?.seenMs ?? parts.routing.heardMs(peer) ?? null),
  }
}

/** Members and those who were: nobody whose certificate was never seen. */
export function memberDetail(parts: NodeParts, member: Member): MemberDetail[] {
  if (member.standing === 'unknown') return []
  const { certificate, record } = member
  return [
    {
      ...memberView(parts, member),
      self: member.peer === parts.membership.self,
      standing: member.standing,
      issuing: certificate.issuing,
      labels: [...certificate.labels],
      expiresAt: certificate.expiresAt,
      version: record?.version ?? null,
    },
  ]
}

export function serviceView(view: ServiceView): Service {
  return {
    name: view.name,
    peer: view.peer,
    node: view.node,
    local: view.local,
    target: view.target ?? null,
    check: view.check ?? null,
    state: view.state,
    detail: view.detail ?? null,
  }
}

export function forwardView(view: ForwardView): Forward {
  return {
    host: view.host,
    port: view.port,
    service: view.service,
    node: view.node ?? null,
    state: view.state,
    flows: view.tally.open,
    detail: view.detail ?? null,
  }
}

export function socksView({ host, port, state, tally, detail }: SocksView): Socks {
  return { host, port, state, flows: tally.open, detail: detail ?? null }
}

/** Pending requests and those that were decided; a request whose invite was forgotten has no role to show. */
export function joinView(parts: NodeParts, row: JoinRow): Join[] {
  const invite = parts.knowledge.invites.get(row.invite)
  if (invite === undefined) return []
  const { id, peer, name, requestedAt, expiresAt, state } = row
  return [{ id, invite: row.invite, peer, name, role: invite.role, requestedAt, expiresAt, state }]
}
