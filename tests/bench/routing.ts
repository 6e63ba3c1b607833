/**
 * `npm run bench:routing`: what link-state routing costs. Recomputing for 1,000 nodes and 4,000 links: the topology from
 * all adverts, then the disjoint paths to one target, which is what a change costs a node that talks to one other. And
 * the traffic of a mesh in which nothing happens: adverts and bytes per node and minute, counted by running an hour of
 * the real flood with a clock that is moved by hand.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import type { PeerId } from '../../node-core/domain/ids.ts'
import type { PeerStreams } from '../../node-core/mesh/host/peer-streams.ts'
import type { LinkEvents } from '../../node-core/mesh/links/link-table.ts'
import type { LinkView } from '../../node-core/mesh/links/link-view.ts'
import { disjointPaths } from '../../node-core/mesh/routing/disjoint-paths.ts'
import { createRouting } from '../../node-core/mesh/routing/routing.ts'
import { buildTopology, type NodeLinks } from '../../node-core/mesh/routing/topology.ts'
import { createEmitter } from '../../node-core/platform/emitter.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { createAdvertWorld } from '../helpers/advert-world.ts'
import { createManualClock } from '../helpers/manual-clock.ts'
import { seededRandom } from '../helpers/security-world.ts'
import { type BenchCase, runBench } from './harness.ts'

const NODES = 1_000
const LINKS = 4_000

/** A connected random mesh: a ring, and random links besides. */
function randomMesh(seed: number): NodeLinks[] {
  const random = seededRandom(seed)
  const pick = (): number => Math.floor(random.unit() * NODES)
  const costs = Array.from({ length: NODES }, () => new Map<number, number>())
  const link = (a: number, b: number): boolean => {
    if (a === b || costs[a]?.has(b) === true) return false
    const costUs = 500 + Math.floor(random.unit() * 80_000)
    costs[a]?.set(b, costUs)
    costs[b]?.set(a, costUs)
    return true
  }
  let count = 0
  for (let node = 0; node < NODES; node++) if (link(node, (node + 1) % NODES)) count += 1
  while (count < LINKS) if (link(pick(), pick())) count += 1
  const peer = (node: number): PeerId => `12D3KooW${String(node).padStart(44, 'A')}` as PeerId
  return costs.map((row, node) => ({
    ...{ origin: peer(node), transit: true },
    links: [...row].map(([to, costUs]) => ({ peer: peer(to), costUs })),
  }))
}

function recompute(): BenchCase[] {
  let round = 0
  const adverts = randomMesh(1)
  const others = randomMesh(2)
  /** One node says something else, as after every change in a mesh. */
  const timed = (clockMs: () => number, work: (target: number) => void) => async () => {
    round += 1
    const changed = (round * 37) % NODES
    const [before, after] = [adverts[changed], others[changed]]
    if (before !== undefined && after !== undefined) [adverts[changed], others[changed]] = [after, before]
    const startedMs = clockMs()
    work(1 + ((round * 131) % (NODES - 1)))
    return clockMs() - startedMs
  }
  const one = (target: number): void => void disjointPaths(buildTopology(adverts), 0, target)
  const eight = (target: number): void => {
    const topology = buildTopology(adverts)
    for (let at = 0; at < 8; at++) disjointPaths(topology, 0, 1 + ((target + at * 101) % (NODES - 1)))
  }
  const what = `${NODES} nodes, ${LINKS} links`
  const wallMs = (): number => performance.now()
  return [
    { metric: `recompute, paths to 1 target, ${what}`, unit: 'ms', sample: timed(wallMs, one) },
    { metric: `recompute, paths to 8 targets, ${what}`, unit: 'ms', sample: timed(wallMs, eight) },
    {
      metric: `recompute, CPU time of the thread, 8 targets, ${what}`,
      unit: 'ms',
      sample: timed(threadMs, eight),
    },
  ]
}

