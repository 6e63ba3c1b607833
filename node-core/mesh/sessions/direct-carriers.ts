import type { Stream } from '@libp2p/interface'
import type { PeerStreams } from '../host/peer-streams.ts'
import type { SendLine } from '../host/send-line.ts'
import type { CarrierDialer, SessionPaths } from './ports.ts'

export interface DirectCarrierDeps {
  readonly streams: PeerStreams & { lineOf(stream: Stream): SendLine | undefined }
}

/** Carriers over direct links alone: one path to each neighbour, none to anybody else. */
export function createDirectCarriers({ streams }: DirectCarrierDeps): {
  readonly paths: SessionPaths
  readonly carriers: CarrierDialer
} {
  return {
    paths: {
      pathsTo: (peer) => (streams.peers().includes(peer) ? [[peer]] : []),
      onChange(callback) {
        const offs = [streams.onConnect(callback), streams.onDisconnect(callback)]
        return () => {
          for (const off of offs) off()
        }
      },
    },
    carriers: {
      async open(path, protocol, signal) {
        const [peer, ...further] = path
        if (peer === undefined || further.length > 0) throw new TypeError('only direct paths are offered')
        return streams.open(peer, protocol, signal)
      },
      handle: (protocol, handler, options = {}) =>
        streams.handle(protocol, (stream, peer) => handler(stream, peer, { path: [peer] }), options),
      unhandle: (protocol) => streams.unhandle(protocol),
      lineOf: (stream) => streams.lineOf(stream),
    },
  }
}
