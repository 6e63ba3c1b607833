import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { processMark, signalProcess } from './process-table.ts'

/**
 * A small process of its own that outlives whoever started it, and then ends the processes and removes the folders
 * that it was told of. Its only link to the starter is a pipe: when that closes, by a clean end, a crash or a
 * SIGKILL, the clean-up runs.
 */
export interface Reaper {
  readonly pid: number
  /** Ends this process when the starter is gone: SIGTERM first, SIGKILL after three seconds. */
  watch(pid: number): void
  /** The process ended by itself: its id may be somebody else's soon. */
  forget(pid: number): void
  /** Removes this folder when the starter is gone and the processes are. */
  remove(path: string): void
  /** Runs the clean-up now; resolves when it is complete. */
  finish(): Promise<void>
}

const orderSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('watch'), pid: z.int().positive() }),
  z.object({ kind: z.literal('forget'), pid: z.int().positive() }),
  z.object({ kind: z.literal('remove'), path: z.string().min(1) }),
])
type Order = z.infer<typeof orderSchema>

const TERMINATE_MS = 3_000
const KILLED_MS = 1_000
const POLL_MS = 20
/** What a process that was cut off in the middle may still write after the first removal. */
const REMOVALS = 2

/** @param program the file that calls `runReaper` */
export function startReaper(program: string): Reaper {
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A session of its own: a Ctrl-C reaches the whole terminal group.
    detached: true,
  })
  const { pid } = child
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  if (pid === undefined) throw new TypeError(`the reaper ${program} cannot be started`)
  const order = (value: Order): void => {
    child.stdin.write(`${JSON.stringify(value)}\n`)
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.unref()
  return {
    pid,
    watch: (watched) => order({ kind: 'watch', pid: watched }),
    forget: (watched) => order({ kind: 'forget', pid: watched }),
    remove: (path) => order({ kind: 'remove', path }),
    async finish() {
      child.ref()
      child.stdin.end()
      await ended
    },
  }
}

/** The reaper's own side: takes orders until the input ends, then cleans up. */
export async function runReaper(input: NodeJS.ReadableStream): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  const marks = new Map<number, string>()
  const folders = new Set<string>()
  const take = (order: Order): void => {
    if (order.kind === 'forget') marks.delete(order.pid)
    else if (order.kind === 'remove') folders.add(order.path)
    else {
      const mark = processMark(order.pid)
      if (mark !== undefined) marks.set(order.pid, mark)
    }
  }
  let rest = ''
  input.setEncoding('utf8')
  for await (const chunk of input) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(orderSchema.parse(JSON.parse(line)))
  }
  await endProcesses(marks)
  for (let round = 0; round < REMOVALS; round++) {
    for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    if (round + 1 < REMOVALS) await delay(POLL_MS)
  }
}

async function endProcesses(marks: ReadonlyMap<number, string>): Promise<void> {
  const living = (): number[] => [...marks].flatMap(([pid, mark]) => (processMark(pid) === mark ? [pid] : []))
  for (const pid of living()) {
    signalProcess(pid, 'SIGTERM')
    // A stopped process takes its SIGTERM only once it runs again.
    signalProcess(pid, 'SIGCONT')
  }
  await until(() => living().length === 0, TERMINATE_MS)
  for (const pid of living()) signalProcess(pid, 'SIGKILL')
  await until(() => living().length === 0, KILLED_MS)
}

async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!condition() && performance.now() < deadline) await delay(POLL_MS)
}
