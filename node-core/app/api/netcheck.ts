import type { NetcheckResult } from '../../contract/routing-schemas.ts'
import type { LinkView } from '../../mesh/links/link-manager.ts'
import { messageOf } from '../../platform/error.ts'
import { MAX_CLOCK_SKEW_MS } from '../../security/limits.ts'
import type { NodeParts } from '../node-parts.ts'
import { judgeNetwork } from './netcheck-verdict.ts'
import { traceRoute } from './routes.ts'
import { memberView, nameOf } from './views.ts'

type Facts = Omit<NetcheckResult, 'schema' | 'ok' | 'verdict' | 'todo'>

const isUsable = ({ state }: LinkView): boolean => state === 'up' || state === 'degraded'

/** How this node is connected, with one verdict and what to do. Asks one neighbour to connect back. */
export async function netcheck(
  parts: NodeParts,
  signal: AbortSignal,
): Promise<Omit<NetcheckResult, 'schema'>> {
  const links = parts.links.links()
  const facts: Facts = {
    listen: {
      addresses: [...parts.host.listenAddresses()],
      announced: [...parts.announcedAddresses()],
    },
    reach: await tryReach(parts, links, signal),
    members: memberRows(parts),
    clock: clockFacts(links),
  }
  const standing = parts.membership.standing(parts.membership.self)
  const todo = judgeNetwork({ ...facts, standing, maxSkewMs: MAX_CLOCK_SKEW_MS })
  const [worst] = todo
  return {
    ok: worst === undefined,
    verdict: worst?.what ?? summaryOf(facts),
    todo: todo.map(({ what, todo: advice }) => (what === worst?.what ? advice : `${what} ${advice}`)),
    ...facts,
  }
}

function summaryOf({ members, reach }: Facts): string {
  if (members.length === 0) return 'This node is ready, and no other member is there yet.'
  const direct = members.filter(({ hops }) => hops === 1).length
  const inbound = reach.reachable === true ? ', and others can connect to it' : ''
  return `This node reaches all ${members.length} other members, ${direct} of them directly${inbound}.`
}

async function tryReach(
  parts: NodeParts,
  links: readonly LinkView[],
  signal: AbortSignal,
): Promise<Facts['reach']> {
  // A node that this one has dialled says more than one whose own dial has just shown that it can get here.
  const usable = links.filter(isUsable)
  const neighbour = usable.find(({ direction }) => direction === 'outbound') ?? usable[0]
  const none = { askedNode: null, results: [] }
  if (neighbour === undefined) return { ...none, reachable: null, detail: 'there is no neighbour to ask' }
  const askedNode = nameOf(parts, neighbour.peer) ?? null
  try {
    const answer = await parts.reach.ask(neighbour.peer, signal)
    if (answer.kind === 'busy') {
      return { ...none, askedNode, reachable: null, detail: 'the neighbour was asked a moment ago' }
    }
    const results = [...answer.results]
    return { askedNode, results, reachable: results.some(({ answered }) => answered), detail: null }
  } catch (error) {
    return { ...none, askedNode, reachable: null, detail: messageOf(error) }
  }
}

function memberRows(parts: NodeParts): Facts['members'] {
  const { membership, links } = parts
  return membership.members().flatMap((member): Facts['members'] => {
    if (member.standing !== 'member' || member.peer === membership.self) return []
    const { role: _role, seenMs: _seenMs, ...view } = memberView(parts, member)
    const { forward } = traceRoute(parts, member.peer)
    const rtts = forward.flatMap(({ rttMs }) => rttMs ?? [])
    const link = links.links().find(({ peer }) => peer === member.peer)
    const sumMs = rtts.reduce((sum, rttMs) => sum + rttMs, 0)
    const isKnown = forward.length > 0 && rtts.length === forward.length
    return [
      {
        ...view,
        rttMs: isKnown ? sumMs : (link?.rttMs ?? null),
        suites: forward.flatMap(({ suite }) => suite ?? []),
      },
    ]
  })
}

function clockFacts(links: readonly LinkView[]): Facts['clock'] {
  const offsets = links.flatMap(({ clockOffsetMs }) => clockOffsetMs ?? []).sort((a, b) => a - b)
  return { offsetMs: offsets[offsets.length >> 1] ?? null, neighbours: offsets.length }
}
