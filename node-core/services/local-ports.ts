import type { Socket } from 'node:net'
import { backoffMs } from '../platform/backoff.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import type { LogFields, Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import type { FlowLedger, FlowSlot, Tally } from './flow-ledger.ts'
import { createTally } from './flow-ledger.ts'
import { type Listener, listen } from './listener.ts'
import type { LogThrottle } from './log-throttle.ts'
import { serviceFault } from './service-fault.ts'
import { resetSocket } from './splice.ts'

/** Between attempts to listen on a port that is kept. */
const RELISTEN = { baseMs: 1_000, maxMs: 30_000 } as const

/** What is kept of a port. The port is its key; 0 in a request lets the system choose. */
export interface PortRow {
  /** The address it listens on. */
  readonly host: string
  readonly port: number
}

export interface PortState {
  readonly state: 'listening' | 'failed'
  /** Why it failed, or why the last of its clients did. */
  readonly detail: string | undefined
  readonly tally: Readonly<Tally>
}

export type PortView<Row extends PortRow> = Row & PortState

/** A port as those who serve its clients see it. */
export interface ServedPort<Row extends PortRow> {
  readonly row: Row
  readonly tally: Tally
  /**
   * Counts a client that got no flow, and writes one line for many of a kind.
   *
   * @param kind what lines are held back by; `reason` may then say more
   */
  refused(message: string, reason: string, kind?: string): void
}

/** What tells one kind of local port from another. */
export interface PortKind<Row extends PortRow> {
  /** For logs: `forward`. */
  readonly name: string
  readonly maxPorts: number
  isSame(left: Row, right: Row): boolean
  exists(row: Row): Error
  notFound(port: number): Error
  tooMany(): Error
  readonly store: { list(): readonly Row[]; put(row: Row): void; remove(port: number): boolean }
  /** Owns the socket. Resolves when the client is done with; with a reason when a flow that was carried broke off. */
  serve(port: ServedPort<Row>, socket: Socket, slot: FlowSlot): Promise<string | undefined>
}

export interface LocalPortsDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly throttle: LogThrottle
  readonly ledger: FlowLedger
}

/** The ports of one kind on which this node takes local clients. */
export interface LocalPorts<Row extends PortRow> {
  /** Listens on what is kept; a port that cannot be had is tried again for ever. */
  start(): Promise<void>
  /** Takes no more clients. Flows are the ledger's to end. */
  stop(): void
  /**
   * The same row twice is one port.
   *
   * @throws FaultError BAD_PORT, BAD_LISTEN_HOST, PORT_IN_USE, PORT_FORBIDDEN, LISTEN_FAILED, SERVICES_STOPPED, what the
   * kind says, and what the store throws
   */
  add(row: Row): Promise<PortView<Row>>
  /** Ends its flows too. @throws what the kind says, and what the store throws */
  remove(port: number): PortView<Row>
  /**
   * Listens anew, with every client reset.
   *
   * @throws what the kind says, and what listening throws
   */
  restart(port: number): Promise<PortView<Row>>
  /** By port. */
  list(): readonly PortView<Row>[]
}

interface Running<Row extends PortRow> extends ServedPort<Row> {
  readonly slots: Set<FlowSlot>
  listener: Listener | undefined
  failure: string | undefined
  cancelRetry: (() => void) | undefined
  closed: boolean
}

export function createLocalPorts<Row extends PortRow>(
  deps: LocalPortsDeps,
  kind: PortKind<Row>,
): LocalPorts<Row> {
  const { store } = kind
  const running = new Map<number, Running<Row>>()
  /** Ports that somebody is about to listen on. */
  const claimed = new Set<number>()
  let stopped = true

  const begin = (row: Row, listener?: Listener): Running<Row> => {
    const port = newRunning(deps, row, kind.name, listener)
    running.set(row.port, port)
    return port
  }
  return {
    async start() {
      stopped = false
      await Promise.all(store.list().map((row) => relisten(deps, kind, begin(row), 0)))
    },
    stop() {
      stopped = true
      for (const port of running.values()) close(port)
      running.clear()
    },
    async add(row) {
      requirePort(row.port)
      const existing = running.get(row.port)
      if (existing !== undefined) {
        if (kind.isSame(existing.row, row)) return viewOf(existing)
        throw kind.exists(existing.row)
      }
      if (claimed.has(row.port)) throw kind.exists(row)
      if (running.size + claimed.size >= kind.maxPorts) throw kind.tooMany()
      if (row.port !== 0) claimed.add(row.port)
      try {
        const listener: Listener = await listenFor(deps, kind, row, () => running.get(listener.port))
        const chosen: Row = { ...row, port: listener.port }
        try {
          if (stopped) throw serviceFault({ code: 'SERVICES_STOPPED' }, 'the node is stopping')
          store.put(chosen)
        } catch (error) {
          listener.close()
          throw error
        }
        deps.logger.info(`${kind.name} listens`, fieldsOf(chosen))
        return viewOf(begin(chosen, listener))
      } finally {
        claimed.delete(row.port)
      }
    },
    remove(number) {
      const port = running.get(number)
      if (port === undefined) throw kind.notFound(number)
      store.remove(number)
      running.delete(number)
      close(port)
      for (const slot of port.slots) slot.reset(`the ${kind.name} was removed`)
      deps.logger.info(`${kind.name} removed`, fieldsOf(port.row))
      return viewOf(port)
    },
    async restart(number) {
      const port = running.get(number)
      if (port === undefined) throw kind.notFound(number)
      port.cancelRetry?.()
      port.cancelRetry = undefined
      port.listener?.close()
      port.listener = undefined
      for (const slot of port.slots) slot.reset(`the ${kind.name} was restarted`)
      await relisten(deps, kind, port, 0)
      return viewOf(port)
    },
    list: () => [...running.values()].map(viewOf).sort((left, right) => left.port - right.port),
  }
}

