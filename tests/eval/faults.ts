import { setTimeout as delay } from 'node:timers/promises'
import type { IncidentItem } from '../../node-core/contract/incidents-schemas.ts'
import type { NodeName } from '../../node-core/domain/ids.ts'
import { probeThroughMesh } from '../../node-core/lab/invariants/through-mesh.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { type BenchCase, quantile, runBench } from '../bench/harness.ts'
import { makeLab, nodeName } from '../helpers/lab.ts'
import { waitFor } from '../helpers/x0t.ts'
import { detectOnStage, STAGE_ROWS } from './detect-stages.ts'
import type { HealRow } from './heal/rows.ts'

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'].map(nodeName)
/** The requests flow between these two; nobody breaks either of them. */
const FROM = nodeName('n1')
const TO = nodeName('n4')

/** Where a fault is made. Places take turns, or the faults of one link would add up to a restless link. */
interface Place {
  readonly near: NodeName
  readonly victim: NodeName
  /** The other neighbour of the victim. */
  readonly beyond: NodeName
  /** Cut together with the link from `near` to `victim`, it parts the ring in halves. */
  readonly across: readonly [NodeName, NodeName]
}
const place = (near: string, victim: string, beyond: string, across: readonly [string, string]): Place => ({
  ...{ near: nodeName(near), victim: nodeName(victim), beyond: nodeName(beyond) },
  across: [nodeName(across[0]), nodeName(across[1])],
})
const PLACES: readonly [Place, ...Place[]] = [
  place('n1', 'n2', 'n3', ['n4', 'n5']),
  place('n4', 'n5', 'n6', ['n1', 'n2']),
  place('n4', 'n3', 'n2', ['n1', 'n6']),
  place('n1', 'n6', 'n5', ['n4', 'n3']),
]
/** A fault that is not seen by then counts as missed. */
const SEEN_MS = 15_000
const POLL_MS = 50
const CALM_LIMIT_MS = 60_000
const SETTLE_MS = 2_000

interface Row {
  readonly name: string
  /** The root that has to be named; any of them where the list of faults allows several. */
  readonly codes: readonly string[]
  /** What is true besides while it is being made: each cut of a flapping link is one. */
  readonly also?: readonly string[]
  /** Whether the victim knows it, and not its neighbour. */
  readonly own?: true
  inject(lab: Lab, at: Place): Promise<unknown>
  /** What takes it back besides healing the links. */
  mend?(lab: Lab, at: Place): Promise<unknown>
}

async function flap(lab: Lab, { near, victim }: Place): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await lab.impair(near, victim, { kind: 'cut' })
    await delay(1_500)
    await lab.heal(near, victim)
    await delay(1_500)
  }
}

const onLink = (name: string, codes: readonly string[], impairment: Parameters<Lab['impair']>[2]): Row => ({
  ...{ name, codes },
  inject: (lab, { near, victim }) => lab.impair(near, victim, impairment),
})

const ROWS: readonly Row[] = [
  {
    ...{ name: 'crash', codes: ['node-down'], inject: (lab, { victim }) => lab.act(victim, 'kill') },
    mend: (lab, { victim }) => lab.act(victim, 'restart'),
  },
  {
    ...{ name: 'hang', codes: ['node-down'], inject: (lab, { victim }) => lab.act(victim, 'stop') },
    mend: (lab, { victim }) => lab.act(victim, 'cont'),
  },
  onLink('cut', ['link-down'], { kind: 'cut' }),
  onLink('black hole', ['link-down'], { kind: 'blackhole' }),
  onLink('one way', ['link-one-way'], { kind: 'oneway' }),
  onLink('loss', ['link-lossy', 'link-slow'], { kind: 'loss', rate: 0.25 }),
  onLink('delay', ['link-slow'], { kind: 'delay', ms: 250, jitterMs: 20 }),
  { name: 'flap', codes: ['link-flapping'], also: ['link-down'], inject: flap },
  {
    ...{ name: 'own uplink', codes: ['uplink-down'], own: true },
    inject: (lab, { near, victim, beyond }) =>
      Promise.all([lab.impair(near, victim, { kind: 'cut' }), lab.impair(victim, beyond, { kind: 'cut' })]),
  },
  {
    ...{ name: 'partition', codes: ['mesh-partition'] },
    inject: (lab, { near, victim, across: [a, b] }) =>
      Promise.all([lab.impair(near, victim, { kind: 'cut' }), lab.impair(a, b, { kind: 'cut' })]),
  },
]

