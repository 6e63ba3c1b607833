/** The core as the main process sees it: a utility process that is started again when it dies. */
import { join } from 'node:path'
import { MessageChannelMain, type MessagePortMain, type UtilityProcess, utilityProcess } from 'electron'
import type { LineHello } from '../../node-core/contract/desktop-schemas.ts'
import {
  type Command,
  type Facts,
  type NodeState,
  type Problem,
  type Request,
  reportSchema,
} from '../core/messages.ts'
import { backoffMs } from '../core/node-keeper.ts'

const ASK_MS = 60_000
const STOP_MS = 20_000

export interface CoreOptions {
  readonly home: string
  readonly root: string
  /** Asked for at each start of the core. */
  passphrase(): string | null
  onState(state: NodeState): void
  /** Undefined while there is no mesh. */
  onFacts(facts: Facts | undefined): void
}

export interface CoreProcess {
  start(): void
  /** Ends the node too, if this app hosts it. */
  stop(): Promise<void>
  wake(): void
  /** @returns the page's end of a line to the node */
  line(): MessagePortMain
  /** Rejects with a Problem's message when the node refuses. */
  ask(request: Request): Promise<unknown>
}

/** What the node said no with. */
class Refusal extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

const CORE_GONE: Problem = {
  code: 'CORE_GONE',
  message: 'The part of this app that runs the node has ended.',
  hint: 'It is started again by itself.',
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Refusal): void
}

export function createCoreProcess(options: CoreOptions): CoreProcess {
  let child: UtilityProcess | undefined
  let stopping = false
  let failures = 0
  let asked = 0
  const waiting = new Map<number, Waiting>()

  const send = (command: Command, ports: MessagePortMain[] = []): void => child?.postMessage(command, ports)

  function start(): void {
    const started = utilityProcess.fork(join(import.meta.dirname, 'core.js'), [], {
      serviceName: 'x0t core',
      stdio: 'inherit',
    })
    child = started
    started.on('message', take)
    started.once('exit', () => {
      child = undefined
      for (const { reject } of waiting.values()) reject(new Refusal(CORE_GONE))
      waiting.clear()
      if (stopping) return
      failures += 1
      const retryMs = backoffMs(failures)
      options.onState({ kind: 'down', problem: CORE_GONE, retryMs })
      setTimeout(() => {
        if (!stopping) start()
      }, retryMs)
    })
    const { home, root } = options
    send({ kind: 'start', home, root, passphrase: options.passphrase() })
  }

  function take(message: unknown): void {
    const report = reportSchema.safeParse(message).data
    switch (report?.kind) {
      case 'state':
        if (report.state.kind === 'up') failures = 0
        options.onState(report.state)
        break
      case 'facts':
        options.onFacts(report.facts ?? undefined)
        break
      case 'answer':
        settle(report.id)?.resolve(report.value)
        break
      case 'refused':
        settle(report.id)?.reject(new Refusal(report.problem))
        break
      case 'ended':
        child?.kill()
        break
    }
  }

  function settle(id: number): Waiting | undefined {
    const found = waiting.get(id)
    waiting.delete(id)
    return found
  }

  return {
    start,
    wake: () => send({ kind: 'wake' }),
    line() {
      const { port1, port2 } = new MessageChannelMain()
      if (child !== undefined) {
        send({ kind: 'line' }, [port1])
        return port2
      }
      const hello: LineHello = { kind: 'down', problem: CORE_GONE }
      port1.start()
      port1.postMessage(hello)
      port1.close()
      return port2
    },
    ask(request) {
      asked += 1
      const id = asked
      return new Promise((resolve, reject) => {
        if (child === undefined) {
          reject(new Refusal(CORE_GONE))
          return
        }
        waiting.set(id, { resolve, reject })
        setTimeout(() => settle(id)?.reject(new Refusal({ ...CORE_GONE, code: 'TIMEOUT' })), ASK_MS).unref()
        send({ kind: 'ask', id, request })
      })
    },
    async stop() {
      stopping = true
      const ending = child
      if (ending === undefined) return
      const gone = new Promise<void>((resolve) => ending.once('exit', () => resolve()))
      send({ kind: 'stop' })
      const insist = setTimeout(() => ending.kill(), STOP_MS)
      await gone
      clearTimeout(insist)
    },
  }
}