function newRunning<Row extends PortRow>(
  { logger, throttle }: LocalPortsDeps,
  row: Row,
  name: string,
  listener: Listener | undefined,
): Running<Row> {
  const tally = createTally()
  return {
    row,
    tally,
    slots: new Set(),
    listener,
    failure: undefined,
    cancelRetry: undefined,
    closed: false,
    refused(message, reason, kind = reason) {
      tally.failed += 1
      tally.lastError = reason
      const heldBack = throttle(`${name} ${row.port} ${kind}`)
      if (heldBack !== undefined) logger.warn(message, { ...fieldsOf(row), reason, heldBack })
    },
  }
}

function close<Row extends PortRow>(port: Running<Row>): void {
  port.closed = true
  port.cancelRetry?.()
  port.listener?.close()
}

/** Clients that come before `owner` gives the port, or after it is gone, are reset. */
function listenFor<Row extends PortRow>(
  deps: LocalPortsDeps,
  kind: PortKind<Row>,
  row: Row,
  owner: () => Running<Row> | undefined,
): Promise<Listener> {
  return listen(
    row,
    (socket) => {
      const port = owner()
      if (port === undefined || port.closed) resetSocket(socket)
      else takeClient(deps, kind, port, socket)
    },
    (error) =>
      deps.logger.warn(`a ${kind.name} could not take a client`, {
        port: row.port,
        reason: messageOf(error),
      }),
  )
}

async function relisten<Row extends PortRow>(
  deps: LocalPortsDeps,
  kind: PortKind<Row>,
  port: Running<Row>,
  attempt: number,
): Promise<void> {
  const { clock, random, logger } = deps
  try {
    const listener = await listenFor(deps, kind, port.row, () => port)
    if (port.closed) listener.close()
    else port.listener = listener
    port.failure = undefined
  } catch (error) {
    const reason = messageOf(error)
    if (port.closed) return
    if (port.failure !== reason) logger.warn(`${kind.name} cannot listen`, { ...fieldsOf(port.row), reason })
    port.failure = reason
    port.cancelRetry = clock.after(backoffMs(attempt, RELISTEN, random), () => {
      port.cancelRetry = undefined
      void relisten(deps, kind, port, attempt + 1)
    })
  }
}

function takeClient<Row extends PortRow>(
  deps: LocalPortsDeps,
  kind: PortKind<Row>,
  port: Running<Row>,
  socket: Socket,
): void {
  socket.on('error', () => {})
  const slot = deps.ledger.admit('use')
  if (slot === undefined) {
    port.refused('reset a client', 'too many flows at once')
    resetSocket(socket)
    return
  }
  port.slots.add(slot)
  slot.signal.addEventListener('abort', () => resetSocket(socket), { once: true })
  kind
    .serve(port, socket, slot)
    .catch((error: unknown) => {
      resetSocket(socket)
      deps.logger.error(`a client of a ${kind.name} failed unexpectedly`, { port: port.row.port, error })
      return 'internal fault'
    })
    .then((error) => {
      port.slots.delete(slot)
      slot.close(error)
    })
}

const fieldsOf = (row: PortRow): LogFields => Object.fromEntries(Object.entries(row))

function viewOf<Row extends PortRow>({ row, tally, listener, failure }: Running<Row>): PortView<Row> {
  return {
    ...row,
    state: listener === undefined ? 'failed' : 'listening',
    detail: failure ?? tally.lastError,
    tally: { ...tally },
  }
}

function requirePort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return
  throw serviceFault({ code: 'BAD_PORT', port }, `${port} is not a port`, {
    hint: 'Choose one from 1024 to 65535, or 0 for one that is free.',
  })
}
