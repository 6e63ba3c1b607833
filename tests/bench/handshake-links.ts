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
  /** Before each connection that is measured. @throws Error when the last one was not of the kind it should be. */
  prepare(): void
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
    prepare: preparation(kind, members),
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

/**
 * A first admission finds no ticket, a re-admission finds the one of the connection before. Both count what the
 * admissions themselves say that they were: a figure of one can never be shown as the other's.
 */
function preparation({ name, admission }: Kind, members: Members): () => void {
  const ends = [members.dialler, members.listener]
  const counted = (): number[] =>
    ends.flatMap(({ membership }) => {
      const { admitted = 0, readmitted = 0 } = membership.counters()
      return [admitted, readmitted]
    })
  let before: readonly number[] | undefined
  return () => {
    if (admission === undefined) return
    const now = counted()
    const added = before === undefined ? undefined : now.map((count, at) => count - (before?.[at] ?? 0))
    const expected = admission === 'first' ? '1,0,1,0' : '0,1,0,1'
    // The first connection of all has no ticket in either kind; it belongs to the warm-up.
    const isFirst = now.reduce((sum, count) => sum + count, 0) <= 2
    if (added !== undefined && !isFirst && added.join() !== expected) {
      throw new Error(`${name}: admitted and readmitted ${added.join()} instead of ${expected}`)
    }
    before = now
    if (admission === 'again') return
    members.dialler.tickets.forget(members.listener.identity.peerId)
    members.listener.tickets.forget(members.dialler.identity.peerId)
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
      link.prepare()
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
