import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { BlockList, connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import { withTimeout } from '../platform/wait.ts'
import type { OwnPorts } from './ports.ts'

/** Where a service is reached from its own node. */
export interface Target {
  /** A host name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
}

/** Buffers of a TCP socket in this process, each way. Fewer pauses than with Node's 64 KiB. */
export const SOCKET_HIGH_WATER_BYTES = 256 * 1024
const KEEP_ALIVE_MS = 60_000
const RESOLVE_LIMIT_MS = 2_000

const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})$/

/** Reads `HOST:PORT` or `[IPV6]:PORT`; `undefined` for anything else. */
export function parseTarget(raw: string): Target | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):([1-9][0-9]{0,4})$/.exec(raw)
  if (match === null) return undefined
  const [, ipv6, name, digits] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (ipv6 !== undefined) return isIP(ipv6) === 6 ? { host: ipv6, port } : undefined
  return name !== undefined && HOST_NAME.test(name) ? { host: name, port } : undefined
}

export const formatTarget = ({ host, port }: Target): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`

export type TargetOutcome =
  | { readonly kind: 'connected'; readonly socket: Socket }
  | { readonly kind: 'refused' | 'timeout'; readonly reason: string }

/** Connects to targets, but never to a port on which this node itself listens. */
export interface TargetDialer {
  /** True when the target is a port of this node's own, under any name or address of this machine. */
  isOwnPort(target: Target): Promise<boolean>
  /**
   * Connects within `timeoutMs`. Every address that a name resolves to is checked at this moment, so that a name
   * cannot turn to an own port after it was accepted. Never rejects. The caller owns the socket.
   */
  connect(target: Target, timeoutMs: number, signal: AbortSignal): Promise<TargetOutcome>
}

export function createTargetDialer(deps: {
  readonly clock: Clock
  readonly ownPorts: OwnPorts
}): TargetDialer {
  const { clock, ownPorts } = deps
  const isOwn = (target: Target, addresses: readonly string[]): boolean => {
    if (!ownPorts.ports().includes(target.port)) return false
    const own = ownAddresses()
    return addresses.some((address) => own.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'))
  }
  return {
    async isOwnPort(target) {
      if (isIP(target.host) !== 0) return isOwn(target, [target.host])
      try {
        const found = await withTimeout(clock, RESOLVE_LIMIT_MS, 'resolving the target', () =>
          lookup(target.host, { all: true }),
        )
        return isOwn(
          target,
          found.map(({ address }) => address),
        )
      } catch {
        // A name that does not resolve now may do so later: it is checked again at each connect.
        return false
      }
    },
    connect(target, timeoutMs, signal) {
      if (isIP(target.host) !== 0 && isOwn(target, [target.host])) {
        return Promise.resolve({ kind: 'refused', reason: OWN_PORT_REASON })
      }
      const guarded = guardedLookup((addresses) => isOwn(target, addresses))
      return connectWithin({ target, timeoutMs, signal, clock, lookup: guarded })
    },
  }
}

const OWN_PORT_REASON = 'the target is a port of the node itself'

/** All addresses that lead to this machine: they change, so they are read each time. */
function ownAddresses(): BlockList {
  const own = new BlockList()
  own.addSubnet('127.0.0.0', 8, 'ipv4')
  own.addAddress('::1', 'ipv6')
  // Connecting to the unspecified address reaches the loopback.
  own.addSubnet('0.0.0.0', 8, 'ipv4')
  own.addAddress('::', 'ipv6')
  for (const entries of Object.values(networkInterfaces())) {
    for (const { address, family } of entries ?? [])
      own.addAddress(address, family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return own
}

/** Resolves like the system, and fails when one of the addresses is refused. */
function guardedLookup(isRefused: (addresses: readonly string[]) => boolean): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }).then(
      (found: LookupAddress[]) => {
        const first = found[0]
        if (first === undefined) callback(new Error(`${host} has no address`), '', 0)
        else if (isRefused(found.map(({ address }) => address))) callback(new Error(OWN_PORT_REASON), '', 0)
        else if (options.all === true) callback(null, found)
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    )
  }
}

interface ConnectRequest {
  readonly target: Target
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly lookup: LookupFunction
}

function connectWithin({ target, timeoutMs, signal, clock, lookup }: ConnectRequest): Promise<TargetOutcome> {
  const options = {
    host: target.host,
    port: target.port,
    lookup,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    highWaterMark: SOCKET_HIGH_WATER_BYTES,
  }
  return new Promise((resolve) => {
    const socket = connect(options)
    const finish = (outcome: TargetOutcome): void => {
      cancel()
      signal.removeEventListener('abort', onAbort)
      if (outcome.kind !== 'connected') socket.destroy()
      resolve(outcome)
    }
    const onAbort = (): void => finish({ kind: 'refused', reason: 'the attempt was given up' })
    const onError = (error: Error): void =>
      finish({ kind: 'refused', reason: `${formatTarget(target)}: ${connectReason(error)}` })
    const cancel = clock.after(timeoutMs, () =>
      finish({ kind: 'timeout', reason: `${formatTarget(target)} did not answer within ${timeoutMs} ms` }),
    )
    socket.once('connect', () => {
      // A later error is for whoever watches the socket by then; it must not end the process before that.
      socket.on('error', () => {})
      socket.off('error', onError)
      finish({ kind: 'connected', socket })
    })
    socket.on('error', onError)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

/** With several addresses Node gives one error that holds an error for each and has no message of its own. */
function connectReason(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  return messageOf(first)
}
