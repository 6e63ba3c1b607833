import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../../node-core/contract/schemas.ts'
import type { NodeName } from '../../node-core/domain/ids.ts'
import { createGapMeter, type GapMeter } from '../../node-core/lab/invariants/gap-meter.ts'
import { createInvariantWatch, type InvariantWatch } from '../../node-core/lab/invariants/watch.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import type { TopologyLink } from '../../node-core/lab/topology.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { curl, type Fetched } from '../helpers/curl.ts'
import { freePort, type HttpSite, startHttpSite } from '../helpers/http-site.ts'
import { nodeName } from '../helpers/lab.ts'
import { waitFor, x0t } from '../helpers/x0t.ts'
import { say, shown, step } from './tell.ts'

const [NEAR, FAR] = [nodeName('n1'), nodeName('n4')]
/** The two ways around. */
const WAYS = [
  ['n1', 'n2', 'n3', 'n4'],
  ['n1', 'n6', 'n5', 'n4'],
].map((way) => way.map(nodeName))

const FILE_BYTES = 240_000_000
/** Slow enough for a person to follow, and for two faults to fall into one transfer. */
const BYTES_PER_SECOND = 16_000_000
const CURL = ['--no-buffer', '--max-time', '180']
const CALM_MS = 1_500
/** How long the lab watches its links to see over which of them the file goes. */
const LOOK_MS = 300
const MENDED_MS = 60_000

type Way = readonly NodeName[]

/** A file crosses a ring of six while the links under it break, and arrives whole. */
export async function ringOfSix(lab: Lab): Promise<void> {
  step(1, 'Six machines in a ring. Each can reach its two neighbours and nobody else.')
  say('\n        n1 - n2 - n3\n        |         |\n        n6 - n5 - n4\n')
  shown('you', 'x0t lab up --topology ring:6')
  await lab.start()
  await lab.linked()
  await showLinks(lab)

  const watch = createInvariantWatch({ clock: systemClock, random: systemRandom }, lab)
  await watch.start()
  const site = await startHttpSite(FILE_BYTES, { bytesPerSecond: BYTES_PER_SECOND })
  try {
    step(2, `n4 offers a web server. n1 is at the other side of the ring: what it fetches passes two others.`)
    const url = await openWay(lab, site)

    step(
      3,
      `n1 fetches a file of ${FILE_BYTES / 1e6} MB, at the ${BYTES_PER_SECOND / 1e6} MB/s that the server gives.`,
    )
    say(`   n1 $ curl ${url}`)
    await fetchWhileItBreaks(lab, url, site)
    judgeInvariants(watch)
  } finally {
    await watch.stop()
    await site.close()
  }
}

/** All the while the lab looked on, with requests of its own. */
function judgeInvariants(watch: InvariantWatch): void {
  const violations = watch.violations().map(({ kind, detail }) => `${kind}: ${detail}`)
  if (violations.length > 0) throw new Error(`what must always hold did not: ${violations.join('; ')}`)
  say(
    `   the lab looked on ${watch.checks()} times: no loop, nobody but members, and ${watch.answered()} requests of its own came back in order, each once`,
  )
}

async function showLinks(lab: Lab): Promise<void> {
  say('\n   Every link is encrypted with keys from X25519 and ML-KEM-768 together:')
  for (const { a, b } of lab.topology.links) {
    const { links } = await cli<Status>(lab, a, ['status'])
    const link = links.find(({ name }) => name === b)
    const rtt = link?.rttMs == null ? 'not measured yet' : `${link.rttMs.toFixed(1)} ms (measured)`
    say(`   ${a} - ${b}: ${link?.state}, round trip ${rtt}, suite ${link?.suite}`)
  }
}

