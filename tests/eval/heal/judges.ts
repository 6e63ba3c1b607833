import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { serviceNameSchema } from '../../../node-core/contract/schemas.ts'
import type { NodeName } from '../../../node-core/domain/ids.ts'
import { probeThroughMesh } from '../../../node-core/lab/invariants/through-mesh.ts'
import { systemClock } from '../../../node-core/platform/clock.ts'
import { systemRandom } from '../../../node-core/platform/random.ts'
import { quantile } from '../../bench/harness.ts'
import { waitFor } from '../../helpers/x0t.ts'
import type { Stage } from './stage.ts'

/** Somebody outside of the product who says whether traffic is delivered. */
export interface Judge {
  /** Over the last one and a half seconds. */
  flows(): boolean
  /** The longest time without delivery since then (monotonic ms). */
  outageMs(sinceMs: number): number
  /** Of the last requests, the median; undefined before the first. */
  rttMs(): number | undefined
  /** What must never happen, whatever is broken. */
  violations(): readonly string[]
}

const RECENT_MS = 1_500
const SILENCE_MS = 500
const RECENT_REQUESTS = 40

/** One connection through the mesh on which a request leaves every 20 ms and must be answered byte by byte, in order. */
export async function streamJudge({ lab, scene, onEnd }: Stage): Promise<Judge> {
  const probe = await probeThroughMesh(
    { clock: systemClock, random: systemRandom },
    ...([lab, scene.from, scene.to, {}] as const),
  )
  onEnd(() => probe.close())
  return {
    flows: () =>
      probe.report().violations.length === 0 &&
      probe.longestGapMs(systemClock.monotonicMs() - RECENT_MS) < SILENCE_MS,
    outageMs: (sinceMs) => probe.longestGapMs(sinceMs),
    rttMs() {
      const recent = probe.report().roundTripsMs.slice(-RECENT_REQUESTS)
      return recent.length === 0 ? undefined : quantile(recent, 0.5)
    },
    violations: () => probe.report().violations.map(({ kind, detail }) => `${kind}: ${detail}`),
  }
}

/** A site whose provider can be told apart, stopped, started and slowed. */
export interface Site {
  readonly provider: NodeName
  readonly target: string
  served(): number
  slow(byMs: number): void
  stop(): Promise<void>
  start(): Promise<void>
}

/** One small page over HTTP/1.0: every client there is can ask for it, and so does the check of the node. */
export async function openSite(provider: NodeName): Promise<Site> {
  let server: Server | undefined
  let port = 0
  let served = 0
  let delayMs = 0
  const sockets = new Set<Socket>()
  const serve = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.once('data', () => {
      const answer = (): void => {
        served += 1
        socket.end(`HTTP/1.0 200 OK\r\ncontent-length: ${provider.length}\r\n\r\n${provider}`)
      }
      if (delayMs === 0) answer()
      else setTimeout(answer, delayMs).unref()
    })
  }
  const site: Site = {
    provider,
    get target() {
      return `127.0.0.1:${port}`
    },
    served: () => served,
    slow(byMs) {
      delayMs = byMs
    },
    async start() {
      server = createServer({ allowHalfOpen: true }, serve).listen(port, '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    },
    async stop() {
      const closing = server
      server = undefined
      closing?.close()
      for (const socket of sockets) socket.destroy()
      if (closing?.listening === true) await once(closing, 'close')
    },
  }
  await site.start()
  return site
}

const ASK_EVERY_MS = 100
const ASK_LIMIT_MS = 2_000
const KNOWN_MS = 20_000
const SERVICE = serviceNameSchema.parse('web')

/** Asks a service for its page again and again, each time over a new connection, as browsers do. */
export interface SiteJudge extends Judge {
  /** Who answered last. */
  provider(): string
}

export async function siteJudge(stage: Stage, sites: readonly Site[]): Promise<SiteJudge> {
  const { lab, scene, onEnd } = stage
  for (const { provider, target } of sites)
    await lab.client(provider).services.expose({ name: SERVICE, target, check: 'http:/' })
  const near = lab.client(scene.from)
  await waitFor(
    'the services to be known',
    async () => {
      const { items } = await near.services.list()
      return (
        items.filter(({ name, state }) => name === SERVICE && state === 'healthy').length === sites.length
      )
    },
    KNOWN_MS,
  )
  const { forward } = await near.forwards.add({ port: 0, service: SERVICE, node: null })
  const asker = startAsking(forward.port)
  onEnd(() => asker.stop())
  await waitFor('the first page', async () => asker.provider() !== '', KNOWN_MS)
  return asker
}

function startAsking(port: number): SiteJudge & { stop(): void } {
  const answers: { readonly atMs: number; readonly rttMs: number }[] = []
  const stopping = new AbortController()
  let provider = ''
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const askedMs = systemClock.monotonicMs()
      const said = await ask(port, ASK_LIMIT_MS)
      const atMs = systemClock.monotonicMs()
      if (said !== undefined) {
        provider = said
        answers.push({ atMs, rttMs: atMs - askedMs })
      }
      await delay(ASK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }
  void loop()
  const outageMs = (sinceMs: number): number => {
    const times = [
      ...answers.map(({ atMs }) => atMs).filter((at) => at >= sinceMs),
      systemClock.monotonicMs(),
    ]
    let before = answers.findLast(({ atMs }) => atMs < sinceMs)?.atMs ?? sinceMs
    let longest = 0
    for (const at of times) {
      longest = Math.max(longest, at - before)
      before = at
    }
    return longest
  }
  return {
    provider: () => provider,
    flows: () => outageMs(systemClock.monotonicMs() - RECENT_MS) < RECENT_MS,
    outageMs,
    rttMs() {
      const recent = answers.slice(-10).map(({ rttMs }) => rttMs)
      return recent.length === 0 ? undefined : quantile(recent, 0.5)
    },
    violations: () => [],
    stop: () => stopping.abort(),
  }
}

/** The body of the answer, or undefined when there was none. */
function ask(port: number, limitMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const timer = setTimeout(() => socket.destroy(), limitMs)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(timer)
      const [head = '', body] = text.split('\r\n\r\n')
      resolve(head.startsWith('HTTP/1.0 200') && body !== undefined && body !== '' ? body : undefined)
    })
    socket.write('GET / HTTP/1.0\r\n\r\n')
  })
}
