import type { Socket } from 'node:net'
import type { NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import { backoffMs } from '../platform/backoff.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import type { Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import type { Connector } from './connector.ts'
import type { FlowLedger, FlowSlot, Tally } from './flow-ledger.ts'
import { createTally } from './flow-ledger.ts'
import { type Listener, listen } from './listener.ts'
import type { LogThrottle } from './log-throttle.ts'
import type { ForwardRow, ServiceStore } from './ports.ts'
import { flowReset, serviceFault } from './service-fault.ts'
import { resetSocket, splice } from './splice.ts'

const MAX_FORWARDS = 256
const LOOPBACK = '127.0.0.1'
/** Between attempts to listen on the port of a kept forward. */
const RELISTEN = { baseMs: 1_000, maxMs: 30_000 } as const

export interface ForwardRequest {
  /** 0 lets the system choose; the choice is kept over restarts. */
  readonly port: number
  readonly service: ServiceName
  /** The only node that may provide it; any without. */
  readonly node?: NodeName | PeerId | undefined
  /** The address to listen on; the loopback without. */
  readonly host?: string | undefined
}

export interface ForwardView extends ForwardRow {
  readonly state: 'listening' | 'failed'
  /** Why it failed, or why the last of its flows did. */
  readonly detail: string | undefined
  readonly tally: Readonly<Tally>
}

/** The local ports of this node that lead to services of the mesh. */
export interface Forwards {
  /** Listens on what is kept; a port that cannot be had is tried again for ever. */
  start(): Promise<void>
  /** Takes no more clients. Flows are the ledger's to end. */
  stop(): void
  /**
   * The same request twice is one forward.
   *
   * @throws FaultError BAD_PORT, BAD_LISTEN_HOST, FORWARD_EXISTS, TOO_MANY_FORWARDS, PORT_IN_USE, PORT_FORBIDDEN,
   * LISTEN_FAILED, SERVICES_STOPPED, and what the store throws
   */
  add(request: ForwardRequest): Promise<ForwardView>
  /** Ends its flows too. @throws FaultError FORWARD_NOT_FOUND, and what the store throws */
  remove(port: number): ForwardView
  list(): readonly ForwardView[]
}

export interface ForwardDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly throttle: LogThrottle
  readonly ledger: FlowLedger
  readonly connector: Connector
  readonly store: ServiceStore['forwards']
}

interface Running {
  readonly row: ForwardRow
  readonly tally: Tally
  readonly slots: Set<FlowSlot>
  listener: Listener | undefined
  failure: string | undefined
  cancelRetry: (() => void) | undefined
  closed: boolean
}

export function createForwards(deps: ForwardDeps): Forwards {
  const { store, logger } = deps
  const running = new Map<number, Running>()
  /** Ports that somebody is about to listen on. */
  const claimed = new Set<number>()
  let stopped = true

  const begin = (row: ForwardRow, listener?: Listener): Running => {
    const forward = newRunning(row, listener)
    running.set(row.port, forward)
    return forward
  }
  const find = (port: number): Running => {
    const forward = running.get(port)
    if (forward === undefined) throw notFound(port)
    return forward
  }
  return {
    async start() {
      stopped = false
      await Promise.all(store.list().map((row) => relisten(deps, begin(row), 0)))
    },
    stop() {
      stopped = true
      for (const forward of running.values()) close(forward)
      running.clear()
    },
    async add(request) {
      const row = toRow(request)
      const existing = running.get(row.port)
      if (existing !== undefined) {
        if (sameForward(existing.row, row)) return viewOf(existing)
        throw alreadyForwarded(existing.row)
      }
      if (claimed.has(row.port)) throw alreadyForwarded(row)
      if (running.size + claimed.size >= MAX_FORWARDS) throw tooMany()
      if (row.port !== 0) claimed.add(row.port)
      try {
        const listener = await listenFor(deps, row, () => running.get(listener.port))
        const chosen: ForwardRow = { ...row, port: listener.port }
        try {
          if (stopped) throw stoppedFault()
          store.put(chosen)
        } catch (error) {
          listener.close()
          throw error
        }
        logger.info('forward listens', { ...chosen })
        return viewOf(begin(chosen, listener))
      } finally {
        claimed.delete(row.port)
      }
    },
    remove(port) {
      const forward = find(port)
      store.remove(port)
      running.delete(port)
      close(forward)
      for (const slot of forward.slots) slot.reset('the forward was removed')
      logger.info('forward removed', { ...forward.row })
      return viewOf(forward)
    },
    list: () => [...running.values()].map(viewOf).sort((left, right) => left.port - right.port),
  }
}

const newRunning = (row: ForwardRow, listener: Listener | undefined): Running => ({
  row,
  tally: createTally(),
  slots: new Set(),
  listener,
  failure: undefined,
  cancelRetry: undefined,
  closed: false,
})

function close(forward: Running): void {
  forward.closed = true
  forward.cancelRetry?.()
  forward.listener?.close()
}

