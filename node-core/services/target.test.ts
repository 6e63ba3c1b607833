import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../tests/helpers/http-site.ts'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { systemClock } from '../platform/clock.ts'
import { createTargetDialer, formatTarget, parseTarget } from './target.ts'

describe('target text', () => {
  it('reads a name, an IPv4 address and an IPv6 address in brackets', () => {
    expect(parseTarget('127.0.0.1:8080')).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(parseTarget('db.internal:5432')).toEqual({ host: 'db.internal', port: 5432 })
    expect(parseTarget('[::1]:65535')).toEqual({ host: '::1', port: 65535 })
  })

  it.each([
    '',
    'localhost',
    ':80',
    'host:0',
    'host:65536',
    'host:080',
    'host:80x',
    '::1:80',
    '[::1]',
    '[1.2.3.4]:80',
    '[fe80::1%eth0]:80',
    'a b:80',
    'http://host:80',
    '/run/x.sock:80',
    '-host:80',
    'host:80\n',
  ])('refuses %j', (raw) => {
    expect(parseTarget(raw)).toBeUndefined()
  })

  it('writes what it reads', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        const text = formatTarget({ host: name, port })
        expect(parseTarget(text)).toEqual({ host: name, port })
      }),
    )
  })
})

describe('target dialer', () => {
  const closers: (() => void)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })
  const never = new AbortController().signal
  const listening = async (): Promise<number> => {
    const server = createServer((socket) => socket.on('error', () => {}))
    server.listen(0)
    await once(server, 'listening')
    closers.push(() => server.close())
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  it('connects to a target by address and by name', async () => {
    const port = await listening()
    const dialer = createTargetDialer({ clock: systemClock, ownPorts: { ports: () => [1] } })
    for (const host of ['127.0.0.1', 'localhost']) {
      const outcome = await dialer.connect({ host, port }, 2_000, never)
      expect(outcome.kind).toBe('connected')
      if (outcome.kind === 'connected') outcome.socket.destroy()
    }
  })

  it('refuses its own ports under every name and address of this machine', async () => {
    const port = await listening()
    const dialer = createTargetDialer({ clock: systemClock, ownPorts: { ports: () => [port] } })
    const machine = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
    const hosts = [
      '127.0.0.1',
      '127.9.8.7',
      '0.0.0.0',
      '::1',
      '::',
      '::ffff:127.0.0.1',
      'localhost',
      '127.1',
      '0x7f.1',
    ]
    for (const host of [...hosts, ...machine.map(({ address }) => address)]) {
      expect(await dialer.isOwnPort({ host, port }), host).toBe(true)
      const outcome = await dialer.connect({ host, port }, 2_000, never)
      expect(outcome, host).toMatchObject({
        kind: 'refused',
        reason: expect.stringContaining('the node itself'),
      })
    }
    expect(await dialer.isOwnPort({ host: '127.0.0.1', port: port + 1 })).toBe(false)
    expect(await dialer.isOwnPort({ host: '192.0.2.1', port })).toBe(false)
  })

  it('notices a port that becomes its own after the target was accepted', async () => {
    const port = await listening()
    let own: number[] = []
    const dialer = createTargetDialer({ clock: systemClock, ownPorts: { ports: () => own } })
    expect(await dialer.isOwnPort({ host: 'localhost', port })).toBe(false)
    own = [port]
    expect(await dialer.connect({ host: 'localhost', port }, 2_000, never)).toMatchObject({ kind: 'refused' })
  })

  it('says why a target did not take the connection', async () => {
    const port = await freePort()
    const dialer = createTargetDialer({ clock: systemClock, ownPorts: { ports: () => [] } })
    expect(await dialer.connect({ host: '127.0.0.1', port }, 2_000, never)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('ECONNREFUSED'),
    })
    expect(await dialer.connect({ host: 'no-such-host.invalid', port }, 5_000, never)).toMatchObject({
      kind: expect.stringMatching(/refused|timeout/),
    })
  })

  it('gives up after its time, and when the signal aborts', async () => {
    const clock = createManualClock()
    const dialer = createTargetDialer({ clock, ownPorts: { ports: () => [] } })
    // TEST-NET-1: packets go nowhere or are refused at once, both are fine for an abort.
    const late = dialer.connect({ host: '192.0.2.1', port: 9 }, 50, never)
    clock.advance(51)
    expect(await late).toMatchObject({ kind: 'timeout' })
    const controller = new AbortController()
    const aborted = dialer.connect({ host: '192.0.2.1', port: 9 }, 60_000, controller.signal)
    controller.abort()
    expect(await aborted).toMatchObject({ kind: 'refused', reason: 'the attempt was given up' })
    expect(clock.timers).toBe(0)
  })
})
