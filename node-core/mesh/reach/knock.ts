import { connect } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'

/** Host and port of a multiaddr over TCP; `undefined` for anything else. */
function tcpTarget(address: string): { readonly host: string; readonly port: number } | undefined {
  try {
    const [host, transport] = multiaddr(address).getComponents()
    const port = Number(transport?.value)
    const isHost = /^(ip4|ip6|dns|dns4|dns6)$/.test(host?.name ?? '')
    if (!isHost || host?.value === undefined || transport?.name !== 'tcp') return undefined
    return Number.isInteger(port) && port > 0 && port < 65_536 ? { host: host.value, port } : undefined
  } catch {
    return undefined
  }
}

export const isLoopback = (address: string): boolean =>
  /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/.test(address)

/** Multistream-select 1.0: a varint length, the protocol and a newline. Whatever speaks libp2p answers the same. */
const GREETING = Buffer.from('\u0013/multistream/1.0.0\n', 'latin1')

/**
 * Connects, greets and waits for the greeting of a libp2p listener; then goes. Never rejects.
 *
 * @returns true when such a listener answered before the signal
 */
export function knock(address: string, signal: AbortSignal): Promise<boolean> {
  const target = tcpTarget(address)
  if (target === undefined || signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const socket = connect({ ...target, noDelay: true })
    let heard = Buffer.alloc(0)
    const done = (answered: boolean): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(answered)
    }
    const onAbort = (): void => done(false)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => socket.write(GREETING))
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk]).subarray(0, GREETING.length)
      if (heard.length === GREETING.length) done(heard.equals(GREETING))
    })
    socket.once('error', () => done(false))
    socket.once('close', () => done(false))
  })
}
