import type { PeerId, ServiceName } from '../domain/ids.ts'
import { FaultError } from '../platform/error.ts'

/** What can be wrong with a request to expose or to forward. */
export type ServiceFault =
  | { code: 'BAD_TARGET'; target: string; why: 'syntax' | 'own-port' }
  | { code: 'BAD_CHECK'; check: string }
  | { code: 'TOO_MANY_SERVICES'; limit: number }
  | { code: 'SERVICE_NOT_FOUND'; service: ServiceName }
  | { code: 'BAD_PORT'; port: number }
  | { code: 'BAD_LISTEN_HOST'; host: string }
  | { code: 'TOO_MANY_FORWARDS'; limit: number }
  | { code: 'FORWARD_EXISTS'; port: number; service: ServiceName }
  | { code: 'FORWARD_NOT_FOUND'; port: number }
  | { code: 'TOO_MANY_SOCKS'; limit: number }
  | { code: 'SOCKS_EXISTS'; port: number }
  | { code: 'SOCKS_NOT_FOUND'; port: number }
  | { code: 'PORT_IN_USE'; host: string; port: number }
  | { code: 'PORT_FORBIDDEN'; host: string; port: number }
  | { code: 'LISTEN_FAILED'; host: string; port: number }
  | { code: 'SERVICES_STOPPED' }
  /** Ends one flow. */
  | { code: 'FLOW_RESET'; peer: PeerId; reason: string }

export const serviceFault = (
  fault: ServiceFault,
  message: string,
  options: { cause?: unknown; hint?: string } = {},
): FaultError<ServiceFault> => new FaultError<ServiceFault>(fault, message, options)

export const flowReset = (peer: PeerId, reason: string): FaultError<ServiceFault> =>
  serviceFault({ code: 'FLOW_RESET', peer, reason }, `the flow was reset: ${reason}`)
