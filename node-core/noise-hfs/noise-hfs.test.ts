import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import type { Admission } from './admission-port.ts'
import type { HandshakeEvents } from './events.ts'
import { GATED_CONNECTION_MANAGER } from './inbound-gate.ts'
import { createMeshNoise, createPublishedNoise, type NoiseHfsParts } from './noise-hfs.ts'

const admitting: Admission = {
  prove: async () => new Uint8Array(16_000),
  judge: async () => ({ kind: 'admit', reply: new Uint8Array(16_000) }),
  judgeReply: async () => ({ kind: 'admitted' }),
}

const hosts: Libp2p[] = []
afterEach(async () => {
  for (const host of hosts.splice(0).reverse()) await host.stop()
})

async function createHost(noise: NoiseHfsParts, listen: string[]): Promise<Libp2p> {
  const host = await createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    streamMuxers: [yamux()],
    connectionEncrypters: [...noise.encrypters],
    connectionGater: { ...noise.gate.connectionGater },
    connectionManager: { ...GATED_CONNECTION_MANAGER },
  })
  hosts.push(host)
  return host
}

async function pair(listening: NoiseHfsParts, dialling: NoiseHfsParts) {
  const listener = await createHost(listening, ['/ip4/127.0.0.1/tcp/0'])
  const dialler = await createHost(dialling, [])
  const [address] = listener.getMultiaddrs()
  if (address === undefined) throw new Error('the host listens')
  return { listener, dialler, address }
}

const LOOPBACK_PROTOCOL = '/test/echo/1'

async function echo({ listener, dialler, address }: Awaited<ReturnType<typeof pair>>): Promise<string> {
  await listener.handle(LOOPBACK_PROTOCOL, (stream) => {
    stream.addEventListener('message', (event) => stream.send(event.data))
  })
  const connection = await dialler.dial(address)
  const stream = await connection.newStream(LOOPBACK_PROTOCOL)
  const sent = new Uint8Array(1_000_000).map((_, i) => i & 0xff)
  const received: Uint8Array[] = []
  stream.addEventListener('message', (event) => received.push(Uint8Array.from(event.data.subarray())))
  for (let at = 0; at < sent.length; at += 100_000) stream.send(sent.subarray(at, at + 100_000))
  const count = (): number => received.reduce((sum, part) => sum + part.length, 0)
  await eventually('everything has come back', () => count() === sent.length)
  expect(Buffer.concat(received).equals(sent)).toBe(true)
  return connection.encryption ?? 'none'
}

describe('between real libp2p hosts', () => {
  it('carries streams over the published profile, without admission', async () => {
    expect(await echo(await pair(createPublishedNoise(), createPublishedNoise()))).toBe(
      '/noise-mlkem768-hfs/0.2.0',
    )
  })

  it('prefers AES-GCM, falls back to ChaCha, and rekeys under way', async () => {
    const mesh = (suites?: readonly ('aesgcm' | 'chachapoly')[]) =>
      createMeshNoise(
        { admission: admitting },
        { rekeyAfterFrames: 4, ...(suites === undefined ? {} : { suites }) },
      )
    expect(await echo(await pair(mesh(), mesh()))).toBe('/x0t/noise-hfs/1/aesgcm')
    expect(await echo(await pair(mesh(['chachapoly']), mesh()))).toBe('/x0t/noise-hfs/1/chachapoly')
    expect(await echo(await pair(mesh(), mesh(['chachapoly'])))).toBe('/x0t/noise-hfs/1/chachapoly')
  })

  it('tells the dialling end why it was refused, every time, and serves it nothing', async () => {
    const refusing: Admission = {
      ...admitting,
      judge: async () => ({
        kind: 'refuse',
        reply: new Uint8Array(16_000),
        code: 'REVOKED',
        reason: 'revoked',
      }),
    }
    const told: Admission = {
      ...admitting,
      judgeReply: async () => ({ kind: 'refused', code: 'REVOKED', reason: 'revoked' }),
    }
    const dialling = createMeshNoise({ admission: told })
    const { listener, dialler, address } = await pair(createMeshNoise({ admission: refusing }), dialling)
    const seen: (HandshakeEvents['refused'] | HandshakeEvents['failed'])[] = []
    dialling.events.on('refused', (event) => seen.push(event))
    dialling.events.on('failed', (event) => seen.push(event))
    for (let times = 1; times <= 20; times += 1) {
      await expect(dialler.dial(address)).rejects.toThrow('REVOKED')
      expect(seen).toHaveLength(times)
      expect(seen.at(-1)).toMatchObject({ by: 'remote', code: 'REVOKED' })
    }
    expect([listener.getConnections(), dialler.getConnections()]).toEqual([[], []])
  })
})
