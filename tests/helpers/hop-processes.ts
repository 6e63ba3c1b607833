import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { PeerId } from '../../node-core/domain/ids.ts'

export type HopCommand =
  | { readonly kind: 'start'; readonly index: number }
  | { readonly kind: 'dial'; readonly addresses: readonly string[] }
  /** To a sink or an echo at the far end. One path element is the direct link. */
  | { readonly kind: 'open'; readonly path: readonly PeerId[]; readonly mode: 'sink' | 'echo' }
  | { readonly kind: 'send'; readonly bytes: number }
  | { readonly kind: 'echo'; readonly text: string; readonly times: number }
  | { readonly kind: 'usage' }
  | { readonly kind: 'stop' }

export type HopReply =
  | { readonly kind: 'started'; readonly peer: PeerId; readonly addresses: readonly string[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'took'; readonly ms: number }
  | { readonly kind: 'usage'; readonly cpuMs: number; readonly rssBytes: number }

export type HopAnswer = HopReply | { readonly kind: 'failed'; readonly message: string }

export interface HopProcess {
  readonly pid: number
  readonly peer: PeerId
  /** Of what `open`, `send` or `echo` took, ms. */
  took(command: HopCommand): Promise<number>
  usage(): Promise<{ readonly cpuMs: number; readonly rssBytes: number }>
}

export interface HopProcesses {
  readonly nodes: readonly HopProcess[]
  /** The peers behind the first node, up to the one with this index. */
  path(to: number): readonly PeerId[]
  stop(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('hop-program.ts', import.meta.url))

/** A chain of members, each a process of its own and connected to the next alone. */
export async function startHopProcesses(
  length: number,
  execArgv: readonly string[] = [],
): Promise<HopProcesses> {
  const children: ChildProcess[] = []
  const nodes: HopProcess[] = []
  let previous: readonly string[] | undefined
  for (let index = 0; index < length; index++) {
    const child = fork(PROGRAM, { execArgv: [...execArgv] })
    children.push(child)
    const ask = createAsker(child)
    const begun = await ask({ kind: 'start', index })
    if (begun.kind !== 'started') throw new Error('the program did not start')
    if (previous !== undefined) await ask({ kind: 'dial', addresses: previous })
    previous = begun.addresses
    nodes.push({
      pid: child.pid ?? 0,
      peer: begun.peer,
      async took(command) {
        const reply = await ask(command)
        return reply.kind === 'took' ? reply.ms : Number.NaN
      },
      async usage() {
        const reply = await ask({ kind: 'usage' })
        return reply.kind === 'usage' ? reply : { cpuMs: Number.NaN, rssBytes: Number.NaN }
      },
    })
  }
  return {
    nodes,
    path: (to) => nodes.slice(1, to + 1).map(({ peer }) => peer),
    async stop() {
      for (const child of children) child.disconnect()
      await Promise.all(children.map(exited))
    },
  }
}

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })

function createAsker(child: ChildProcess): (command: HopCommand) => Promise<HopReply> {
  const waiting = new Map<number, (answer: HopAnswer) => void>()
  let last = 0
  child.on('message', (message: { id: number; value: HopAnswer }) => {
    waiting.get(message.id)?.(message.value)
    waiting.delete(message.id)
  })
  child.on('exit', () => {
    for (const settle of waiting.values()) settle({ kind: 'failed', message: 'the process ended' })
  })
  return async (command) => {
    const id = ++last
    const answer = await new Promise<HopAnswer>((resolve) => {
      waiting.set(id, resolve)
      child.send({ id, command })
    })
    if (answer.kind === 'failed') throw new Error(answer.message)
    return answer
  }
}
