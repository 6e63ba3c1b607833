import type { Socket } from 'node:net'
import { messageOf } from '../platform/error.ts'
import { withTimeout } from '../platform/wait.ts'
import { carryClient, type LocalClient } from './carry-client.ts'
import type { ConnectFailure, Connector } from './connector.ts'
import { readMessage } from './header-io.ts'
import {
  createLocalPorts,
  type LocalPorts,
  type LocalPortsDeps,
  type PortRow,
  type PortView,
} from './local-ports.ts'
import { parseMeshHostName } from './mesh-host-name.ts'
import type { ServiceStore } from './ports.ts'
import type { ProviderQuery } from './provider-choice.ts'
import { serviceFault } from './service-fault.ts'
import {
  encodeMethod,
  encodeReply,
  parseGreeting,
  parseRequest,
  REPLY,
  type Reply,
  type Request,
} from './socks5.ts'
import { resetSocket } from './splice.ts'

const MAX_SOCKS_PORTS = 16
/** Never anywhere else: whoever can reach a SOCKS port can use every service that this node may use. */
const LOOPBACK = '127.0.0.1'
/** For a client that was refused to read why and to close. */
const GOODBYE_LIMIT_MS = 2_000

export type SocksView = PortView<PortRow>

/** The local ports of this node at which SOCKS5 clients name the service that they want. */
export interface SocksPorts extends Omit<LocalPorts<PortRow>, 'add'> {
  /**
   * The same port twice is one; 0 lets the system choose, and the choice is kept over restarts.
   *
   * @throws FaultError SOCKS_EXISTS, TOO_MANY_SOCKS, and as `LocalPorts.add`
   */
  add(port: number): Promise<SocksView>
}

export interface SocksDeps extends LocalPortsDeps {
  readonly connector: Connector
  readonly store: ServiceStore['socks']
}

export interface SocksOptions {
  /** For a client to say what it wants. */
  readonly headerTimeoutMs: number
}

export function createSocksPorts(deps: SocksDeps, options: SocksOptions): SocksPorts {
  const { store } = deps
  const at = (port: number): PortRow => ({ host: LOOPBACK, port })
  const ports = createLocalPorts<PortRow>(deps, {
    name: 'SOCKS5 port',
    maxPorts: MAX_SOCKS_PORTS,
    store: { list: () => store.list().map(at), put: ({ port }) => store.put(port), remove: store.remove },
    isSame: () => true,
    exists: ({ port }) => alreadySocks(port),
    notFound,
    tooMany,
    serve: (port, socket, slot) => serve(deps, options, { port, socket, slot }),
  })
  return { ...ports, add: (port) => ports.add(at(port)) }
}

async function serve(
  deps: SocksDeps,
  options: SocksOptions,
  client: LocalClient,
): Promise<string | undefined> {
  const { socket, slot, port } = client
  const asked = await withTimeout(
    deps.clock,
    options.headerTimeoutMs,
    'what the client wants',
    (limited) => negotiate(socket, limited),
    slot.signal,
  ).catch((error: unknown) => refusal('silent', messageOf(error)))
  if (asked.kind === 'refused') {
    if (slot.signal.aborted) return undefined
    port.refused('refused a SOCKS5 client', asked.reason, asked.why)
    await sayGoodbye(deps, socket, asked.answer)
    return undefined
  }
  return carryClient(deps, client, asked.query, {
    connected: () => void socket.write(encodeReply(REPLY.succeeded)),
    async failed({ reason, why }) {
      if (slot.signal.aborted) return resetSocket(socket)
      port.refused('refused a SOCKS5 client, no provider could be had', reason)
      await sayGoodbye(deps, socket, encodeReply(REPLY_TO_FAILURE[why]))
    },
  })
}

const REPLY_TO_FAILURE: Readonly<Record<ConnectFailure, Reply>> = {
  denied: REPLY.notAllowed,
  refused: REPLY.connectionRefused,
  unreachable: REPLY.hostUnreachable,
}