const CONNECTIVITY: readonly string[] = [
  'crash',
  'hang',
  'cut',
  'black hole',
  'one way',
  'own uplink',
  'partition',
]

const listAt = async (lab: Lab, node: NodeName, open: true | null): Promise<readonly IncidentItem[]> => {
  try {
    return (await lab.client(node).incidents.list({ open, limit: 100 })).items
  } catch {
    return []
  }
}

/** Explained by another one after all: it is no claim any more, and had no delivery of its own. */
const isAbsorbed = ({ state, resolvedAt }: IncidentItem): boolean =>
  state === 'resolved' && resolvedAt === null

/** What says nothing of connectivity is about this busy machine and not about the mesh of the lab. */
const counts = (incident: IncidentItem): boolean => {
  const { impactsConnectivity, code, severity } = incident
  return !isAbsorbed(incident) && impactsConnectivity && code !== 'node-overloaded' && severity !== 'info'
}

async function calm(lab: Lab): Promise<void> {
  await lab.heal()
  await lab.linked(CALM_LIMIT_MS)
  const isCalm = async (): Promise<boolean> => {
    const all = await Promise.all(NODES.map((node) => listAt(lab, node, true)))
    return all.flat().filter(counts).length === 0
  }
  await waitFor('all incidents to be over', isCalm, CALM_LIMIT_MS)
  await delay(SETTLE_MS)
}

/** [found: 1 or 0, time to detect in ms or NaN, roots named besides the right one] */
async function replay(lab: Lab, row: Row, at: Place): Promise<[number, number, number]> {
  await calm(lab)
  const began = Date.now()
  const witness = row.own === true ? at.victim : at.near
  const injecting = row.inject(lab, at)
  try {
    let found: IncidentItem | undefined
    // Those that are over count as well: many a fault is healed before anybody asks.
    const since = async (): Promise<readonly IncidentItem[]> =>
      (await listAt(lab, witness, null)).filter(({ openedAt }) => openedAt >= began)
    while (found === undefined && Date.now() - began < SEEN_MS) {
      found = (await since()).find(({ code }) => row.codes.includes(code))
      if (found === undefined) await delay(POLL_MS)
    }
    await injecting
    await delay(SETTLE_MS)
    const allowed = [...row.codes, ...(row.also ?? [])]
    const wrong = (await since()).filter((one) => counts(one) && !allowed.includes(one.code))
    for (const { title } of wrong) process.stderr.write(`${row.name}: wrongly ${title}\n`)
    return found === undefined ? [0, Number.NaN, wrong.length] : [1, found.openedAt - began, wrong.length]
  } finally {
    await injecting.catch(() => undefined)
    await row.mend?.(lab, at)
  }
}

interface Tally {
  found: number
  missed: number
  wrong: number
  readonly connectivityMs: number[]
}

/**
 * Faults of the lab on a ring of six, with requests every 20 ms flowing across it, and the other rows of the list of
 * faults on meshes of their own: is the right root named, how soon, and what else is claimed. A quiet mesh is watched for `quietMs` in each round: whatever it claims is false.
 */
export async function evaluateFaults(argv: readonly string[], quietMs: number): Promise<void> {
  const tally: Tally = { found: 0, missed: 0, wrong: 0, connectivityMs: [] }
  await runBench(
    { name: 'detect', defaultN: 3, warmup: 0 },
    async (wanted) => {
      const ring = createRing()
      const cases = [
        ...ROWS.map((row, index) => caseOf(row, index, tally, ring)),
        ...STAGE_ROWS.map((row) => stageCaseOf(row, tally, ring)),
        quietCase(ring, quietMs),
      ]
      return {
        cases: cases.filter(({ metric }) => wanted(metric)),
        async close() {
          await ring.stop()
          process.stdout.write(`${verdict(tally)}\n`)
        },
      }
    },
    argv,
  )
}

