import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { eventually } from '../helpers/eventually.ts'
import type { TestMember } from '../helpers/test-members.ts'
import type { Kind, Members } from './handshake-kinds.ts'
import type { BenchCase } from './harness.ts'

/** Two hosts of one kind, on loopback. */
export interface Link {
  connect(): Promise<Connection>
  /** Closes a connection and waits until both ends have forgotten it. */
  disconnect(connection: Connection): Promise<void>
  close(): Promise<void>
}

const SINK = '/x0t-bench/sink/1'
const CHUNK_BYTES = 64 * 1024
const TRANSFER_BYTES = 128 * 1024 * 1024

export async function createLink(kind: Kind, members: Members): Promise<Link> {
  const listener = await createHost(kind, members.listener, ['/ip4/127.0.0.1/tcp/0'])
  const dialler = await createHost(kind, members.dialler, [])
  await listener.handle(SINK, serveSink)
  const [address] = listener.getMultiaddrs()
  if (address === undefined) throw new Error('the listener has no address')
  const idle = (): boolean => listener.getConnections().length + dialler.getConnections().length === 0
  return {
    connect: () => dialler.dial(address),
    async disconnect(connection) {
      await connection.close()
      await eventually('both ends have forgotten the connection', idle)
    },
    async close() {
      await dialler.stop()
      await listener.stop()
    },
  }
}

function createHost(kind: Kind, member: TestMember, listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    privateKey: member.identity.libp2pKey,
    addresses: { listen },
    transports: [tcp()],
    streamMuxers: [yamux()],
    connectionEncrypters: kind.encrypters(member),
    connectionManager: {
      maxIncomingPendingConnections: Number.POSITIVE_INFINITY,
      inboundConnectionThreshold: Number.POSITIVE_INFINITY,
    },
  })
}

/** Time from the dial to a connection on which streams can be opened. */
export function connectionCase(link: Link, metric: string, comparedTo: string | undefined): BenchCase {
  return {
    metric,
    unit: 'ms',
    ...(comparedTo === undefined ? {} : { comparedTo }),
    async sample() {
      const startedMs = performance.now()
      const connection = await link.connect()
      const tookMs = performance.now() - startedMs
      await link.disconnect(connection)
      return tookMs
    },
  }
}

/** One stream of one connection, 128 MiB, until the receiver says that it has all of it. */
export function throughputCase(
  link: Link,
  metric: string,
  comparedTo: string | undefined,
  share: number,
): BenchCase {
  return {
    metric,
    unit: 'MB/s',
    share,
    ...(comparedTo === undefined ? {} : { comparedTo }),
    async sample() {
      const connection = await link.connect()
      const stream = await connection.newStream(SINK)
      const done = new Promise<void>((resolve, reject) => {
        stream.addEventListener('message', () => resolve())
        stream.addEventListener('close', (event) =>
          reject(event.error ?? new Error('the stream closed too early')),
        )
      })
      const startedMs = performance.now()
      await Promise.all([pour(stream), done])
      const seconds = (performance.now() - startedMs) / 1_000
      await link.disconnect(connection)
      return TRANSFER_BYTES / 1e6 / seconds
    },
  }
}

async function pour(stream: Stream): Promise<void> {
  const chunk = new Uint8Array(CHUNK_BYTES).fill(0x5a)
  for (let sent = 0; sent < TRANSFER_BYTES; sent += CHUNK_BYTES) {
    if (stream.send(chunk)) continue
    await new Promise<void>((resolve) => {
      stream.addEventListener('drain', () => resolve(), { once: true })
    })
  }
}

function serveSink(stream: Stream): void {
  let received = 0
  stream.addEventListener('message', (event) => {
    received += event.data.byteLength
    if (received === TRANSFER_BYTES) stream.send(Uint8Array.of(1))
  })
}
