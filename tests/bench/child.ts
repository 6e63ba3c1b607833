import { type ChildProcess, fork } from 'node:child_process'

/** A program of a benchmark, as a process of its own that does what it is told. */
export interface BenchProcess<Commands extends CommandMap> {
  readonly pid: number
  ask<Op extends keyof Commands & string>(
    op: Op,
    options: Commands[Op]['options'],
  ): Promise<Commands[Op]['answer']>
  stop(): Promise<void>
}

/** What a program can be told, and what it answers. */
export type CommandMap = Readonly<Record<string, { readonly options: object; readonly answer: object }>>

export type Handlers<Commands extends CommandMap> = {
  readonly [Op in keyof Commands]: (options: Commands[Op]['options']) => Promise<Commands[Op]['answer']>
}

interface Request {
  readonly id: number
  readonly op: string
  readonly options: object
}

type Reply = { readonly id: number } & ({ readonly answer: object } | { readonly error: string })

/** @param program the file that calls `serveCommands` */
export function startProcess<Commands extends CommandMap>(
  program: string,
  execArgv: readonly string[] = [],
): BenchProcess<Commands> {
  const child = fork(program, { execArgv: [...execArgv] })
  if (child.pid === undefined) throw new Error(`${program} cannot be started`)
  const waiting = new Map<number, (reply: Reply) => void>()
  let last = 0
  child.on('message', (reply: Reply) => {
    waiting.get(reply.id)?.(reply)
    waiting.delete(reply.id)
  })
  child.on('exit', (code, signal) => {
    for (const [id, settle] of waiting) settle({ id, error: `${program} ended with ${signal ?? code}` })
    waiting.clear()
  })
  return {
    pid: child.pid,
    async ask(op, options) {
      last += 1
      const id = last
      const reply = await new Promise<Reply>((resolve) => {
        waiting.set(id, resolve)
        child.send({ id, op, options } satisfies Request)
      })
      if ('error' in reply) throw new Error(reply.error)
      return reply.answer
    },
    async stop() {
      if (child.connected) child.disconnect()
      await exited(child)
    },
  }
}

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })

/** The other end of `startProcess`: answers until its parent is gone, and then ends with all that it holds. */
export function serveCommands<Commands extends CommandMap>(handlers: Handlers<Commands>): void {
  process.on('message', ({ id, op, options }: Request) => {
    const handler = handlers[op]
    if (handler === undefined) {
      process.send?.({ id, error: `there is no command ${op}` })
      return
    }
    handler(options).then(
      (answer) => process.send?.({ id, answer }),
      (error: unknown) => {
        const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
        process.send?.({ id, error: message })
      },
    )
  })
  process.on('disconnect', () => process.exit())
}
