import { isIPv4, isIPv6 } from 'node:net'

/*
 * SOCKS version 5, RFC 1928, the server's side: pure, and bounded by the lengths that the messages carry. A client asks
 * twice: first it offers ways to authenticate, then it names what it wants.
 */

const VERSION = 5
const NO_AUTHENTICATION = 0
const NO_ACCEPTABLE_METHOD = 0xff
const ADDRESS_IPV4 = 1
const ADDRESS_NAME = 3
const ADDRESS_IPV6 = 4

/** Replies, RFC 1928 section 6. */
export const REPLY = {
  succeeded: 0,
  generalFailure: 1,
  notAllowed: 2,
  hostUnreachable: 4,
  connectionRefused: 5,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const
export type Reply = (typeof REPLY)[keyof typeof REPLY]

export type Greeting =
  /** Whether the client is content with no authentication, the only method there is. */
  { readonly kind: 'greeting'; readonly isContent: boolean } | { readonly kind: 'not-socks5' }

export interface SocksRequest {
  readonly kind: 'request'
  readonly command: 'connect' | 'bind' | 'udp-associate' | 'unknown'
  /** `ip` also for an address that is written where a name belongs. */
  readonly address: { readonly kind: 'name' | 'ip'; readonly text: string }
  readonly port: number
}

export type Request =
  | SocksRequest
  | { readonly kind: 'unknown-address-type' }
  | { readonly kind: 'malformed' }

export interface Parsed<T> {
  readonly value: T
  /** Where the bytes after the message begin. */
  readonly end: number
}

/** `version | count | methods`; `undefined` while bytes are missing. Never throws. */
export function parseGreeting(bytes: Uint8Array): Parsed<Greeting> | undefined {
  const [version, count] = bytes
  if (version === undefined) return undefined
  if (version !== VERSION) return { value: { kind: 'not-socks5' }, end: bytes.length }
  if (count === undefined) return undefined
  const end = 2 + count
  if (bytes.length < end) return undefined
  const isContent = bytes.subarray(2, end).includes(NO_AUTHENTICATION)
  return { value: { kind: 'greeting', isContent }, end }
}

const COMMANDS: Readonly<Record<number, SocksRequest['command']>> = {
  1: 'connect',
  2: 'bind',
  3: 'udp-associate',
}

/** `version | command | 0 | address type | address | port`; `undefined` while bytes are missing. Never throws. */
export function parseRequest(bytes: Uint8Array): Parsed<Request> | undefined {
  const [version, command, reserved, type, nameLength] = bytes
  const malformed = { value: { kind: 'malformed' }, end: bytes.length } as const
  if (version === undefined) return undefined
  if (version !== VERSION) return malformed
  if (command === undefined || reserved === undefined || type === undefined) return undefined
  if (reserved !== 0) return malformed
  const start = type === ADDRESS_NAME ? 5 : 4
  const length = type === ADDRESS_IPV4 ? 4 : type === ADDRESS_IPV6 ? 16 : nameLength
  if (type !== ADDRESS_IPV4 && type !== ADDRESS_IPV6 && type !== ADDRESS_NAME) {
    return { value: { kind: 'unknown-address-type' }, end: bytes.length }
  }
  if (length === undefined) return undefined
  if (length === 0) return malformed
  const end = start + length + 2
  if (bytes.length < end) return undefined
  const address = bytes.subarray(start, start + length)
  const port = ((bytes[end - 2] ?? 0) << 8) | (bytes[end - 1] ?? 0)
  return {
    value: {
      kind: 'request',
      command: COMMANDS[command] ?? 'unknown',
      address: type === ADDRESS_NAME ? nameOf(address) : { kind: 'ip', text: ipText(address) },
      port,
    },
    end,
  }
}

function nameOf(bytes: Uint8Array): SocksRequest['address'] {
  const text = Buffer.from(bytes).toString('latin1')
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  return { kind: isIPv4(bare) || isIPv6(bare) ? 'ip' : 'name', text }
}

function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_none, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  )
  return groups.join(':')
}

/** The answer to a greeting: go on without authentication, or goodbye. */
export const encodeMethod = (isContent: boolean): Uint8Array =>
  Uint8Array.of(VERSION, isContent ? NO_AUTHENTICATION : NO_ACCEPTABLE_METHOD)

/** The answer to a request. The bound address is not told: a service has none that would mean anything to a client. */
export const encodeReply = (reply: Reply): Uint8Array =>
  Uint8Array.of(VERSION, reply, 0, ADDRESS_IPV4, 0, 0, 0, 0, 0, 0)
