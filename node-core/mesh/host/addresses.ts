import { multiaddr } from '@multiformats/multiaddr'
import { type PeerId, parsePeerId } from '../../domain/ids.ts'

/** One address of this machine, as `os.networkInterfaces()` gives it. */
export interface InterfaceAddress {
  readonly address: string
  readonly family: 'IPv4' | 'IPv6'
  readonly internal: boolean
}

/** More than this many are of no use to whoever dials, and a node record carries no more. */
const MAX_ADVERTISED_ADDRESSES = 16

const WILDCARD = /^\/(ip4\/0\.0\.0\.0|ip6\/::)\//

/**
 * The addresses under which others may reach what is bound: a wildcard becomes the machine's addresses of its family,
 * link-local ones left out because they mean nothing without a zone, and loopback only where there is nothing else.
 *
 * @param bound multiaddr texts with the real port
 */
export function advertisedAddresses(
  bound: readonly string[],
  interfaces: readonly InterfaceAddress[],
): readonly string[] {
  const usable = interfaces.filter(({ address }) => !isLinkLocal(address))
  const outward = usable.filter(({ internal }) => !internal)
  const expanded = bound.flatMap((address) => {
    const wildcard = WILDCARD.exec(address)
    if (wildcard === null) return [address]
    const family = address.startsWith('/ip4') ? 'IPv4' : 'IPv6'
    const tail = address.slice(wildcard[0].length - 1)
    return [
      ...outward.filter(ofFamily(family)),
      ...(outward.length === 0 ? usable.filter(ofFamily(family)) : []),
    ].map((own) => `/${family === 'IPv4' ? 'ip4' : 'ip6'}/${own.address}${tail}`)
  })
  return [...new Set(expanded)].slice(0, MAX_ADVERTISED_ADDRESSES)
}

const ofFamily = (family: 'IPv4' | 'IPv6') => (own: InterfaceAddress) => own.family === family
const isLinkLocal = (address: string): boolean => /^(fe[89ab][0-9a-f]:|169\.254\.)/i.test(address)

/** An address to dial: syntax checked, and the peer that it names, if any. */
export interface DialAddress {
  readonly text: string
  readonly peer: PeerId | undefined
}

/** Reads a multiaddr over TCP, with or without `/p2p/...` at its end; `undefined` for anything else. */
export function parseDialAddress(raw: string): DialAddress | undefined {
  try {
    const parts = multiaddr(raw).getComponents()
    const names = parts.map((part) => part.name)
    if (!/^(ip4|ip6|ip6zone,ip6|dns|dns4|dns6),tcp(,p2p)?$/.test(names.join(','))) return undefined
    const last = parts.at(-1)
    if (last?.name !== 'p2p') return { text: raw, peer: undefined }
    const peer = parsePeerId(last.value ?? '')
    return peer === undefined ? undefined : { text: raw, peer }
  } catch {
    return undefined
  }
}

/**
 * The same address with the peer at its end; `undefined` if it is no TCP address or names another peer. Without the
 * peer libp2p would take whoever answers there.
 */
export function withPeer(raw: string, peer: PeerId): string | undefined {
  const address = parseDialAddress(raw)
  if (address === undefined) return undefined
  if (address.peer === undefined) return `${address.text}/p2p/${peer}`
  return address.peer === peer ? address.text : undefined
}
