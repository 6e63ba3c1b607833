import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { labFault } from '../faults.ts'
import type { LinkStats } from './link-proxy.ts'
import { type Answer, answerSchema, type Order } from './proxy-orders.ts'
import type { LinkState } from './state.ts'

/** The proxy process of a lab, as seen by the lab. Every method resolves when the proxy has done it. */
export interface ProxyClient {
  readonly pid: number
  /** @returns the port on 127.0.0.1 that leads through this link; `port` asks for a certain one */
  open(link: string, options: { seed: number; targetPort: number; port?: number }): Promise<number>
  /** In force when it resolves. */
  set(link: string, state: LinkState): Promise<void>
  retarget(link: string, targetPort: number): Promise<void>
  close(link: string): Promise<void>
  stats(): Promise<Readonly<Record<string, LinkStats>>>
  /** Ends the process, and with it every connection. */
  stop(): Promise<void>
}

type OrderWithoutId<O> = O extends unknown ? Omit<O, 'id'> : never

interface Waiting {
  resolve(answer: Extract<Answer, { ok: true }>): void
  reject(error: Error): void
}

const STOP_MS = 2_000

/** @param program the file that calls `runProxy` */
export function startProxy(program: string): ProxyClient {
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const { pid, stdin, stdout } = child
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let isEnded = false
  const end = (why: string): void => {
    isEnded = true
    for (const { reject } of waiting.values()) reject(proxyFailed(why))
    waiting.clear()
  }
  child.on('error', (error) => end(error.message))
  child.once('exit', (code, signal) => end(`it ended with ${signal ?? code}`))
  stdin.on('error', () => {})
  if (pid === undefined) throw proxyFailed(`${program} cannot be started`)

  createInterface({ input: stdout }).on('line', (line) => {
    const answer = answerSchema.parse(JSON.parse(line))
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answer.ok) asked?.resolve(answer)
    else asked?.reject(proxyFailed(answer.error))
  })

  const ask = (order: OrderWithoutId<Order>): Promise<Extract<Answer, { ok: true }>> =>
    new Promise((resolve, reject) => {
      if (isEnded) {
        reject(proxyFailed('it has ended'))
        return
      }
      lastId += 1
      waiting.set(lastId, { resolve, reject })
      stdin.write(`${JSON.stringify({ ...order, id: lastId })}\n`)
    })

  return {
    pid,
    async open(link, options) {
      const { port } = await ask({ op: 'open', link, ...options })
      if (port === undefined) throw proxyFailed('it did not say where it listens')
      return port
    },
    set: async (link, state) => void (await ask({ op: 'set', link, state })),
    retarget: async (link, targetPort) => void (await ask({ op: 'target', link, targetPort })),
    close: async (link) => void (await ask({ op: 'close', link })),
    stats: async () => (await ask({ op: 'stats' })).stats ?? {},
    stop: () => stop(child),
  }
}

const proxyFailed = (why: string): Error =>
  labFault({ code: 'LAB_PROXY_FAILED' }, `the impairment proxy failed: ${why}`)

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.stdin?.end()
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await gone
  clearTimeout(insist)
}
