import { createHash } from 'node:crypto'
import type { PeerId } from '../../domain/ids.ts'

/** A member that could be a neighbour. */
export interface Candidate {
  readonly peer: PeerId
  /** Multiaddr texts, the most promising first. */
  readonly addresses: readonly string[]
  /** Named by a person: always wanted. */
  readonly isPinned: boolean
  /** Dials that have failed since the last link. */
  readonly failures: number
  /** It said that it has enough neighbours, not long ago. */
  readonly isDeclined: boolean
}

export interface LinkLimits {
  readonly min: number
  readonly max: number
}

/** A candidate that has failed this often is tried on, but another one is taken beside it. */
const FAILURES_TO_COUNT_OUT = 3
/** However many fail, this many dials at most go on beside the links. */
const MAX_WANTED_BEYOND_LINKS = 16

/**
 * The peers that this node wants links with. In a mesh no larger than the limit: all. In a larger one: one more than
 * the minimum, in an order that is random but the same at both ends of each pair (rendezvous hashing), so that the
 * links of all nodes form a random graph, which stays connected and has short paths; and spread over networks.
 */
export function wantedPeers(
  self: PeerId,
  candidates: readonly Candidate[],
  { min, max }: LinkLimits,
): readonly PeerId[] {
  const reachable = candidates.filter(({ addresses }) => addresses.length > 0)
  if (candidates.length <= max) return reachable.map(({ peer }) => peer)
  const pinned = reachable.filter(({ isPinned }) => isPinned)
  const others = reachable.filter(({ isPinned, isDeclined }) => !isPinned && !isDeclined)
  const wanted = pinned.slice(0, max)
  let counted = wanted.length
  const target = Math.min(max, min + 1)
  for (const candidate of spreadOverNetworks(byRank(self, others))) {
    if (counted >= target || wanted.length >= max + MAX_WANTED_BEYOND_LINKS) break
    wanted.push(candidate)
    if (candidate.failures < FAILURES_TO_COUNT_OUT) counted += 1
  }
  return wanted.map(({ peer }) => peer)
}

/** Links to give up when there are more than the limit: those that this node wants least. */
export function surplusLinks(
  self: PeerId,
  linked: readonly PeerId[],
  wanted: readonly PeerId[],
  { max }: LinkLimits,
): readonly PeerId[] {
  const excess = linked.length - max
  if (excess <= 0) return []
  const isWanted = new Set(wanted)
  const expendable = linked.filter((peer) => !isWanted.has(peer)).map((peer) => ({ peer }))
  return byRank(self, expendable)
    .slice(-excess)
    .map(({ peer }) => peer)
}

function byRank<C extends { readonly peer: PeerId }>(self: PeerId, candidates: readonly C[]): readonly C[] {
  return candidates
    .map((candidate) => ({ candidate, rank: rankOf(self, candidate.peer) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ candidate }) => candidate)
}

/** The same for both ends. */
function rankOf(a: PeerId, b: PeerId): string {
  return createHash('sha256').update([a, b].sort().join('|')).digest('hex')
}

/** Takes from each network in turn, so that a rack or a home does not get all the links. Keeps the order within each. */
function spreadOverNetworks(candidates: readonly Candidate[]): readonly Candidate[] {
  const rounds: Candidate[][] = []
  const taken = new Map<string, number>()
  for (const candidate of candidates) {
    const network = networkOf(candidate.addresses[0] ?? '')
    const round = taken.get(network) ?? 0
    taken.set(network, round + 1)
    const peers = rounds[round] ?? []
    rounds[round] = peers
    peers.push(candidate)
  }
  return rounds.flat()
}

/** A /24 for IPv4, a /48 for IPv6, the whole name otherwise. */
function networkOf(address: string): string {
  const [, family = '', host = ''] = address.split('/')
  if (family === 'ip4') return `ip4/${host.split('.').slice(0, 3).join('.')}`
  if (family === 'ip6') return `ip6/${host.split(':').slice(0, 3).join(':')}`
  return `${family}/${host}`
}
