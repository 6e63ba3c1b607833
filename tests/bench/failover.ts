/**
 * npm run bench:failover
 *
 * A ring of six real nodes whose links run through impairment proxies, and a client at one side that talks to a server
 * at the other side through a `forward`: what it sees when the path in use breaks. The client is outside of the product
 * and compares every byte. `ms` is the longest time without an answer (requests every 20 ms, so 20 is the least) or
 * without a byte (bulk); `lost` counts what was lost, repeated, out of order or never answered, and a connection of the
 * client that broke. A run that could not begin counts as one in which all was lost.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { NodeName } from '../../node-core/domain/ids.ts'
import { createGapMeter } from '../../node-core/lab/invariants/gap-meter.ts'
import { probeThroughMesh, transferThroughMesh } from '../../node-core/lab/invariants/through-mesh.ts'
import type { Violation } from '../../node-core/lab/invariants/violation.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import type { TopologyLink } from '../../node-core/lab/topology.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { messageOf } from '../../node-core/platform/error.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { keepLogs } from '../helpers/lab.ts'
import { waitFor } from '../helpers/x0t.ts'
import { FAR, NEAR, type Scene, type Side, startScene } from './failover-scene.ts'
import { type BenchCase, runBench } from './harness.ts'
import { startNewFlows } from './new-flows.ts'

const DEPS = { clock: systemClock, random: systemRandom }

/** A session has its standby by then. */
const SETTLE_MS = 1_000
/** So that faults and heartbeats do not fall together in the same way each time. */
const SPREAD_MS = 200
/** After the fault; the gap may be longer, and is waited for. */
const WATCH_MS = 1_500
/** What has not come by then is lost, and the gap is as long as this. */
const GIVE_UP_MS = 35_000
const BULK_BYTES = 64 * 1024 * 1024
const BREAK_AFTER_BYTES = 12 * 1024 * 1024
const SPREAD_BYTES = 8 * 1024 * 1024

interface Fault {
  readonly name: string
  apply(lab: Lab, side: Side): Promise<void>
}

