import type { PeerId } from '../../domain/ids.ts'
import { FaultError } from '../../platform/error.ts'

/** What can go wrong between a node and its direct neighbours. */
export type HostFault =
  | { code: 'PEER_NOT_CONNECTED'; peer: PeerId }
  /** The peer's certificate does not let it have streams here any more. */
  | { code: 'NO_ADDRESS'; peer: PeerId }
  | { code: 'PEER_REFUSED'; peer: PeerId; standing: string }
  | { code: 'PROTOCOL_UNSUPPORTED'; peer: PeerId; protocol: string }
  | { code: 'STREAM_FAILED'; peer: PeerId; protocol: string }
  | { code: 'DIAL_FAILED'; peer: PeerId | undefined; addresses: readonly string[] }
  | { code: 'LISTEN_FAILED'; addresses: readonly string[] }
  | { code: 'HOST_STOPPED' }
  /** The stream or its connection ended before the exchange was complete. */
  | { code: 'STREAM_CLOSED' }
  | { code: 'FRAME_TOO_LARGE'; sizeBytes: number; limitBytes: number }
  | { code: 'FRAME_TRUNCATED' }
  /** The other end does not keep to the rules of the muxer. */
  | { code: 'MUXER_BROKEN'; what: string }

export const hostFault = (fault: HostFault, message: string, cause?: unknown): FaultError<HostFault> =>
  new FaultError<HostFault>(fault, message, cause === undefined ? {} : { cause })
