/**
 * One end of a connection between two processes, without services: what a stream carries that is stock libp2p, our
 * hybrid connection, a flow on it, or a session.
 */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { PeerId } from '../../node-core/domain/ids.ts'
import { createFlows } from '../../node-core/mesh/flows/flows.ts'
import { dialAddresses } from '../helpers/mesh-hosts.ts'
import { startSessionMember } from '../helpers/session-networks.ts'
import { serveCommands } from './child.ts'

export type StreamKind = 'stock' | 'hybrid' | 'flow' | 'session'

export type StreamCommands = {
  readonly listen: {
    readonly options: { readonly kind: StreamKind }
    readonly answer: { readonly addresses: readonly string[]; readonly peer: string }
  }
  readonly connect: {
    readonly options: {
      readonly kind: StreamKind
      readonly addresses: readonly string[]
      readonly peer: string
    }
    readonly answer: object
  }
  /** Over one new stream to whoever it is connected to. */
  readonly download: {
    readonly options: { readonly bytes: number }
    readonly answer: { readonly seconds: number }
  }
}

export const STREAM_PROGRAM = import.meta.filename

const PROTOCOL = '/x0t-bench/source/1'
const CHUNK = new Uint8Array(64 * 1024).fill(0x5a)
const REQUEST_BYTES = 8
const OPEN_MS = 10_000

interface End {
  readonly addresses: readonly string[]
  readonly peer: string
  connect(addresses: readonly string[], peer: string): Promise<void>
  /** Asks for so many bytes, and resolves when they are there. */
  download(bytes: number): Promise<void>
}

const request = (bytes: number): Uint8Array => {
  const asked = Buffer.alloc(REQUEST_BYTES)
  asked.writeBigUInt64BE(BigInt(bytes))
  return asked
}

function serveStream(stream: Stream): void {
  stream.addEventListener(
    'message',
    (event) => void pourStream(stream, bytesAskedFor(event.data.subarray())),
    {
      once: true,
    },
  )
}

const bytesAskedFor = (asked: Uint8Array): number => Number(Buffer.from(asked).readBigUInt64BE(0))

async function pourStream(stream: Stream, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    if (stream.send(CHUNK)) continue
    await new Promise<void>((resolve) => {
      stream.addEventListener('drain', () => resolve(), { once: true })
    })
  }
}

async function downloadStream(stream: Stream, bytes: number): Promise<void> {
  let received = 0
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', (event) => {
      received += event.data.byteLength
      if (received >= bytes) resolve()
    })
    stream.addEventListener('close', () => reject(new Error(`closed after ${received} bytes`)))
    stream.send(request(bytes))
  })
  await stream.close()
}

function serveDuplex(duplex: Duplex): void {
  duplex.on('error', () => duplex.destroy())
  duplex.once('data', (asked: Uint8Array) => void pourDuplex(duplex, bytesAskedFor(asked)))
}

async function pourDuplex(duplex: Duplex, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    if (!duplex.write(CHUNK)) await once(duplex, 'drain')
  }
  duplex.end()
}

async function downloadDuplex(duplex: Duplex, bytes: number): Promise<void> {
  let received = 0
  duplex.on('data', (part: Uint8Array) => {
    received += part.length
  })
  duplex.write(request(bytes))
  await once(duplex, 'end')
  duplex.end()
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came`)
}

/** As a program would use it that takes every default. */
async function stockEnd(): Promise<End> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    streamMuxers: [yamux()],
    connectionEncrypters: [noise()],
  })
  await node.handle(PROTOCOL, serveStream)
  let other: readonly string[] = []
  return {
    addresses: node.getMultiaddrs().map(String),
    peer: node.peerId.toString(),
    async connect(addresses) {
      other = addresses
      await node.dial(addresses.map((address) => multiaddr(address)))
    },
    async download(bytes) {
      const stream = await node.dialProtocol(
        other.map((address) => multiaddr(address)),
        PROTOCOL,
      )
      await downloadStream(stream, bytes)
    },
  }
}

async function meshEnd(kind: Exclude<StreamKind, 'stock'>): Promise<End> {
  const { test, sessions } = await startSessionMember()
  const { host } = test
  const flows = createFlows({ streams: host })
  await host.handle(PROTOCOL, serveStream)
  await flows.handle(serveDuplex)
  await sessions.handle(serveDuplex)
  let other = host.peerId
  return {
    addresses: dialAddresses(host),
    peer: host.peerId,
    async connect(addresses, peer) {
      await host.dial(addresses, AbortSignal.timeout(OPEN_MS))
      other = host.peers().find((known) => known === peer) ?? missing(peer)
    },
    async download(bytes) {
      const signal = AbortSignal.timeout(OPEN_MS)
      if (kind === 'hybrid') await downloadStream(await host.open(other, PROTOCOL, signal), bytes)
      else await downloadDuplex(await (kind === 'flow' ? flows : sessions).open(other, signal), bytes)
    },
  }
}

function missing(peer: string): PeerId {
  throw new Error(`${peer} is not connected`)
}

const endOf = (kind: StreamKind): Promise<End> => (kind === 'stock' ? stockEnd() : meshEnd(kind))

// Others import the commands alone.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  let end: End | undefined
  serveCommands<StreamCommands>({
    async listen({ kind }) {
      end = await endOf(kind)
      return { addresses: end.addresses, peer: end.peer }
    },
    async connect({ kind, addresses, peer }) {
      end = await endOf(kind)
      await end.connect(addresses, peer)
      return {}
    },
    async download({ bytes }) {
      if (end === undefined) throw new Error('not connected')
      const startedMs = performance.now()
      await end.download(bytes)
      return { seconds: (performance.now() - startedMs) / 1_000 }
    },
  })
}
