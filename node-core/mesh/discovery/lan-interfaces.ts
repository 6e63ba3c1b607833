import { BlockList, isIPv4 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'

/** An IPv4 address of this machine on a network that others may be on. */
export interface LanInterface {
  readonly address: string
  /** Prefix length. */
  readonly prefix: number
}

/** Loopback and point-to-point interfaces are no LANs. */
export function lanInterfaces(
  all: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): readonly LanInterface[] {
  return Object.values(all)
    .flatMap((entries) => entries ?? [])
    .flatMap(({ address, family, internal, cidr }) => {
      const prefix = Number(cidr?.split('/')[1] ?? 32)
      return family === 'IPv4' && !internal && prefix < 31 ? [{ address, prefix }] : []
    })
}

/**
 * The TCP port at which a node is reached at an address, by what it has bound.
 *
 * @param bound multiaddr texts with the real ports
 */
export function portAt(address: string, bound: readonly string[]): number | undefined {
  for (const text of bound) {
    const [, family, host, protocol, port] = text.split('/')
    if (family === 'ip4' && protocol === 'tcp' && (host === '0.0.0.0' || host === address))
      return Number(port)
  }
  return undefined
}

/** Whether any of the addresses can be reached from a LAN; a wildcard can. */
export const listensOnLan = (addresses: readonly string[]): boolean =>
  addresses.some((text) => {
    const [, family, host = ''] = text.split('/')
    return family === 'ip4' && !host.startsWith('127.')
  })

/** RFC 6762 section 11: only who is on the link may speak. */
export function isOnLink(source: string, interfaces: readonly LanInterface[]): boolean {
  if (!isIPv4(source)) return false
  const links = new BlockList()
  for (const { address, prefix } of interfaces) links.addSubnet(address, prefix, 'ipv4')
  return links.check(source, 'ipv4')
}
