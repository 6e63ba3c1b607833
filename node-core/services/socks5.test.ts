import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMeshHostName } from './mesh-host-name.ts'
import { encodeMethod, encodeReply, type Parsed, parseGreeting, parseRequest, REPLY } from './socks5.ts'

const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')]
const connectTo = (name: string, port = 80): Uint8Array =>
  Uint8Array.from([5, 1, 0, 3, name.length, ...ascii(name), port >> 8, port & 0xff])

const parsers: readonly [string, number, (bytes: Uint8Array) => Parsed<unknown> | undefined][] = [
  ['greeting', 257, parseGreeting],
  ['request', 262, parseRequest],
]

describe.each(parsers)('the %s of a hostile client', (_name, longest, parse) => {
  // Bytes near to what is valid reach more of the parser than bytes at random.
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc
      .tuple(
        fc.constantFrom([5], [5, 1], [5, 1, 0], [5, 1, 0, 3], [5, 3, 0, 1], [5, 1, 0, 4], [4]),
        fc.uint8Array({ maxLength: 300 }),
      )
      .map(([start, rest]) => Uint8Array.from([...start, ...rest])),
  )

  it('never throws, never asks for more than the longest message, never takes more than there is', () => {
    fc.assert(
      fc.property(hostile, (bytes) => {
        const parsed = parse(bytes)
        if (parsed === undefined) expect(bytes.length).toBeLessThan(longest)
        else expect(parsed.end).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is the same however it is cut, and whatever follows it', () => {
    fc.assert(
      fc.property(hostile, fc.uint8Array({ maxLength: 40 }), (bytes, rest) => {
        const whole = parse(bytes)
        if (whole === undefined) return
        for (let length = 0; length < bytes.length; length++) {
          const part = parse(bytes.subarray(0, length))
          if (part === undefined) continue
          expect(part.value).toEqual(whole.value)
        }
        expect(parse(Uint8Array.from([...bytes, ...rest]))?.value).toEqual(whole.value)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a greeting', () => {
  it.each([
    [[5, 1, 0], true],
    [[5, 3, 1, 2, 0], true],
    [[5, 1, 2], false],
    [[5, 0], false],
  ])('%j: is it content with no authentication? %s', (bytes, isContent) => {
    expect(parseGreeting(Uint8Array.from(bytes))).toEqual({
      value: { kind: 'greeting', isContent },
      end: bytes.length,
    })
  })

  it.each([ascii('GET / HTTP/1.1\r\n'), [4, 1, 0, 80], ascii('POST')])('is not one: %j', (...bytes) => {
    expect(parseGreeting(Uint8Array.from(bytes))?.value).toEqual({ kind: 'not-socks5' })
  })
})

describe('a request', () => {
  it('names what it wants, and leaves the bytes that follow', () => {
    const bytes = Uint8Array.from([...connectTo('site.mesh', 8080), 1, 2, 3])
    expect(parseRequest(bytes)).toEqual({
      value: {
        kind: 'request',
        command: 'connect',
        address: { kind: 'name', text: 'site.mesh' },
        port: 8080,
      },
      end: bytes.length - 3,
    })
  })

  it.each([
    [[5, 2, 0, 3, 1, 97, 0, 80], 'bind'],
    [[5, 3, 0, 3, 1, 97, 0, 80], 'udp-associate'],
    [[5, 9, 0, 3, 1, 97, 0, 80], 'unknown'],
  ])('%j asks for %s', (bytes, command) => {
    expect(parseRequest(Uint8Array.from(bytes))?.value).toMatchObject({ kind: 'request', command })
  })

  it.each([[[4, 1, 0, 3]], [[5, 1, 1, 3, 1, 97, 0, 80]], [[5, 1, 0, 3, 0, 0, 80]]])(
    'is malformed: %j',
    (bytes) => {
      expect(parseRequest(Uint8Array.from(bytes))?.value).toEqual({ kind: 'malformed' })
    },
  )

  it('tells every address from a name, however it is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const text = isIP(address) === 6 ? `[${address}]` : address
        for (const written of [address, text]) {
          expect(parseRequest(connectTo(written))?.value).toMatchObject({ address: { kind: 'ip' } })
        }
      }),
    )
    const v4 = parseRequest(Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, 0, 80))
    expect(v4?.value).toMatchObject({ address: { kind: 'ip', text: '127.0.0.1' } })
    const v6 = parseRequest(Uint8Array.from([5, 1, 0, 4, ...Array(15).fill(0), 1, 0, 80]))
    expect(v6?.value).toMatchObject({ address: { kind: 'ip', text: '0:0:0:0:0:0:0:1' } })
    expect(parseRequest(Uint8Array.of(5, 1, 0, 2, 0))?.value).toEqual({ kind: 'unknown-address-type' })
  })
})

it('answers in the form of RFC 1928', () => {
  expect([...encodeMethod(true), ...encodeMethod(false)]).toEqual([5, 0, 5, 0xff])
  expect([...encodeReply(REPLY.hostUnreachable)]).toEqual([5, 4, 0, 1, 0, 0, 0, 0, 0, 0])
})

describe('a host name', () => {
  it.each([
    ['site.mesh', { service: 'site' }],
    ['SITE.Mesh.', { service: 'site' }],
    ['site.laptop-2.mesh', { service: 'site', node: 'laptop-2' }],
  ])('%s is a service', (text, query) => {
    expect(parseMeshHostName(text)).toEqual({ kind: 'service', query })
  })

  it.each([
    'mesh',
    '.mesh',
    'a.b.c.mesh',
    '-a.mesh',
    'a..mesh',
    'a_b.mesh',
    'a.mesh.mesh.mesh',
    'ä.mesh',
    'a b.mesh',
  ])('%s cannot be one', (text) => {
    expect(parseMeshHostName(text)).toEqual({ kind: 'impossible' })
  })

  it.each([
    '',
    'example.com',
    'localhost',
    'site.mesh.example.com',
    'sitemesh',
    'site.mesh..',
    'site.mesh\0',
  ])('%j is of somewhere else', (text) => {
    expect(parseMeshHostName(text)).toEqual({ kind: 'foreign' })
  })
})
