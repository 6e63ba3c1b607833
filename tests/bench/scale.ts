/**
 * npm run bench:scale
 *
 * Many real nodes on this machine, without proxies, from homes that exist: how long until they are a mesh, and what it
 * costs to be one. Every clock starts when the first process is spawned. The ring of six is ready when a request of one
 * side is answered at the other; the larger meshes, random graphs with four links at each node (no two nodes more than
 * eight hops apart), when every node knows a way to every other. `--n` is the number of cold starts of the small ones.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { serviceNameSchema } from '../../node-core/contract/schemas.ts'
import type { NodeName } from '../../node-core/domain/ids.ts'
import { chance } from '../../node-core/lab/impairment/seeded.ts'
import { startEchoTarget } from '../../node-core/lab/invariants/targets.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { parseNetworkGraph } from '../../node-core/lab/topology.ts'
import { makeLab, nodeName } from '../helpers/lab.ts'
import { waitFor } from '../helpers/x0t.ts'
import { type BenchCase, quantile, runBench } from './harness.ts'
import { proportionalMb, residentMb } from './process-usage.ts'
import { bytesSentOf } from './socket-bytes.ts'

/** Share of the rounds in which a mesh of this size is started, and left idle. */
const SIZES = [
  { count: 10, startShare: 1, idleShare: 0.1 },
  { count: 50, startShare: 1 / 3, idleShare: 0.1 },
  { count: 100, startShare: 0.1, idleShare: 0.1 },
  { count: 200, startShare: 0.1, idleShare: 0.1 },
] as const
/** What a node takes of the machine: 97 MB resident, of which all share the 40 of the program, and what it needs to start. */
const NODE_MB = 80
/** Of the memory that is there when it begins. With more the system begins to drop what it runs, and stalls for minutes. */
const MEMORY_SHARE = 0.6

const READY_LIMIT_MS = 600_000
const REQUEST_LIMIT_MS = 60_000
const RETRY_MS = 2
const POLL_MS = 100
/** Nodes that are asked at a time: asking takes time from those that are busy starting. */
const PARALLEL_ASKS = 4
/** A mesh that has just formed still exchanges what it knows. */
const SETTLE_MS = 30_000
const IDLE_MS = 60_000
const ADVERT_POLL_MS = 1_000
const GRAPH_SEED = 1

/** How many nodes the memory of this machine carries, as it is now. */
function nodesThatFit(): number {
  const available = /MemAvailable:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]
  return Math.floor(((Number(available) / 1_024) * MEMORY_SHARE) / NODE_MB)
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Two random rings through all nodes: connected, with three or four links at each. */
function twoRings(count: number) {
  const ring = Array.from({ length: count }, (_, index) => index)
  const other = ring.toSorted((a, b) => chance(GRAPH_SEED, a) - chance(GRAPH_SEED, b))
  const around = (order: readonly number[]) =>
    order.map((at, index) => ({ source: `n${at + 1}`, target: `n${(order[(index + 1) % count] ?? 0) + 1}` }))
  return parseNetworkGraph(
    JSON.stringify({
      type: 'NetworkGraph',
      label: `${count} nodes`,
      nodes: ring.map((index) => ({ id: `n${index + 1}` })),
      links: [...around(ring), ...around(other)],
    }),
  )
}

/** Resolves when every node knows a way to every other. Each is asked until it does, and not again. */
async function allRoute(lab: Lab): Promise<void> {
  const waiting = [...lab.topology.nodes]
  const others = waiting.length - 1
  const deadlineMs = performance.now() + READY_LIMIT_MS
  const worker = async (): Promise<void> => {
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
      if (performance.now() > deadlineMs)
        throw new Error(`${node} has not all routes in ${READY_LIMIT_MS} ms`)
      if (await knowsAll(lab, node, others)) continue
      waiting.push(node)
      await delay(POLL_MS)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_ASKS }, worker))
}

async function knowsAll(lab: Lab, node: NodeName, others: number): Promise<boolean> {
  // It has no socket before it is up.
  if (lab.pid(node) === undefined) return false
  try {
    const { items } = await lab.client(node).routes.list({ node: null })
    return items.filter(({ paths }) => paths.length > 0).length === others
  } catch {
    return false
  }
}

/** Stops a mesh that runs, starts it again, and says how long it took until `ready`, in seconds. */
async function coldStart(lab: Lab, ready: () => Promise<void>): Promise<number> {
  await lab.halt()
  const startedMs = performance.now()
  await Promise.all([lab.up(), ready()])
  return (performance.now() - startedMs) / 1_000
}

const ECHO = serviceNameSchema.parse('echo')