/** Clients that come before `forward` gives the forward, or after it is gone, are reset. */
function listenFor(
  deps: ForwardDeps,
  row: ForwardRow,
  forward: () => Running | undefined,
): Promise<Listener> {
  return listen(
    row,
    (socket) => {
      const owner = forward()
      if (owner === undefined || owner.closed) resetSocket(socket)
      else takeClient(deps, owner, socket)
    },
    (error) =>
      deps.logger.warn('a forward could not take a client', { port: row.port, reason: messageOf(error) }),
  )
}

async function relisten(deps: ForwardDeps, forward: Running, attempt: number): Promise<void> {
  const { clock, random, logger } = deps
  try {
    const listener = await listenFor(deps, forward.row, () => forward)
    if (forward.closed) listener.close()
    else forward.listener = listener
    forward.failure = undefined
  } catch (error) {
    const reason = messageOf(error)
    if (forward.closed) return
    if (forward.failure !== reason) logger.warn('forward cannot listen', { ...forward.row, reason })
    forward.failure = reason
    forward.cancelRetry = clock.after(backoffMs(attempt, RELISTEN, random), () => {
      forward.cancelRetry = undefined
      void relisten(deps, forward, attempt + 1)
    })
  }
}

function takeClient(deps: ForwardDeps, forward: Running, socket: Socket): void {
  socket.on('error', () => {})
  const slot = deps.ledger.admit('use')
  if (slot === undefined) {
    failed(deps, forward, 'too many flows at once')
    resetSocket(socket)
    return
  }
  forward.slots.add(slot)
  slot.signal.addEventListener('abort', () => resetSocket(socket), { once: true })
  carry(deps, forward, socket, slot)
    .catch((error: unknown) => {
      resetSocket(socket)
      deps.logger.error('a forwarded connection failed unexpectedly', { port: forward.row.port, error })
      return 'internal fault'
    })
    .then((error) => {
      forward.slots.delete(slot)
      slot.close(error)
    })
}

/** Resolves when the client's connection is over; with a reason when it broke off. */
async function carry(
  deps: ForwardDeps,
  forward: Running,
  socket: Socket,
  slot: FlowSlot,
): Promise<string | undefined> {
  const { service, node } = forward.row
  const onGone = (): void => slot.reset('the client went away')
  socket.once('close', onGone)
  const outcome = await deps.connector.connect({ service, node }, slot.signal)
  socket.off('close', onGone)
  if (outcome.kind === 'failed') {
    if (!slot.signal.aborted) failed(deps, forward, outcome.reason)
    resetSocket(socket)
    return undefined
  }
  const { flow, peer } = outcome
  slot.signal.addEventListener('abort', () => flow.destroy(flowReset(peer, String(slot.signal.reason))))
  if (slot.signal.aborted) flow.destroy(flowReset(peer, String(slot.signal.reason)))
  slot.assign(service, peer, forward.tally)
  const end = await splice(socket, flow, slot.carried())
  if (end.kind === 'ended') return undefined
  deps.logger.debug('a forwarded connection broke off', { port: forward.row.port, service, peer, ...end })
  if (slot.signal.aborted) return String(slot.signal.reason)
  return `${end.by === 'socket' ? 'client' : 'provider'}: ${end.reason}`
}

/** A client that got no flow: reset, so that it cannot take it for an empty answer. */
function failed({ logger, throttle }: ForwardDeps, { row, tally }: Running, reason: string): void {
  tally.failed += 1
  tally.lastError = reason
  const heldBack = throttle(`forward ${row.port} ${reason}`)
  if (heldBack === undefined) return
  logger.warn('reset a client, no provider could be had', { ...row, reason, heldBack })
}

function viewOf({ row, tally, listener, failure }: Running): ForwardView {
  return {
    ...row,
    state: listener === undefined ? 'failed' : 'listening',
    detail: failure ?? tally.lastError,
    tally: { ...tally },
  }
}

function toRow({ port, service, node, host = LOOPBACK }: ForwardRequest): ForwardRow {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw serviceFault({ code: 'BAD_PORT', port }, `${port} is not a port`, {
      hint: 'Choose one from 1024 to 65535, or 0 for one that is free.',
    })
  }
  return { host, port, service, node }
}

const sameForward = (left: ForwardRow, right: ForwardRow): boolean =>
  left.host === right.host && left.service === right.service && left.node === right.node

const alreadyForwarded = ({ port, service }: ForwardRow) =>
  serviceFault({ code: 'FORWARD_EXISTS', port, service }, `port ${port} already leads to '${service}'`, {
    hint: `Choose another port, or run x0t unforward ${port} first.`,
  })

const notFound = (port: number) =>
  serviceFault({ code: 'FORWARD_NOT_FOUND', port }, `no forward listens on port ${port}`, {
    hint: 'x0t status lists the forwards.',
  })

const tooMany = () =>
  serviceFault(
    { code: 'TOO_MANY_FORWARDS', limit: MAX_FORWARDS },
    `this node has ${MAX_FORWARDS} forwards already`,
    { hint: 'Remove one that is not needed.' },
  )

const stoppedFault = () => serviceFault({ code: 'SERVICES_STOPPED' }, 'the node is stopping')
