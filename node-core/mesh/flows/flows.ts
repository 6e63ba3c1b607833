import type { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import { hostFault } from '../host/host-fault.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import type { SendLine } from '../host/send-line.ts'
import { createFlow } from './flow.ts'

const FLOW_PROTOCOL = '/x0t/flow/1'
/** Flows that one connection may carry, each way. */
const MAX_FLOWS_PER_PEER = 512

/** Byte flows to and from neighbours, for services. */
export interface Flows {
  /**
   * Opens a flow to a connected peer.
   *
   * @throws FaultError PEER_NOT_CONNECTED, PEER_REFUSED, PROTOCOL_UNSUPPORTED, STREAM_FAILED
   */
  open(peer: PeerId, signal: AbortSignal): Promise<Duplex>
  /** Serves flows of other nodes. The handler owns the flow, its errors included. */
  handle(handler: (flow: Duplex, peer: PeerId) => void): Promise<void>
  /** Resets all flows and serves no more. */
  stop(): Promise<void>
}

export interface FlowDeps {
  readonly streams: Pick<PeerStreams, 'open' | 'handle' | 'unhandle'> & {
    lineOf(stream: Stream): SendLine | undefined
  }
}

export function createFlows({ streams }: FlowDeps): Flows {
  const open = new Set<Duplex>()

  const adopt = (stream: Stream): Duplex | undefined => {
    const line = streams.lineOf(stream)
    if (line === undefined) {
      stream.abort(new Error('the connection of this stream is gone'))
      return undefined
    }
    const flow = createFlow(stream, line)
    open.add(flow)
    flow.once('close', () => open.delete(flow))
    return flow
  }

  return {
    async open(peer, signal) {
      const flow = adopt(await streams.open(peer, FLOW_PROTOCOL, signal))
      if (flow !== undefined) return flow
      throw hostFault({ code: 'PEER_NOT_CONNECTED', peer }, `the connection to ${peer} is gone`)
    },
    async handle(handler) {
      await streams.handle(
        FLOW_PROTOCOL,
        (stream, peer) => {
          const flow = adopt(stream)
          if (flow !== undefined) handler(flow, peer)
        },
        { maxStreams: MAX_FLOWS_PER_PEER },
      )
    },
    async stop() {
      await streams.unhandle(FLOW_PROTOCOL)
      for (const flow of [...open]) flow.destroy()
    },
  }
}
