import { connect, type Socket } from 'node:net'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import type { Admission } from './admission-port.ts'
import { GATED_CONNECTION_MANAGER } from './inbound-gate.ts'
import { createMeshNoise } from './noise-hfs.ts'

/** Connecting sockets at a time: what the listen queue of a default system holds. */
const BURST = 400

const admission: Admission = {
  prove: async () => new Uint8Array(10),
  judge: async () => ({ kind: 'admit', reply: new Uint8Array(10) }),
  judgeReply: async () => ({ kind: 'admitted' }),
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function createHost(listen: string[]) {
  const noise = createMeshNoise({ admission })
  const host = await createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    streamMuxers: [yamux()],
    connectionEncrypters: [...noise.encrypters],
    connectionGater: { ...noise.gate.connectionGater },
    connectionManager: { ...GATED_CONNECTION_MANAGER },
  })
  closers.push(() => host.stop())
  return { host, noise }
}

function openSilent(port: number, from: string, opening: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from }, () => {
      if (opening !== '') socket.write(opening)
      resolve(socket)
    })
    socket.on('error', () => {})
  })
}

/** What a socket says before it falls silent: nothing, or enough to reach the encrypter. */
const NEGOTIATION = '\x13/multistream/1.0.0\n\x18/x0t/noise-hfs/1/aesgcm\n'

it.each([
  ['ten thousand', 'say nothing', 10_000, ''],
  ['four thousand', 'fall silent inside the handshake', 4_000, NEGOTIATION],
])(
  'lets honest peers in while %s sockets %s',
  async (_count, _what, count, opening) => {
    const { host, noise } = await createHost(['/ip4/127.0.0.1/tcp/0'])
    const [address] = host.getMultiaddrs()
    if (address === undefined) throw new Error('the host listens')
    const port = Number(address.toString().split('/')[4])
    let shed = 0
    noise.events.on('shed', () => {
      shed += 1
    })
    const sockets: Socket[] = []
    closers.push(() => {
      for (const socket of sockets) socket.destroy()
    })
    const { host: peer } = await createHost([])
    const most = { silent: 0, handshakes: 0 }
    const honestMs: number[] = []
    for (let opened = 0; opened < count; opened += BURST) {
      // The honest peer dials from an address of the flood, in the middle of a burst.
      const burst = Array.from({ length: BURST }, (_, i) =>
        openSilent(port, `127.0.0.${1 + (i % 3)}`, opening),
      )
      const startedMs = performance.now()
      const connection = await peer.dial(address)
      honestMs.push(performance.now() - startedMs)
      await connection.close()
      sockets.push(...(await Promise.all(burst)))
      most.silent = Math.max(most.silent, noise.gate.silent)
      most.handshakes = Math.max(most.handshakes, noise.gate.handshakes)
    }
    expect(sockets.length).toBe(count)
    expect(honestMs.length).toBe(count / BURST)
    expect(Math.max(...honestMs)).toBeLessThan(3_000)
    expect(most.silent).toBeLessThanOrEqual(512)
    expect(most.handshakes).toBeLessThanOrEqual(256)
    expect(opening === '' ? most.silent : most.handshakes).toBeGreaterThan(64)
    await eventually(
      'every silent socket is gone',
      () => noise.gate.silent + noise.gate.handshakes === 0,
      6_000,
    )
    const failures = opening === '' ? count : 0
    if (failures > 0) expect(shed).toBe(failures)
    expect(host.getConnections().length).toBe(0)
  },
  60_000,
)