async function ringCase(lab: Lab): Promise<{ bench: BenchCase; close(): Promise<void> }> {
  const [near, far] = [nodeName('n1'), nodeName('n4')]
  const target = await startEchoTarget()
  await lab.up()
  await lab.client(far).services.expose({ name: ECHO, target: target.target, check: null })
  const api = lab.client(near)
  await waitFor('the service', async () => {
    const { items } = await api.services.list()
    return items.some(({ name, state }) => name === ECHO && state === 'healthy')
  })
  const { forward } = await api.forwards.add({ port: 0, service: ECHO, node: far })
  const answered = async (): Promise<void> => {
    const deadlineMs = performance.now() + REQUEST_LIMIT_MS
    while (!(await isAnswered(forward.port))) {
      if (performance.now() > deadlineMs) throw new Error(`no answer in ${REQUEST_LIMIT_MS} ms`)
      await delay(RETRY_MS)
    }
  }
  return {
    bench: {
      ...{ metric: 'ring of six, cold start to first request across', unit: 's' },
      sample: () => coldStart(lab, answered),
    },
    close: () => target.close(),
  }
}

const isAnswered = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    socket.setTimeout(REQUEST_LIMIT_MS, () => socket.destroy())
    socket.on('connect', () => socket.write('?'))
    socket.on('data', () => {
      resolve(true)
      socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(false))
  })

/** How often each other node's advert was replaced by a newer one, as the first node sees it. */
async function countAdverts(lab: Lab, forMs: number): Promise<number> {
  const api = lab.client(lab.topology.nodes[0])
  const ages = new Map<string, number>()
  let renewed = 0
  const deadlineMs = performance.now() + forMs
  while (performance.now() < deadlineMs) {
    const { items } = await api.routes.list({ node: null })
    for (const { peer, advertMs } of items) {
      if (advertMs === null) continue
      if (advertMs < (ages.get(peer) ?? 0)) renewed += 1
      ages.set(peer, advertMs)
    }
    await delay(ADVERT_POLL_MS)
  }
  return renewed
}

function idleCase(name: string, lab: Lab, running: (lab: Lab) => Promise<void>): BenchCase {
  const { nodes, links } = lab.topology
  return {
    ...{ metric: `${name}, idle, sent per node and minute`, unit: 'bytes' },
    further: [
      { metric: `${name}, idle, sent per link and minute`, unit: 'bytes' },
      { metric: `${name}, idle, adverts per node and minute`, unit: 'count' },
      { metric: `${name}, resident memory, median node`, unit: 'MB' },
      { metric: `${name}, resident memory, largest node`, unit: 'MB' },
      { metric: `${name}, memory with shared pages shared out, median node`, unit: 'MB' },
    ],
    async sample() {
      await running(lab)
      await lab.up()
      await allRoute(lab)
      await delay(SETTLE_MS)
      const ports = new Set(nodes.map((node) => lab.port(node)))
      const before = bytesSentOf(ports)
      const adverts = await countAdverts(lab, IDLE_MS)
      const after = bytesSentOf(ports)
      const bytes = before === undefined || after === undefined ? Number.NaN : after - before
      const minutes = IDLE_MS / 60_000
      const pids = nodes.flatMap((node) => lab.pid(node) ?? [])
      const resident = pids.map(residentMb)
      return [
        bytes / nodes.length / minutes,
        bytes / links.length / minutes,
        adverts / (nodes.length - 1) / minutes,
        quantile(resident, 0.5),
        Math.max(...resident),
        quantile(pids.map(proportionalMb), 0.5),
      ]
    },
  }
}

await runBench({ name: 'scale', defaultN: 30, warmup: 0 }, async (wanted) => {
  const labs: Lab[] = []
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const stop of closers.toReversed()) await stop()
  }
  /** One mesh runs at a time: they would measure each other. */
  const alone = async (lab: Lab): Promise<void> => {
    for (const other of labs) if (other !== lab) await other.halt()
  }
  const make = async (topology: Parameters<typeof makeLab>[0], name: string): Promise<Lab> => {
    say(`making the homes of ${name}`)
    const lab = await makeLab(topology, { proxied: false })
    closers.push(() => lab.stop())
    await lab.prepare()
    labs.push(lab)
    return lab
  }
  try {
    const cases: BenchCase[] = []
    if (wanted('ring of six')) {
      const lab = await make('ring:6', 'a ring of six')
      const { bench, close: closeTarget } = await ringCase(lab)
      closers.push(closeTarget)
      cases.push({
        ...bench,
        async sample() {
          await alone(lab)
          return bench.sample()
        },
      })
    }
    const fit = nodesThatFit()
    const notes: string[] = []
    for (const { count, startShare, idleShare } of SIZES) {
      const name = `${count} nodes`
      const start = `${name}, cold start until every node routes to every other`
      if (![name, start, `${name}, idle`, `${name}, resident memory`].some(wanted)) continue
      if (count > fit) {
        notes.push(
          `${name} were not run: at ${NODE_MB} MB each, ${MEMORY_SHARE * 100} % of the free memory carry ${fit}.`,
        )
        continue
      }
      const lab = await make(twoRings(count), name)
      cases.push(
        {
          ...{ metric: start, unit: 's', share: startShare },
          async sample() {
            await alone(lab)
            return coldStart(lab, () => allRoute(lab))
          },
        },
        { ...idleCase(name, lab, alone), share: idleShare },
      )
    }
    return { cases, notes, close }
  } catch (error) {
    await close()
    throw error
  }
})
