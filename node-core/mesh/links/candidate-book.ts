import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import { parseDialAddress, withPeer } from '../host/addresses.ts'
import type { Standing } from '../membership/events.ts'

/** Who belongs to the mesh and where their node records say they are. */
export interface LinkMembership {
  members(): readonly {
    readonly peer: PeerId
    readonly standing: Standing
    readonly record: { readonly addresses: readonly string[] } | undefined
  }[]
  readonly events: { on(event: 'memberChanged', listener: (changed: { peer: PeerId }) => void): () => void }
}

/** Where peers were reached before, the last first: of use when their records are old or not there yet. */
export interface ReachedAddresses {
  of(peer: PeerId): readonly string[]
  remember(peer: PeerId, address: string, atMs: number): void
}

/** Where peers were heard of just now, on a LAN: of use when all else is out of date. */
export interface FoundAddresses {
  of(peer: PeerId): readonly string[]
  /** Calls when a peer is heard of at another address; returns what ends it. */
  onFound(listener: (peer: PeerId) => void): () => void
}

/** Whom this node could dial, and how. */
export interface CandidateBook {
  peers(): readonly PeerId[]
  /** Addresses that a person named without saying whose they are. */
  readonly anonymous: readonly string[]
  isPinned(peer: PeerId): boolean
  /** Whether a person named it or it was reached from here before: it may know no way back. */
  hasOwnWay(target: string): boolean
  /** Multiaddr texts that name the peer: where it was just heard of, what worked before, what a person named, what the peer's record says. */
  addressesOf(peer: PeerId): readonly string[]
}

/** Tried one after the other, so that more of them only make a dial slower. */
const MAX_ADDRESSES = 8

export interface AddressSources {
  readonly reached?: ReachedAddresses | undefined
  readonly found?: FoundAddresses | undefined
}

/** @param named multiaddrs from a person; those that are no TCP addresses are passed over */
export function createCandidateBook(
  self: PeerId,
  membership: LinkMembership,
  { reached, found }: AddressSources,
  named: readonly string[],
): CandidateBook {
  const pinned = new Map<PeerId, string[]>()
  const anonymous: string[] = []
  for (const raw of named) {
    const address = parseDialAddress(raw)
    if (address === undefined || address.peer === self) continue
    if (address.peer === undefined) anonymous.push(address.text)
    else pinned.set(address.peer, [...(pinned.get(address.peer) ?? []), address.text])
  }
  // One that is also named with its peer adds nothing but a second dial to the same place.
  const owned = new Set([...pinned.values()].flat().map((address) => address.replace(/\/p2p\/[^/]+$/, '')))
  const unowned = anonymous.filter((address) => !owned.has(address))
  const membersNow = () =>
    membership.members().filter(({ peer, standing }) => peer !== self && standing === 'member')
  return {
    anonymous: unowned,
    peers: () => [...new Set([...pinned.keys(), ...membersNow().map(({ peer }) => peer)])],
    isPinned: (peer) => pinned.has(peer),
    hasOwnWay(target) {
      const peer = parsePeerId(target)
      return peer !== undefined && (pinned.has(peer) || (reached?.of(peer) ?? []).length > 0)
    },
    addressesOf(peer) {
      const record = membersNow().find((member) => member.peer === peer)?.record
      const all = [
        ...(found?.of(peer) ?? []),
        ...(reached?.of(peer) ?? []),
        ...(pinned.get(peer) ?? []),
        ...(record?.addresses ?? []),
      ]
      const usable = all.flatMap((address) => withPeer(address, peer) ?? [])
      return [...new Set(usable)].slice(0, MAX_ADDRESSES)
    },
  }
}

/** The same addresses from another starting point per failure, so that a few dead ones cannot use up every dial. */
export function rotate(addresses: readonly string[], failures: number): readonly string[] {
  if (addresses.length === 0) return addresses
  const from = failures % addresses.length
  return [...addresses.slice(from), ...addresses.slice(0, from)]
}
