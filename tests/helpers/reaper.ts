import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/**
 * A small process of its own that outlives whoever started it, and then ends the processes and removes the folders
 * that it was told of. Its only link to the starter is a pipe: when that closes, by a clean end, a crash or a
 * SIGKILL, the clean-up runs.
 */
export interface Reaper {
  /** Ends this process when the starter is gone: SIGTERM first, SIGKILL after three seconds. */
  watch(pid: number): void
  /** The process ended by itself: its id may be somebody else's soon. */
  forget(pid: number): void
  /** Removes this folder when the starter is gone. */
  remove(path: string): void
  /** Runs the clean-up now; resolves when it is complete. */
  finish(): Promise<void>
}

type Order =
  | { kind: 'watch'; pid: number }
  | { kind: 'forget'; pid: number }
  | { kind: 'remove'; path: string }

export function startReaper(): Reaper {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'reap'], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  })
  child.stdin.on('error', () => {})
  const order = (value: Order): void => {
    child.stdin.write(`${JSON.stringify(value)}\n`)
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.unref()
  return {
    watch: (pid) => order({ kind: 'watch', pid }),
    forget: (pid) => order({ kind: 'forget', pid }),
    remove: (path) => order({ kind: 'remove', path }),
    async finish() {
      child.ref()
      child.stdin.end()
      await ended
    },
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Already gone.
  }
}

async function cleanUp(pids: ReadonlySet<number>, folders: ReadonlySet<string>): Promise<void> {
  for (const pid of pids) {
    // A stopped process takes its SIGTERM only once it runs again.
    kill(pid, 'SIGTERM')
    kill(pid, 'SIGCONT')
  }
  const deadline = performance.now() + 3_000
  while ([...pids].some(alive) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  for (const pid of pids) if (alive(pid)) kill(pid, 'SIGKILL')
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function reap(): Promise<void> {
  // Ctrl-C reaches the whole terminal group; the clean-up must live through it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  const pids = new Set<number>()
  const folders = new Set<string>()
  let rest = ''
  for await (const chunk of process.stdin) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const value = JSON.parse(line) as Order
      if (value.kind === 'watch') pids.add(value.pid)
      else if (value.kind === 'forget') pids.delete(value.pid)
      else folders.add(value.path)
    }
  }
  await cleanUp(pids, folders)
}

if (process.argv[2] === 'reap' && process.argv[1] === fileURLToPath(import.meta.url)) await reap()
