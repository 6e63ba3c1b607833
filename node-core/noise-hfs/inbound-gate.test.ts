import type { MultiaddrConnection } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import type { HandshakeEvents } from './events.ts'
import { createInboundGate, type InboundGateOptions } from './inbound-gate.ts'

const LIMITS = {
  maxSilent: 6,
  maxSilentPerAddress: 4,
  maxHandshakes: 6,
  maxHandshakesPerAddress: 4,
  silentTimeoutMs: 3_000,
} satisfies InboundGateOptions

let port = 1_000

function socketFrom(address: string): MultiaddrConnection {
  port += 1
  const remoteAddr = multiaddr(`/${address.includes(':') ? 'ip6' : 'ip4'}/${address}/tcp/${port}`)
  const [, inbound] = multiaddrConnectionPair({ inbound: { remoteAddr } })
  return inbound
}

function setUp() {
  const clock = createManualClock()
  const shed: HandshakeEvents['shed'][] = []
  const gate = createInboundGate({ clock, onShed: (event) => shed.push(event) }, LIMITS)
  const accept = (address: string): MultiaddrConnection => {
    const socket = socketFrom(address)
    expect(gate.connectionGater.denyInboundConnection(socket)).toBe(false)
    return socket
  }
  return { clock, shed, gate, accept }
}

const open = (sockets: readonly MultiaddrConnection[]): boolean[] =>
  sockets.map(({ status }) => status === 'open')

describe('the inbound gate', () => {
  it('lets the oldest silent socket of an address make room for its newest', () => {
    const { gate, shed, accept } = setUp()
    const sockets = Array.from({ length: 7 }, () => accept('192.0.2.1'))
    expect(open(sockets)).toEqual([false, false, false, true, true, true, true])
    expect(gate.silent).toBe(4)
    expect(shed.map(({ why }) => why)).toEqual(['room', 'room', 'room'])
    expect(shed[0]?.remoteAddress).toBe(sockets[0]?.remoteAddr.toString())
  })

  it('takes room from the most crowded address and not from others', () => {
    const { gate, accept } = setUp()
    const quiet = [accept('198.51.100.1'), accept('198.51.100.2')]
    const crowd = Array.from({ length: 4 }, () => accept('192.0.2.1'))
    const late = [accept('198.51.100.3'), accept('198.51.100.4')]
    expect(open(quiet)).toEqual([true, true])
    expect(open(crowd)).toEqual([false, false, true, true])
    expect(open(late)).toEqual([true, true])
    expect(gate.silent).toBe(6)
  })

  it('counts one IPv6 network as one address', () => {
    const { accept } = setUp()
    const sockets = [
      '2001:db8::1',
      '2001:db8::2',
      '2001:db8:0:0:5::3',
      '2001:db8::4:0:0:1',
      '2001:db8::5',
    ].map(accept)
    expect(open(sockets)).toEqual([false, true, true, true, true])
    const elsewhere = accept('2001:db8:0:1::1')
    expect(open([...sockets, elsewhere])).toEqual([false, true, true, true, true, true])
  })

  it('closes a socket that says nothing in time, and only that', () => {
    const { clock, gate, shed, accept } = setUp()
    const silent = accept('192.0.2.1')
    const talking = accept('192.0.2.1')
    gate.enter(talking)
    clock.advance(2_999)
    expect(open([silent, talking])).toEqual([true, true])
    clock.advance(1)
    expect(open([silent, talking])).toEqual([false, true])
    expect(shed).toMatchObject([{ why: 'silent', ageMs: 3_000 }])
  })

  it('bounds handshakes apart from silent sockets', () => {
    const { gate, accept } = setUp()
    const talking = Array.from({ length: 4 }, () => accept('192.0.2.1'))
    for (const socket of talking) gate.enter(socket)
    const silent = Array.from({ length: 20 }, () => accept('192.0.2.1'))
    expect(open(talking)).toEqual([true, true, true, true])
    expect([gate.handshakes, gate.silent]).toEqual([4, 4])
    const fifth = silent.at(-1)
    if (fifth !== undefined) gate.enter(fifth)
    expect(open(talking)).toEqual([false, true, true, true])
    expect([gate.handshakes, gate.silent]).toEqual([4, 3])
  })

  it('forgets a handshake that is over and a socket that is closed', () => {
    const { clock, gate, shed, accept } = setUp()
    const done = accept('192.0.2.1')
    const leave = gate.enter(done)
    leave()
    const closed = accept('192.0.2.1')
    closed.abort(new Error('gone'))
    const lost = accept('192.0.2.1')
    gate.enter(lost)
    lost.abort(new Error('gone'))
    expect([gate.handshakes, gate.silent]).toEqual([0, 0])
    clock.advance(10_000)
    expect(shed).toEqual([])
    expect([done.status, clock.timers]).toEqual(['open', 0])
  })

  it('takes connections that are no sockets and never passed the gater', () => {
    const { gate } = setUp()
    const leave = gate.enter(socketFrom('192.0.2.9'))
    expect(gate.handshakes).toBe(1)
    leave()
    expect(gate.handshakes).toBe(0)
  })
})