const pick = <T>(items: readonly T[]): T => {
  const item = items[randomInt(items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

const onLink = (name: string, apply: (lab: Lab, link: TopologyLink) => Promise<void>): Fault => ({
  name,
  apply: (lab, side) => apply(lab, pick(side.links)),
})
const onTransit = (name: string, apply: (lab: Lab, node: NodeName) => Promise<void>): Fault => ({
  name,
  apply: (lab, side) => apply(lab, pick(side.transits)),
})

/** Somewhere on the path in use: which link or node of it is left to chance. */
const FAULTS: readonly Fault[] = [
  onLink('link reset', (lab, { a, b }) => lab.impair(a, b, { kind: 'cut' })),
  onLink('black hole both ways', (lab, { a, b }) => lab.impair(a, b, { kind: 'blackhole' })),
  onLink('black hole one way', (lab, { a, b }) =>
    randomInt(2) === 0 ? lab.impair(a, b, { kind: 'oneway' }) : lab.impair(b, a, { kind: 'oneway' }),
  ),
  onTransit('transit node SIGKILL', (lab, node) => lab.act(node, 'kill')),
  onTransit('transit node SIGSTOP', (lab, node) => lab.act(node, 'stop')),
]

interface Outcome {
  readonly gapMs: number
  readonly lost: number
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** Violations that say more than that it took long. */
const losses = (violations: readonly Violation[]): number =>
  violations.filter(({ kind }) => kind !== 'too-slow').length

async function requests(scene: Scene, fault: Fault): Promise<Outcome> {
  const { lab } = scene
  const probe = await probeThroughMesh(DEPS, lab, NEAR, FAR)
  try {
    await delay(SETTLE_MS + randomInt(SPREAD_MS))
    const side = await scene.look()
    const atMs = systemClock.monotonicMs()
    await fault.apply(lab, side)
    await delay(WATCH_MS)
    const { violations } = await probe.finish(GIVE_UP_MS)
    if (violations.length > 0) say(`${fault.name}, requests: ${describe(violations)}`)
    const gapMs = isBroken(violations) ? GIVE_UP_MS : probe.longestGapMs(atMs)
    return { gapMs, lost: losses(violations) + Math.max(0, probe.accepted() - 1) }
  } finally {
    await probe.close()
  }
}

const isBroken = (violations: readonly Violation[]): boolean =>
  violations.some(({ kind }) => kind === 'connection-lost' || kind === 'unanswered')

const describe = (violations: readonly Violation[]): string =>
  violations.map(({ kind, detail }) => `${kind}: ${detail}`).join('; ')

async function bulk(scene: Scene, fault: Fault): Promise<Outcome> {
  const before = await scene.traffic()
  const gaps = createGapMeter(() => systemClock.monotonicMs())
  const breakAt = BREAK_AFTER_BYTES + randomInt(SPREAD_BYTES)
  let broken: Promise<number> | undefined
  const breakIt = async (): Promise<number> => {
    const side = await scene.sideInUse(before)
    const atMs = systemClock.monotonicMs()
    await fault.apply(scene.lab, side)
    return atMs
  }
  const { violations } = await transferThroughMesh(DEPS, scene.lab, NEAR, FAR, {
    ...{ sizeBytes: BULK_BYTES, seed: randomInt(2 ** 31), signal: AbortSignal.timeout(GIVE_UP_MS) },
    onProgress(received) {
      gaps.mark()
      if (received >= breakAt) broken ??= breakIt()
    },
  })
  if (violations.length > 0) say(`${fault.name}, bulk: ${describe(violations)}`)
  if (broken === undefined) throw new Error('the transfer did not get as far as the fault')
  const atMs = await broken
  return {
    gapMs: isBroken(violations) ? GIVE_UP_MS : gaps.longestMs({ sinceMs: atMs }),
    lost: losses(violations),
  }
}

const NEW_FLOWS_BEFORE = 25

async function providerDies({ lab, either }: Scene): Promise<Outcome> {
  const before = either.accepted()
  const flows = startNewFlows(either.port)
  try {
    await waitFor('the first new flows', () => flows.answered >= NEW_FLOWS_BEFORE)
    await delay(randomInt(SPREAD_MS))
    const served = [...either.accepted()].map(([node, count]) => ({
      node,
      count: count - (before.get(node) ?? 0),
    }))
    const [busiest] = served.toSorted((one, other) => other.count - one.count)
    if (busiest === undefined) throw new Error('nobody provides the service')
    const sinceMs = performance.now()
    await lab.act(busiest.node, 'kill')
    await delay(WATCH_MS)
    const { longestGapMs, lost } = await flows.finish(sinceMs, GIVE_UP_MS)
    return { gapMs: longestGapMs, lost }
  } finally {
    await flows.finish(Number.POSITIVE_INFINITY, 0)
  }
}

const logsOf = async (scene: Scene | undefined): Promise<string> =>
  scene === undefined ? '' : `; the logs of its nodes are in ${await keepLogs(scene.lab)}`

await runBench({ name: 'failover', defaultN: 30, warmup: 0 }, async () => {
  let scene: Scene | undefined
  const told = new Set<string>()
  /** What must hold whatever breaks, and did not: it counts as lost with the run in which it is seen first. */
  const newViolations = (): number => {
    const news = scene?.violations().filter((violation) => !told.has(violation)) ?? []
    for (const violation of news) {
      told.add(violation)
      say(`violated: ${violation}`)
    }
    return news.length
  }
  const stop = async (): Promise<void> => {
    const old = scene
    scene = undefined
    await old?.stop()
  }
  /** One run on a ring that is whole. A ring that does not get whole again is replaced. */
  const attempt = async (name: string, run: (scene: Scene) => Promise<Outcome>): Promise<number[]> => {
    try {
      if (scene !== undefined) {
        await scene.mend().catch(async (error: unknown) => {
          say(`the ring did not mend and is replaced: ${messageOf(error)}${await logsOf(scene)}`)
          await stop()
        })
      }
      scene ??= await startScene()
      const { gapMs, lost } = await run(scene)
      return [gapMs, lost + newViolations()]
    } catch (error) {
      say(`${name} did not begin: ${messageOf(error)}${await logsOf(scene)}`)
      await stop()
      return [GIVE_UP_MS, 1]
    }
  }
  const caseOf = (name: string, run: (scene: Scene) => Promise<Outcome>): BenchCase => ({
    ...{ metric: `${name}, longest gap`, unit: 'ms' },
    further: [{ metric: name, unit: 'lost' }],
    sample: () => attempt(name, run),
  })
  return {
    cases: [
      ...FAULTS.flatMap((fault) => [
        caseOf(`${fault.name}, requests`, (ring) => requests(ring, fault)),
        caseOf(`${fault.name}, bulk`, (ring) => bulk(ring, fault)),
      ]),
      caseOf('provider SIGKILL, new flows', providerDies),
    ],
    close: stop,
  }
})
