import type { ContractOutputs } from '../../contract/contract.ts'
import type { Status } from '../../contract/schemas.ts'
import { PRODUCT_VERSION } from '../../contract/version.ts'
import { parseNodeName } from '../../domain/ids.ts'
import type { NodeParts } from '../node-parts.ts'
import { forwardView, linkDetail, memberView, nameOf, serviceView, socksView } from './views.ts'

type Node = Status['node']
type Check = ContractOutputs['node']['check']

function nodeState(parts: NodeParts): Node['state'] {
  const standing = parts.membership.standing(parts.membership.self)
  if (standing === 'revoked') return 'revoked'
  return standing === 'member' ? 'up' : 'expired'
}

export function buildStatus(parts: NodeParts): Omit<Status, 'schema'> {
  const { membership, services } = parts
  // A node without a certificate cannot start, so the fallback names nothing that runs.
  const name = nameOf(parts, membership.self) ?? parseNodeName('unknown')
  if (name === undefined) throw new TypeError('the fallback name of a node is valid')
  return {
    node: {
      name,
      peerId: membership.self,
      mesh: parts.facts.name,
      state: nodeState(parts),
      version: PRODUCT_VERSION,
      keystore: parts.keystore,
    },
    links: parts.links.links().flatMap((link) =>
      linkDetail(parts, link).map(({ peer, name: peerName, state, rttMs, lossEstimate, suite, sinceMs }) => ({
        ...{ peer, name: peerName, state, rttMs, lossEstimate, suite, sinceMs },
      })),
    ),
    members: membership
      .members()
      .filter((member) => member.standing === 'member')
      .map((member) => memberView(parts, member)),
    services: services.services().map(serviceView),
    forwards: services.forwards().map(forwardView),
    socks: services.socksPorts().map(socksView),
    health: [...parts.health.items()],
  }
}

/** `live`: it answers. `ready`: it is a member, and linked to somebody where there is somebody to link to. */
export function runCheck(parts: NodeParts, check: Check['check']): Omit<Check, 'schema'> {
  const reasons: string[] = []
  if (check === 'ready') {
    const state = nodeState(parts)
    if (state !== 'up') reasons.push(`the membership of this node is ${state}`)
    const others = parts.membership
      .members()
      .filter((member) => member.standing === 'member' && member.peer !== parts.membership.self)
    const linked = parts.links.links().some((link) => link.state === 'up' || link.state === 'degraded')
    if (others.length > 0 && !linked) reasons.push('no link to any other member is up')
  }
  return { check, ok: reasons.length === 0, reasons }
}