/** Runs a command at a node of the lab. */
async function cli<T>(lab: Lab, node: NodeName, args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await x0t(['--home', lab.home(node), ...args, '--json'])
  if (code !== 0) throw new Error(`x0t ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
  return JSON.parse(stdout) as T
}

async function openWay(lab: Lab, site: HttpSite): Promise<string> {
  const expose = ['expose', 'site', '--to', site.target, '--check', 'http:/']
  shown(FAR, `x0t ${expose.join(' ')}`)
  await cli(lab, FAR, expose)
  await waitFor('n1 to hear of the service', async () => {
    const { items } = await cli<{ items: { name: string; state: string }[] }>(lab, NEAR, ['services'])
    return items.some(({ name, state }) => name === 'site' && state === 'healthy')
  })
  const port = await freePort()
  shown(NEAR, `x0t forward ${port} site`)
  await cli(lab, NEAR, ['forward', String(port), 'site'])
  return `http://127.0.0.1:${port}${site.path}`
}

/** Milliseconds without a byte, at worst: after each fault, and in all. */
interface Gaps {
  readonly cutMs: number
  readonly heldMs: number
}

async function fetchWhileItBreaks(lab: Lab, url: string, site: HttpSite): Promise<void> {
  const meter = createGapMeter(() => performance.now())
  let received = 0
  let isOver = false
  const started = performance.now()
  const fetching = curl(url, CURL, (bytes) => {
    received = bytes
    meter.mark()
  }).finally(() => {
    isOver = true
  })
  await waitFor('the first bytes', () => received > 0 || isOver)
  // The one that fails first tells why.
  const [gaps, fetched] = await Promise.all([
    breakTwice(lab, meter, () => {
      if (isOver) throw new Error('the file was there before both links were broken')
      return received
    }),
    fetching,
  ])
  const seconds = (performance.now() - started) / 1_000
  judge(fetched, site, { ...gaps, allMs: meter.longestMs(), seconds })
}

async function breakTwice(lab: Lab, meter: GapMeter, received: () => number): Promise<Gaps> {
  const percent = (): string => `${Math.round((received() / FILE_BYTES) * 100)} % of the file is there`
  await delay(CALM_MS)
  const first = await wayInUse(lab)
  step(4, `${percent()}. It goes over ${first.join(' > ')}. The link in the middle is cut.`)
  const cut = middleOf(first)
  shown('you', `x0t lab cut ${cut.a} ${cut.b}`)
  const cutAt = performance.now()
  await lab.impair(cut.a, cut.b, { kind: 'cut' })
  await delay(CALM_MS)
  const second = await wayInUse(lab)
  const cutMs = meter.longestMs({ sinceMs: cutAt, isWaiting: true })
  say(
    `   ${percent()}. It goes on over ${second.join(' > ')}. Longest time without a byte: ${ms(cutMs)} (measured)`,
  )
  if (second.join() === first.join()) throw new Error('the file still goes over the way that was cut')

  step(5, 'The first link is mended, so that there are two ways again.')
  shown('you', `x0t lab heal ${cut.a} ${cut.b}`)
  await lab.heal(cut.a, cut.b)
  await bothWays(lab)
  await delay(CALM_MS)

  const third = await wayInUse(lab)
  step(
    6,
    `${percent()}. Now the way in use, ${third.join(' > ')}, turns into a black hole: bytes go in, nobody is told, none come out.`,
  )
  const held = middleOf(third)
  shown('you', `x0t lab blackhole ${held.a} ${held.b}`)
  const heldAt = performance.now()
  await lab.impair(held.a, held.b, { kind: 'blackhole' })
  await delay(CALM_MS)
  const fourth = await wayInUse(lab)
  const heldMs = meter.longestMs({ sinceMs: heldAt, isWaiting: true })
  say(
    `   ${percent()}. It goes on over ${fourth.join(' > ')}. Longest time without a byte: ${ms(heldMs)} (measured)`,
  )
  return { cutMs, heldMs }
}

function judge(
  fetched: Fetched,
  site: HttpSite,
  { cutMs, heldMs, allMs, seconds }: Gaps & { readonly allMs: number; readonly seconds: number },
): void {
  if (fetched.code !== 0 || fetched.sha256 !== site.sha256) {
    throw new Error(`the file arrived wrong: curl ended with ${fetched.code}, ${fetched.stderr}`)
  }
  if (site.fetches() !== 1) throw new Error(`the server was asked ${site.fetches()} times`)
  step(
    7,
    `The file is there: ${fetched.sizeBytes} bytes in ${seconds.toFixed(1)} s over one TCP connection of curl.`,
  )
  say(`   SHA-256 at the server  ${site.sha256}`)
  say(`   SHA-256 at n1          ${fetched.sha256}`)
  say(
    `   longest time without a byte: ${ms(cutMs)} at the cut, ${ms(heldMs)} at the black hole, ${ms(allMs)} in all`,
  )
}

const ms = (value: number): string => `${value.toFixed(0)} ms`

/** Seen from outside: over which links the bytes go. */
async function wayInUse(lab: Lab): Promise<Way> {
  const before = await lab.traffic()
  await delay(LOOK_MS)
  const after = await lab.traffic()
  const carried = (way: Way): number =>
    linksOf(way).reduce((sum, link) => sum + bytesOf(after, link) - bytesOf(before, link), 0)
  const [most] = WAYS.toSorted((one, other) => carried(other) - carried(one))
  if (most === undefined) throw new RangeError('a ring has two ways around')
  return most
}

function bytesOf(traffic: Awaited<ReturnType<Lab['traffic']>>, { a, b }: TopologyLink): number {
  return traffic.find((link) => [link.a, link.b].toSorted().join() === [a, b].toSorted().join())?.bytes ?? 0
}

const linksOf = (way: Way): readonly TopologyLink[] =>
  way.flatMap((a, at) => {
    const b = way[at + 1]
    return b === undefined ? [] : [{ a, b }]
  })

function middleOf(way: Way): TopologyLink {
  const link = linksOf(way)[1]
  if (link === undefined) throw new RangeError('the way is too short')
  return link
}

async function bothWays(lab: Lab): Promise<void> {
  await lab.linked(MENDED_MS)
  await waitFor(
    'both ways around to be known',
    async () => {
      const { items } = await lab.client(NEAR).routes.list({ node: FAR })
      return items[0]?.paths.length === WAYS.length
    },
    MENDED_MS,
  )
}
