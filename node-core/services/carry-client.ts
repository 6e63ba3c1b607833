import type { Socket } from 'node:net'
import type { Logger } from '../platform/logger.ts'
import type { ConnectOutcome, Connector } from './connector.ts'
import type { FlowSlot } from './flow-ledger.ts'
import type { PortRow, ServedPort } from './local-ports.ts'
import type { ProviderQuery } from './provider-choice.ts'
import { flowReset } from './service-fault.ts'
import { splice } from './splice.ts'

export interface CarryDeps {
  readonly logger: Logger
  readonly connector: Connector
}

export interface LocalClient {
  readonly port: ServedPort<PortRow>
  readonly socket: Socket
  readonly slot: FlowSlot
}

/** What a client is told before the bytes of the service. */
export interface CarryAnswers {
  /** A provider has its target connected. */
  connected(): void
  /** No provider could be had; the socket is still open, unless the slot was reset. To be waited for. */
  failed(outcome: Extract<ConnectOutcome, { kind: 'failed' }>): void | Promise<void>
}

/**
 * Finds a provider for a client of a local port and joins the two. Resolves when the client's connection is over; with
 * a reason when it broke off.
 */
export async function carryClient(
  deps: CarryDeps,
  { port, socket, slot }: LocalClient,
  query: ProviderQuery,
  answers: CarryAnswers,
): Promise<string | undefined> {
  const { service } = query
  const onGone = (): void => slot.reset('the client went away')
  socket.once('close', onGone)
  const outcome = await deps.connector.connect(query, slot.signal)
  socket.off('close', onGone)
  if (outcome.kind === 'failed') {
    await answers.failed(outcome)
    return undefined
  }
  const { flow, peer } = outcome
  slot.signal.addEventListener('abort', () => flow.destroy(flowReset(peer, String(slot.signal.reason))))
  if (slot.signal.aborted) flow.destroy(flowReset(peer, String(slot.signal.reason)))
  else answers.connected()
  slot.assign(service, peer, port.tally)
  const end = await splice(socket, flow, slot.carried())
  if (end.kind === 'ended') return undefined
  deps.logger.debug('the connection of a local client broke off', {
    port: port.row.port,
    service,
    peer,
    ...end,
  })
  if (slot.signal.aborted) return String(slot.signal.reason)
  return `${end.by === 'socket' ? 'client' : 'provider'}: ${end.reason}`
}
