/**
 * npm run bench:throughput
 *
 * What a member gets through the mesh when nothing is broken: real nodes in a chain, each a process, without proxies;
 * beside them, in the same run and interleaved, raw TCP alone and through plain relays, stock libp2p, and our own layers
 * one by one. Source and client are processes of their own. MB are 10^6 bytes, and CPU time is that of all processes
 * that a transfer goes through, its source and its client among them.
 */

import { serviceNameSchema } from '../../node-core/contract/schemas.ts'
import type { NodeName } from '../../node-core/domain/ids.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { makeLab, nodeName } from '../helpers/lab.ts'
import { waitFor } from '../helpers/x0t.ts'
import { type BenchProcess, startProcess } from './child.ts'
import { type BenchCase, quantile, runBench } from './harness.ts'
import { LOAD_PROGRAM, type LoadCommands } from './load-program.ts'
import { cpuMsOf } from './process-usage.ts'
import { STREAM_PROGRAM, type StreamCommands, type StreamKind } from './stream-program.ts'

type Load = BenchProcess<LoadCommands>

const TRANSFER_BYTES = 256 * 1024 * 1024
const REQUESTS = 1_000
const REQUEST_BYTES = 64
const SERVICE = serviceNameSchema.parse('bench')
/** Nodes on the way besides the two ends. */
const TRANSITS = [0, 1, 2] as const
const NODES = ['n1', 'n2', 'n3', 'n4'].map(nodeName)
/** As the command line starts nodes (node-core/cli/entries/entry-process.ts). */
const ENGINE_OPTIONS = ['--max-semi-space-size=2']
const MESH_LAYERS = ['hybrid', 'flow', 'session'] as const
const LAYER_NAMES: Record<StreamKind, string> = {
  stock: 'stock libp2p, one stream',
  hybrid: 'bare hybrid connection, one stream',
  flow: 'bare flow',
  session: 'session stream',
}
const wayName = (transits: number): string =>
  transits === 0 ? 'forward, direct' : `forward, ${transits} transit ${transits === 1 ? 'node' : 'nodes'}`

/** Somewhere to fetch bytes from, and the processes that they go through. */
interface Way {
  readonly port: number
  readonly pids: readonly number[]
}

function transferCase(
  metric: string,
  comparedTo: string | undefined,
  pids: readonly number[],
  transfer: () => Promise<{ readonly seconds: number }>,
): BenchCase {
  return {
    ...{ metric, unit: 'MB/s' },
    ...(comparedTo === undefined ? {} : { comparedTo }),
    further: [{ metric: `${metric}, CPU`, unit: 's/GB' }],
    async sample() {
      const before = cpuMsOf(pids)
      const { seconds } = await transfer()
      const cpuSeconds = (cpuMsOf(pids) - before) / 1_000
      return [TRANSFER_BYTES / 1e6 / seconds, cpuSeconds / (TRANSFER_BYTES / 1e9)]
    },
  }
}

async function startRelays(source: Way, count: number, started: Load[]): Promise<Way> {
  let way = source
  for (let index = 0; index < count; index++) {
    const relay = startProcess<LoadCommands>(LOAD_PROGRAM)
    started.push(relay)
    const { port } = await relay.ask('relay', { to: way.port })
    way = { port, pids: [...way.pids, relay.pid] }
  }
  return way
}

async function layerCases(kind: StreamKind, closers: (() => Promise<void>)[]): Promise<BenchCase> {
  const options = kind === 'stock' ? [] : ENGINE_OPTIONS
  const [source, client] = [
    startProcess<StreamCommands>(STREAM_PROGRAM, options),
    startProcess<StreamCommands>(STREAM_PROGRAM, options),
  ]
  closers.push(client.stop, source.stop)
  const { addresses, peer } = await source.ask('listen', { kind })
  await client.ask('connect', { kind, addresses, peer })
  const comparedTo = kind === 'session' || kind === 'flow' ? LAYER_NAMES.hybrid : undefined
  return transferCase(LAYER_NAMES[kind], comparedTo, [source.pid, client.pid], () =>
    client.ask('download', { bytes: TRANSFER_BYTES }),
  )
}

