import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { isOnLink, type LanInterface, lanInterfaces } from './lan-interfaces.ts'

/** RFC 6762 section 3: link-local, so no router passes it on, and switches always do. */
const GROUP = '224.0.0.251'
const PORT = 5353
/** Larger ones are not ours. */
const MAX_DATAGRAM_BYTES = 512

/** Datagrams to and from the LANs that this machine is on. */
export interface LanWire {
  /** The LANs there are now. */
  interfaces(): readonly LanInterface[]
  /** Uses exactly these from now on. Rejects when the port cannot be had; may be called again. */
  use(interfaces: readonly LanInterface[], onDatagram: OnDatagram): Promise<void>
  /** Sends to all on the LAN of one of the interfaces in use. A failure is not told: it is a datagram. */
  send(from: string, datagram: Uint8Array): void
  /** Can be called twice. */
  close(): void
}

/** `source` is an IPv4 address on one of the LANs in use. */
export type OnDatagram = (datagram: Uint8Array, source: string) => void

export function createLanWire(deps: { readonly logger: Logger }): LanWire {
  let receiver: Socket | undefined
  /** By the address of the interface: a socket each, or one datagram could leave by the interface of another. */
  const senders = new Map<string, Socket>()
  const failed = (what: string, error: unknown): void =>
    deps.logger.debug(`LAN discovery: ${what}`, { reason: messageOf(error) })

  const close = (): void => {
    for (const socket of [receiver, ...senders.values()]) socket?.close()
    receiver = undefined
    senders.clear()
  }
  return {
    interfaces: () => lanInterfaces(networkInterfaces()),
    async use(interfaces, onDatagram) {
      close()
      if (interfaces.length === 0) return
      try {
        receiver = await bind({ address: '0.0.0.0', port: PORT })
        receiver.on('error', (error) => failed('receiving failed', error))
        receiver.on('message', (datagram, { address }) => {
          if (datagram.length <= MAX_DATAGRAM_BYTES && isOnLink(address, interfaces))
            onDatagram(datagram, address)
        })
        for (const { address } of interfaces) {
          receiver.addMembership(GROUP, address)
          const sender = await bind({ address, port: 0 })
          sender.on('error', (error) => failed('sending failed', error))
          sender.setMulticastInterface(address)
          sender.setMulticastTTL(1)
          // Other nodes on this machine are members too.
          sender.setMulticastLoopback(true)
          senders.set(address, sender)
        }
      } catch (error) {
        close()
        throw error
      }
    },
    send(from, datagram) {
      senders.get(from)?.send(datagram, PORT, GROUP, (error) => {
        if (error !== null) failed('sending failed', error)
      })
    },
    close,
  }
}

async function bind(at: { readonly address: string; readonly port: number }): Promise<Socket> {
  // The port is shared with the mDNS responder of the system and with other nodes.
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.unref()
  try {
    socket.bind({ ...at, exclusive: true })
    await once(socket, 'listening')
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}
