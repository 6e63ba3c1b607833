import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../domain/ids.ts'
import { advertisedAddresses, type InterfaceAddress, parseDialAddress, withPeer } from './addresses.ts'

const PEER = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD' as PeerId
const OTHER = '12D3KooWLRPJAA5o6FhTRLBpVTfTyWmBRzDWBRrZa6d3ZhTPxUdK'
const loopback: InterfaceAddress = { address: '127.0.0.1', family: 'IPv4', internal: true }
const loopback6: InterfaceAddress = { address: '::1', family: 'IPv6', internal: true }
const lan: InterfaceAddress = { address: '192.168.1.7', family: 'IPv4', internal: false }
const vpn: InterfaceAddress = { address: '10.8.0.2', family: 'IPv4', internal: false }
const lan6: InterfaceAddress = { address: 'fd00::7', family: 'IPv6', internal: false }
const linkLocal: InterfaceAddress = { address: 'fe80::1', family: 'IPv6', internal: false }

describe('advertised addresses', () => {
  it('expand a wildcard to the real addresses of its family, without loopback and link-local', () => {
    const all = [loopback, loopback6, lan, vpn, lan6, linkLocal]
    expect(advertisedAddresses(['/ip4/0.0.0.0/tcp/4001', '/ip6/::/tcp/4002'], all)).toEqual([
      '/ip4/192.168.1.7/tcp/4001',
      '/ip4/10.8.0.2/tcp/4001',
      '/ip6/fd00::7/tcp/4002',
    ])
  })

  it('are loopback only when there is nothing else', () => {
    expect(advertisedAddresses(['/ip4/0.0.0.0/tcp/4001'], [loopback, loopback6, linkLocal])).toEqual([
      '/ip4/127.0.0.1/tcp/4001',
    ])
    expect(advertisedAddresses(['/ip4/127.0.0.1/tcp/4001'], [loopback, lan])).toEqual([
      '/ip4/127.0.0.1/tcp/4001',
    ])
  })

  it('are bounded and not repeated', () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ ...lan, address: `10.0.0.${index}` }))
    expect(advertisedAddresses(['/ip4/0.0.0.0/tcp/1'], many)).toHaveLength(16)
    expect(advertisedAddresses(['/ip4/0.0.0.0/tcp/1', '/ip4/192.168.1.7/tcp/1'], [lan])).toHaveLength(1)
  })
})

describe('dial addresses', () => {
  it('are read with and without a peer', () => {
    expect(parseDialAddress('/ip4/10.0.0.1/tcp/4001')).toEqual({
      text: '/ip4/10.0.0.1/tcp/4001',
      peer: undefined,
    })
    expect(parseDialAddress(`/dns4/node.example/tcp/4001/p2p/${PEER}`)?.peer).toBe(PEER)
  })

  it('are refused when they are anything else, and never make the parser throw', () => {
    for (const raw of [
      '',
      '10.0.0.1:4001',
      '/ip4/10.0.0.1/udp/1',
      '/ip4/10.0.0.1/tcp/1/ws',
      `/p2p/${PEER}`,
    ]) {
      expect(parseDialAddress(raw)).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\/[a-z0-9.]{0,8}){0,6}$/)), (raw) => {
        const address = parseDialAddress(raw)
        if (address !== undefined) expect(address.text).toBe(raw)
      }),
    )
  })

  it('get their peer, and are refused when they name another', () => {
    expect(withPeer('/ip4/10.0.0.1/tcp/1', PEER)).toBe(`/ip4/10.0.0.1/tcp/1/p2p/${PEER}`)
    expect(withPeer(`/ip4/10.0.0.1/tcp/1/p2p/${PEER}`, PEER)).toBe(`/ip4/10.0.0.1/tcp/1/p2p/${PEER}`)
    expect(withPeer(`/ip4/10.0.0.1/tcp/1/p2p/${OTHER}`, PEER)).toBeUndefined()
  })
})
