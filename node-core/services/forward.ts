import type { NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import { carryClient } from './carry-client.ts'
import type { Connector } from './connector.ts'
import { createLocalPorts, type LocalPorts, type LocalPortsDeps, type PortView } from './local-ports.ts'
import type { ForwardRow, ServiceStore } from './ports.ts'
import { serviceFault } from './service-fault.ts'
import { resetSocket } from './splice.ts'

const MAX_FORWARDS = 256
const LOOPBACK = '127.0.0.1'

export interface ForwardRequest {
  /** 0 lets the system choose; the choice is kept over restarts. */
  readonly port: number
  readonly service: ServiceName
  /** The only node that may provide it; any without. */
  readonly node?: NodeName | PeerId | undefined
  /** The address to listen on; the loopback without. */
  readonly host?: string | undefined
}

export type ForwardView = PortView<ForwardRow>

/** The local ports of this node that lead to services of the mesh, each to one. */
export interface Forwards extends Omit<LocalPorts<ForwardRow>, 'add'> {
  /**
   * The same request twice is one forward.
   *
   * @throws FaultError FORWARD_EXISTS, TOO_MANY_FORWARDS, and as `LocalPorts.add`
   */
  add(request: ForwardRequest): Promise<ForwardView>
}

export interface ForwardDeps extends LocalPortsDeps {
  readonly connector: Connector
  readonly store: ServiceStore['forwards']
}

export function createForwards(deps: ForwardDeps): Forwards {
  const ports = createLocalPorts<ForwardRow>(deps, {
    name: 'forward',
    maxPorts: MAX_FORWARDS,
    store: deps.store,
    isSame: sameForward,
    exists: alreadyForwarded,
    notFound,
    tooMany,
    serve: (port, socket, slot) =>
      carryClient(deps, { port, socket, slot }, port.row, {
        connected() {},
        failed({ reason }) {
          if (!slot.signal.aborted) port.refused('reset a client, no provider could be had', reason)
          // Reset, so that the client cannot take it for an empty answer.
          resetSocket(socket)
        },
      }),
  })
  return { ...ports, add: (request) => ports.add(toRow(request)) }
}

const toRow = ({ port, service, node, host = LOOPBACK }: ForwardRequest): ForwardRow => ({
  ...{ host, port, service, node },
})

const sameForward = (left: ForwardRow, right: ForwardRow): boolean =>
  left.host === right.host && left.service === right.service && left.node === right.node

/** A port has one meaning: also said when something else is asked of the port of a forward. */
export const alreadyForwarded = ({ port, service }: Pick<ForwardRow, 'port' | 'service'>) =>
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
