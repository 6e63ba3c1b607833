/**
 * What hops cost: throughput of one flow and a small request, over the direct link, one and two transit nodes, and two
 * plain TCP relays; all ends and nodes are processes of their own.
 *
 *     node tests/bench/multihop.ts -- --n 30 --json FILE
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { type HopProcess, type HopProcesses, startHopProcesses } from '../helpers/hop-processes.ts'
import { type BenchCase, runBench } from './harness.ts'

const TRANSFER_BYTES = 128 * 1024 * 1024
const REQUEST = 'x'.repeat(100)
const REQUESTS = 500
const CHUNK = Buffer.alloc(64 * 1024, 7)
const BYTES_PER_MB = 1e6
const NAMES = ['direct', 'one transit node', 'two transit nodes']

await runBench({ name: 'multihop', defaultN: 30, warmup: 1 }, async () => {
  const chain = await startHopProcesses(4)
  const relays = await startRelays(2)
  return {
    cases: [...NAMES.flatMap((name, hops) => hopCases(chain, name, hops + 1)), ...relayCases(relays)],
    async close() {
      await relays.stop()
      await chain.stop()
    },
  }
})

function hopCases(chain: HopProcesses, name: string, hops: number): readonly BenchCase[] {
  const [near] = chain.nodes
  if (near === undefined) throw new Error('no chain')
  const path = chain.path(hops)
  const direct = hops === 1 ? {} : { comparedTo: 'throughput direct' }
  const directRequest = hops === 1 ? {} : { comparedTo: 'request direct' }
  return [
    {
      metric: `throughput ${name}`,
      unit: 'MB/s',
      ...direct,
      async sample() {
        await near.took({ kind: 'open', path, mode: 'sink' })
        const ms = await near.took({ kind: 'send', bytes: TRANSFER_BYTES })
        return TRANSFER_BYTES / BYTES_PER_MB / (ms / 1_000)
      },
    },
    {
      metric: `CPU ms per GB ${name}`,
      unit: 'ms',
      async sample() {
        await near.took({ kind: 'open', path, mode: 'sink' })
        const before = await cpuMs(chain.nodes)
        await near.took({ kind: 'send', bytes: TRANSFER_BYTES })
        return ((await cpuMs(chain.nodes)) - before) / (TRANSFER_BYTES / 1e9)
      },
    },
    {
      metric: `request ${name}`,
      unit: 'ms',
      ...directRequest,
      async sample() {
        await near.took({ kind: 'open', path, mode: 'echo' })
        return await near.took({ kind: 'echo', text: REQUEST, times: REQUESTS })
      },
    },
  ]
}

async function cpuMs(nodes: readonly HopProcess[]): Promise<number> {
  const usages = await Promise.all(nodes.map((node) => node.usage()))
  return usages.reduce((sum, usage) => sum + usage.cpuMs, 0)
}

interface Relays {
  readonly port: number
  /** Bytes that the far end still expects, and what to call once they are there. */
  expect(bytes: number): Promise<void>
  stop(): Promise<void>
}

/** A sink here, and relays in a row before it. The sink echoes what is no transfer. */
async function startRelays(count: number): Promise<Relays> {
  let left = 0
  let arrived = (): void => undefined
  const server = net.createServer((socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('data', (part) => {
      if (left <= 0) socket.write(part)
      else {
        left -= part.length
        if (left <= 0) arrived()
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  let { port } = server.address() as net.AddressInfo
  const children: ChildProcess[] = []
  for (let index = 0; index < count; index++) {
    const child = fork(fileURLToPath(new URL('relay-program.ts', import.meta.url)), [String(port)])
    children.push(child)
    ;[port] = (await once(child, 'message')) as [number]
  }
  return {
    port,
    expect(bytes) {
      left = bytes
      return new Promise((resolve) => {
        arrived = resolve
      })
    },
    async stop() {
      for (const child of children) child.disconnect()
      await Promise.all(children.map((child) => once(child, 'exit')))
      server.close()
    },
  }
}

function relayCases(relays: Relays): readonly BenchCase[] {
  const connect = async (): Promise<net.Socket> => {
    const socket = net.connect({ port: relays.port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return socket
  }
  return [
    {
      metric: 'throughput two plain TCP relays',
      unit: 'MB/s',
      async sample() {
        const socket = await connect()
        const arrived = relays.expect(TRANSFER_BYTES)
        const begin = performance.now()
        for (let sent = 0; sent < TRANSFER_BYTES; sent += CHUNK.length) {
          if (!socket.write(CHUNK)) await once(socket, 'drain')
        }
        await arrived
        socket.destroy()
        return TRANSFER_BYTES / BYTES_PER_MB / ((performance.now() - begin) / 1_000)
      },
    },
    {
      metric: 'request two plain TCP relays',
      unit: 'ms',
      async sample() {
        const socket = await connect()
        const begin = performance.now()
        for (let index = 0; index < REQUESTS; index++) {
          const answered = once(socket, 'data')
          socket.write(REQUEST)
          await answered
        }
        const ms = (performance.now() - begin) / REQUESTS
        socket.destroy()
        return ms
      },
    },
  ]
}