type Asked =
  | { readonly kind: 'query'; readonly query: ProviderQuery }
  | {
      readonly kind: 'refused'
      /** What kind of client it is: one line in the log for many of a kind, however many names they ask for. */
      readonly why: string
      readonly reason: string
      /** None for a client that would not understand it. */
      readonly answer: Uint8Array | undefined
    }

const refusal = (why: string, reason: string, answer?: Uint8Array): Asked & { kind: 'refused' } => ({
  kind: 'refused',
  why,
  reason,
  answer,
})

/** RFC 1928 sections 3 and 4. The bytes after the request stay in the socket. Never rejects. */
async function negotiate(socket: Socket, signal: AbortSignal): Promise<Asked> {
  const greeting = await readMessage(socket, parseGreeting, signal)
  if (greeting.kind === 'ended') return refusal('ended', greeting.reason)
  if (greeting.value.kind === 'not-socks5') return refusal('protocol', 'it does not speak SOCKS version 5')
  const { isContent } = greeting.value
  if (!isContent) {
    const reason = 'it wants to authenticate, and this port knows no names and passwords'
    return refusal('authentication', reason, encodeMethod(false))
  }
  socket.write(encodeMethod(true))
  const request = await readMessage(socket, parseRequest, signal)
  return request.kind === 'ended' ? refusal('ended', request.reason) : judge(request.value)
}

/** The port that is asked for is not looked at: a service has one, whatever a URL says. */
function judge(request: Request): Asked {
  const refused = (why: string, reason: string, reply: Reply) => refusal(why, reason, encodeReply(reply))
  if (request.kind === 'malformed')
    return refused('protocol', 'its request is malformed', REPLY.generalFailure)
  if (request.kind === 'unknown-address-type') {
    const reason = 'it asked for a kind of address that SOCKS5 does not know'
    return refused('protocol', reason, REPLY.addressTypeNotSupported)
  }
  const { command, address } = request
  if (command !== 'connect') {
    return refused(
      'command',
      `it asked for ${command}, and only connect is served`,
      REPLY.commandNotSupported,
    )
  }
  if (address.kind === 'ip') {
    const reason = `it asked for the address ${address.text}, and only names in .mesh are served`
    return refused('address', reason, REPLY.addressTypeNotSupported)
  }
  const shown = /^[\x21-\x7e]+$/.test(address.text) ? address.text : 'that is not printable'
  const name = parseMeshHostName(address.text)
  switch (name.kind) {
    case 'service':
      return { kind: 'query', query: name.query }
    case 'foreign':
      return refused(
        'foreign name',
        `it asked for the name ${shown}, and only names in .mesh are served`,
        REPLY.notAllowed,
      )
    case 'impossible':
      return refused(
        'impossible name',
        `it asked for the name ${shown}, and names are SERVICE.mesh or SERVICE.NODE.mesh`,
        REPLY.hostUnreachable,
      )
  }
}

/** Sends the answer and gives the client a moment to take it: closing at once could reset it away. */
async function sayGoodbye(deps: SocksDeps, socket: Socket, answer: Uint8Array | undefined): Promise<void> {
  if (answer === undefined || socket.destroyed) return resetSocket(socket)
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
  const cancel = deps.clock.after(GOODBYE_LIMIT_MS, () => resetSocket(socket))
  socket.resume()
  socket.end(answer)
  await closed
  cancel()
}

/** A port has one meaning: also said when something else is asked of a SOCKS5 port. */
export const alreadySocks = (port: number) =>
  serviceFault({ code: 'SOCKS_EXISTS', port }, `port ${port} serves SOCKS5 already`, {
    hint: `Choose another port, or run x0t unsocks ${port} first.`,
  })

const notFound = (port: number) =>
  serviceFault({ code: 'SOCKS_NOT_FOUND', port }, `no SOCKS5 port ${port} is open`, {
    hint: 'x0t socks lists them.',
  })

const tooMany = () =>
  serviceFault(
    { code: 'TOO_MANY_SOCKS', limit: MAX_SOCKS_PORTS },
    `this node has ${MAX_SOCKS_PORTS} SOCKS5 ports already`,
    { hint: 'One serves every service of the mesh: remove those that are not needed.' },
  )
