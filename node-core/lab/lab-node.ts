import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { createNodeClient, type NodeClient } from '../cli/client/node-client.ts'
import { runEntry } from '../cli/entries/entry-process.ts'
import type { LabNodeStatus } from '../contract/lab.ts'
import { peerIdSchema } from '../contract/schemas.ts'
import type { NodeName, PeerId } from '../domain/ids.ts'
import { type HomePaths, homePaths } from '../platform/home.ts'
import { labFault } from './faults.ts'
import { isStopped, signalProcess } from './process-table.ts'
import type { Reaper } from './reaper.ts'
import { until } from './until.ts'

export interface LabNodeDeps {
  readonly program: string
  readonly reaper: Reaper
}

export interface LabNodeOptions {
  readonly name: NodeName
  readonly home: string
  /** It listens there on 127.0.0.1. */
  readonly port: number
  /** Further lines of its x0t.yaml. */
  readonly settings?: readonly string[]
}

const START_MS = 60_000
const TERMINATE_MS = 10_000
const SIGNAL_MS = 2_000
const CALL_MS = 10_000

const answerSchema = z.object({
  ok: z.literal(true),
  pid: z.number().int().positive(),
  peerId: peerIdSchema,
})

type State =
  | { readonly kind: 'dead' }
  | { readonly kind: 'starting'; readonly pid: number | undefined }
  | { readonly kind: 'up' | 'stopped'; readonly child: ChildProcess; readonly pid: number }

/** One real node of a lab: its home, and its process when it has one. */
export class LabNode {
  readonly name: NodeName
  readonly paths: HomePaths
  readonly port: number
  /** Known once the home belongs to the mesh. */
  peer: PeerId | undefined
  readonly #deps: LabNodeDeps
  readonly #settings: readonly string[]
  #state: State = { kind: 'dead' }
  #isEnding = false

  constructor(deps: LabNodeDeps, { name, home, port, settings = [] }: LabNodeOptions) {
    this.#deps = deps
    this.#settings = settings
    this.name = name
    this.port = port
    this.paths = homePaths(home)
  }

  get state(): LabNodeStatus['state'] {
    return this.#state.kind
  }

  /** Undefined from the moment in which it is told to end: its connections go before the process does. */
  get pid(): number | undefined {
    return this.#state.kind === 'dead' || this.#isEnding ? undefined : this.#state.pid
  }

  /** Calls of the node's own contract, over its control socket. */
  client(timeoutMs = CALL_MS, signal = new AbortController().signal): NodeClient {
    return createNodeClient(this.paths, { timeoutMs, signal })
  }

  /** As a person would write it: only neighbours are named, and nobody is told where this node is. */
  async configure(peers: readonly string[]): Promise<void> {
    const lines = [
      `listen: [/ip4/127.0.0.1/tcp/${this.port}]`,
      'announce: []',
      ...(peers.length === 0 ? [] : ['peers:', ...peers.map((peer) => `  - ${peer}`)]),
      ...this.#settings,
    ]
    await writeFile(this.paths.config, `${lines.join('\n')}\n`, { mode: 0o600 })
  }

  /** Resolves when the node says that it is up. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#state.kind !== 'dead') throw this.#wrongState('is running already')
    this.#state = { kind: 'starting', pid: undefined }
    this.#isEnding = false
    let started: number | undefined
    try {
      const { answer, child } = await runEntry({
        program: this.#deps.program,
        // Tied to this process: also when nobody is left to end it, it ends.
        options: { home: this.paths.root, foreground: true },
        secrets: {},
        answer: answerSchema,
        log: 'keep',
        detached: true,
        tied: true,
        timeoutMs: START_MS,
        signal,
        onStart: (pid) => {
          started = pid
          this.#state = { kind: 'starting', pid }
          this.#deps.reaper.watch(pid)
        },
      })
      this.peer = answer.peerId
      this.#state = { kind: 'up', child, pid: answer.pid }
      const gone = (): void => {
        this.#deps.reaper.forget(answer.pid)
        if (this.#state.kind !== 'dead' && this.#state.pid === answer.pid) this.#state = { kind: 'dead' }
      }
      if (child.exitCode !== null || child.signalCode !== null) gone()
      else child.once('exit', gone)
    } catch (error) {
      if (started !== undefined) this.#deps.reaper.forget(started)
      this.#state = { kind: 'dead' }
      throw error
    }
  }

  /** SIGTERM: the node says goodbye. SIGKILL if it does not go. */
  async terminate(): Promise<void> {
    if (this.#state.kind === 'dead') return
    const { child } = this.#running()
    const gone = this.#gone(child)
    this.#isEnding = true
    child.kill('SIGTERM')
    child.kill('SIGCONT')
    const insist = setTimeout(() => child.kill('SIGKILL'), TERMINATE_MS)
    await gone
    clearTimeout(insist)
  }

  /** SIGKILL: it vanishes, and its kernel resets its connections. Resolves when it is gone. */
  async kill(): Promise<void> {
    const { child } = this.#running()
    const gone = this.#gone(child)
    this.#isEnding = true
    child.kill('SIGKILL')
    await gone
  }

  /** SIGSTOP: it stays and says nothing. Resolves when it is in force. */
  async pause(): Promise<void> {
    const { child, pid } = this.#running()
    signalProcess(pid, 'SIGSTOP')
    await until(() => isStopped(pid), SIGNAL_MS, `node ${this.name} to be stopped`)
    this.#state = { kind: 'stopped', child, pid }
  }

  /** SIGCONT. */
  resume(): void {
    const { child, pid } = this.#running()
    signalProcess(pid, 'SIGCONT')
    this.#state = { kind: 'up', child, pid }
  }

  #running(): Extract<State, { readonly child: ChildProcess }> {
    if (this.#state.kind === 'up' || this.#state.kind === 'stopped') return this.#state
    throw this.#wrongState(this.#state.kind === 'dead' ? 'does not run' : 'is only starting')
  }

  #gone(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve()
      else child.once('exit', () => resolve())
    })
  }

  #wrongState(what: string): Error {
    return labFault(
      { code: 'LAB_NODE_STATE', node: this.name, state: this.#state.kind },
      `the node ${this.name} ${what}`,
      { hint: 'See x0t lab status.' },
    )
  }
}