/** What the machine is busy with besides does not count. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

interface Idle {
  readonly adverts: number
  readonly bytes: number
}

const IDLE_MINUTES = 60
const DEGREE = 4

/** An hour of a mesh of this size with four links a node, per node and minute. */
async function idle(size: number): Promise<Idle> {
  const world = createAdvertWorld(size)
  const clock = createManualClock()
  const random = seededRandom(size)
  let bytes = 0
  const counted = (stream: Stream): Stream => {
    const send = stream.send.bind(stream)
    stream.send = (data) => {
      bytes += data.byteLength
      return send(data)
    }
    return stream
  }
  const handlers = new Map<number, (stream: Stream, peer: PeerId) => void>()
  const indexOf = new Map(world.nodes.map(({ identity }, index) => [identity.peerId, index]))
  const nodes = world.nodes.map((node, index) => {
    const offsets = [1, 2, size - 1, size - 2]
    const neighbours = [...new Set(offsets.map((offset) => (index + offset) % size))].slice(0, DEGREE)
    const streams: PeerStreams = {
      peers: () => neighbours.map((at) => world.peer(at)),
      onConnect: () => () => {},
      onDisconnect: () => () => {},
      async open(peer) {
        const [near, far] = await streamPair()
        handlers.get(indexOf.get(peer) ?? -1)?.(far, world.peer(index))
        return counted(near)
      },
      async handle(_protocol, handler) {
        handlers.set(index, handler)
      },
      async unhandle() {},
    }
    const views = neighbours.map(
      (at): LinkView => ({
        ...{ peer: world.peer(at), state: 'up', rttMs: 10, sinceMs: 0, seenMs: 0, jitterMs: 0 },
        ...{ lossEstimate: 0, loss: undefined, clockOffsetMs: 0, suite: '/x0t/noise-hfs/1/aesgcm' },
        ...{ direction: 'outbound', address: '' },
      }),
    )
    const events = createEmitter<LinkEvents>((error) => {
      throw error
    })
    const meta = new Map<string, string>()
    return createRouting({
      ...{ clock, random, streams, logger: silentLogger, membership: world.membership(index) },
      links: { links: () => views, events },
      key: node.identity.key,
      store: { get: (key) => meta.get(key), set: (key, value) => void meta.set(key, value) },
    })
  })
  const settle = async (): Promise<void> => {
    let before = -1
    for (let still = 0; still < 20; still = bytes === before ? still + 1 : 0) {
      before = bytes
      await turn()
    }
  }
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 1_000) {
      clock.advance(1_000)
      await settle()
    }
  }
  // Served by all before the first one speaks.
  await Promise.all(nodes.map((node) => node.start()))
  await pass(5 * 60_000)
  const kept = (): number => nodes.reduce((sum, node) => sum + node.counters().kept, 0)
  const [bytesBefore, keptBefore] = [bytes, kept()]
  await pass(IDLE_MINUTES * 60_000)
  const perNodeMinute = size * IDLE_MINUTES
  const result = {
    adverts: (kept() - keptBefore) / perNodeMinute,
    bytes: (bytes - bytesBefore) / perNodeMinute,
  }
  for (const node of nodes) await node.stop()
  return result
}

async function idleCases(wanted: (metric: string) => boolean): Promise<BenchCase[]> {
  const cases: BenchCase[] = []
  for (const size of [10, 20, 40]) {
    const links = (size * DEGREE) / 2
    const metric = `idle traffic per node and minute, ${size} nodes, ${links} links`
    if (!wanted(metric)) continue
    // The clock is moved by hand and chance has a seed: an hour is the same however often it is run.
    const { adverts, bytes } = await idle(size)
    cases.push({ metric, unit: 'bytes', share: 1 / 30, sample: async () => bytes })
    process.stderr.write(`${metric}: ${bytes.toFixed(0)} bytes sent, ${adverts.toFixed(2)} adverts kept\n`)
  }
  return cases
}

await runBench({ name: 'routing', defaultN: 60, warmup: 5 }, async (wanted) => ({
  cases: [...recompute(), ...(await idleCases(wanted))],
  close: async () => {},
}))