/** The ring of six, while faults of it are replayed: two meshes at once would be a busy machine and no evaluation. */
interface Ring {
  lab(): Promise<Lab>
  stop(): Promise<void>
}

function createRing(): Ring {
  let running: { readonly lab: Lab; close(): Promise<void> } | undefined
  return {
    async lab() {
      if (running !== undefined) return running.lab
      const lab = await makeLab('ring:6')
      await lab.start()
      await lab.linked()
      const probe = await probeThroughMesh({ clock: systemClock, random: systemRandom }, lab, FROM, TO)
      running = { lab, close: () => probe.close() }
      return lab
    },
    async stop() {
      const stopping = running
      running = undefined
      await stopping?.close()
      await stopping?.lab.stop()
    },
  }
}

const CONNECTIVITY_ROWS: readonly number[] = [22]

/** Rows that need a mesh of their own: the ring gives way to it. */
function stageCaseOf(row: HealRow, tally: Tally, ring: Ring): BenchCase {
  const kind = CONNECTIVITY_ROWS.includes(row.row) ? 'connectivity' : 'other'
  let seed = 0
  return tallied(row.name, kind, tally, async () => {
    await ring.stop()
    seed += 1
    return detectOnStage(row, seed, counts)
  })
}

function caseOf(row: Row, index: number, tally: Tally, ring: Ring): BenchCase {
  let turn = index
  const kind = CONNECTIVITY.includes(row.name) ? 'connectivity' : 'quality'
  return tallied(row.name, kind, tally, async () => {
    const at = PLACES[turn % PLACES.length] ?? PLACES[0]
    turn += 1
    return replay(await ring.lab(), row, at)
  })
}

function tallied(
  name: string,
  kind: string,
  tally: Tally,
  run: () => Promise<[number, number, number]>,
): BenchCase {
  return {
    ...{ metric: `found, ${name}`, unit: 'count' },
    further: [
      { metric: `time to detect (${kind}), ${name}`, unit: 'ms' },
      { metric: `wrong roots, ${name}`, unit: 'count' },
    ],
    async sample() {
      // A run that could not begin counts as one in which nothing was found.
      const [found, ms, wrong] = await run().catch((error: unknown): [number, number, number] => {
        process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
        return [0, Number.NaN, 0]
      })
      if (found === 1 && kind === 'connectivity') tally.connectivityMs.push(ms)
      if (found === 1) tally.found += 1
      else tally.missed += 1
      tally.wrong += wrong
      process.stderr.write(`${name}: ${found === 1 ? `found after ${ms} ms` : 'missed'}, ${wrong} wrong\n`)
      return [found, ms, wrong]
    },
  }
}

function quietCase(ring: Ring, quietMs: number): BenchCase {
  return {
    ...{ metric: 'false incidents per node and day, quiet', unit: 'count' },
    async sample() {
      const lab = await ring.lab()
      await calm(lab)
      const began = Date.now()
      await delay(quietMs)
      const all = await Promise.all(
        NODES.map(async (node) => (await lab.client(node).incidents.list({ open: null, limit: 100 })).items),
      )
      const wrong = all.flat().filter((one) => counts(one) && one.openedAt >= began)
      for (const { title } of wrong) process.stderr.write(`quiet: ${title}\n`)
      return wrong.length / NODES.length / (quietMs / 86_400_000)
    },
  }
}

/** Over the runs of this process; a run that went on after a stop counts what came after. */
function verdict({ found, missed, wrong, connectivityMs }: Tally): string {
  const precision = found + wrong === 0 ? 1 : found / (found + wrong)
  const recall = found + missed === 0 ? 1 : found / (found + missed)
  const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
  const median =
    connectivityMs.length === 0
      ? ''
      : `, median time to detect faults of connectivity ${Math.round(quantile(connectivityMs, 0.5))} ms`
  return `precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}, F1 ${f1.toFixed(3)} over ${found + missed} faults${median}`
}