/** A forward of the first node to the service at the node behind so many transit nodes. */
async function openForward(lab: Lab, source: Way, transits: number): Promise<Way> {
  const [near, ...others] = NODES
  const far = others[transits]
  if (near === undefined || far === undefined) throw new RangeError('the chain is too short')
  await lab.client(far).services.expose({ name: SERVICE, target: `127.0.0.1:${source.port}`, check: null })
  const api = lab.client(near)
  await waitFor(`a way to ${far}`, async () => {
    const { items } = await api.services.list()
    return items.some(({ name, node, state }) => name === SERVICE && node === far && state === 'healthy')
  })
  await checkHops(lab, near, far, transits)
  const { forward } = await api.forwards.add({ port: 0, service: SERVICE, node: far })
  const nodes = [near, ...others.slice(0, transits + 1)].map((name) => lab.pid(name) ?? 0)
  return { port: forward.port, pids: [...source.pids, ...nodes] }
}

/** What is measured has to be what its name says. */
async function checkHops(lab: Lab, from: NodeName, to: NodeName, transits: number): Promise<void> {
  const { items } = await lab.client(from).routes.list({ node: to })
  const via = items[0]?.paths[0]?.viaNames
  if (via?.length !== transits) throw new Error(`the way to ${to} leads over ${via?.join(', ') || 'nobody'}`)
}

function requestCase(ways: ReadonlyMap<string, Way>, client: Load): BenchCase {
  const names = [...ways.keys()]
  const [first = '', ...more] = names.flatMap((name) => [`request, ${name}, p50`, `request, ${name}, p99`])
  const perHop = ['request, added per transit node, p50', 'request, added per transit node, p99']
  return {
    ...{ metric: first, unit: 'us' },
    further: [...more, ...perHop].map((metric) => ({ metric, unit: 'us' })),
    async sample() {
      const found = new Map<string, readonly [number, number]>()
      for (const [name, { port }] of ways) {
        const { roundTripsUs } = await client.ask('echo', { port, count: REQUESTS, bytes: REQUEST_BYTES })
        found.set(name, [quantile(roundTripsUs, 0.5), quantile(roundTripsUs, 0.99)])
      }
      const added = ([0, 1] as const).map((at) => {
        const [direct, far] = [found.get(wayName(0))?.[at], found.get(wayName(2))?.[at]]
        return direct === undefined || far === undefined ? Number.NaN : (far - direct) / 2
      })
      return [...names.flatMap((name) => found.get(name) ?? []), ...added]
    },
  }
}

await runBench({ name: 'throughput', defaultN: 30, warmup: 2 }, async (wanted) => {
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const stop of closers.toReversed()) await stop()
  }
  try {
    const cases: BenchCase[] = []
    const [origin, client] = [
      startProcess<LoadCommands>(LOAD_PROGRAM),
      startProcess<LoadCommands>(LOAD_PROGRAM),
    ]
    closers.push(origin.stop, client.stop)
    const { port } = await origin.ask('source', {})
    const source: Way = { port, pids: [origin.pid, client.pid] }
    const fetched = (metric: string, way: Way, flows: number, comparedTo?: string): BenchCase =>
      transferCase(metric, comparedTo, way.pids, () =>
        client.ask('download', { port: way.port, flows, bytes: TRANSFER_BYTES }),
      )

    const relays: Load[] = []
    closers.push(async () => void (await Promise.all(relays.map((relay) => relay.stop()))))
    const ways = new Map([['raw TCP', source]])
    cases.push(fetched('raw TCP', source, 1), fetched('raw TCP, 8 flows', source, 8))
    for (const transits of TRANSITS) {
      const name = `raw TCP, ${transits + 2} plain relays`
      if (!wanted(name)) continue
      cases.push(fetched(name, await startRelays(source, transits + 2, relays), 1))
    }
    for (const kind of ['stock', ...MESH_LAYERS] as const) {
      if (wanted(LAYER_NAMES[kind])) cases.push(await layerCases(kind, closers))
    }
    if (
      ['forward', 'request'].some((part) => wanted(part)) ||
      TRANSITS.some((count) => wanted(wayName(count)))
    ) {
      const lab = await makeLab('chain:4', { proxied: false })
      closers.push(() => lab.stop())
      await lab.start()
      await lab.linked()
      for (const transits of TRANSITS) {
        const way = await openForward(lab, source, transits)
        const name = wayName(transits)
        ways.set(name, way)
        const relay = `raw TCP, ${transits + 2} plain relays`
        cases.push(fetched(name, way, 1, relay), fetched(`${name}, 8 flows`, way, 8))
      }
      cases.push(requestCase(ways, client))
    }
    return { cases, close }
  } catch (error) {
    await close()
    throw error
  }
})
