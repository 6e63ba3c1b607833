import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { faultCodeSchema } from '../../contract/errors.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import { cliFault } from '../fault.ts'

/** The programs that do what needs no running node, and the node itself. */
export type EntryName = 'init' | 'join' | 'keys' | 'node' | 'lab'

/** Secrets go over stdin: arguments and the environment of a process can be read by others. */
export interface EntrySecrets {
  readonly passphrase?: string | undefined
  readonly token?: string | undefined
  readonly newPassphrase?: string | undefined
  readonly filePassphrase?: string | undefined
}

export interface EntryRequest<S extends z.ZodType> {
  /** The Node.js that runs it; that of this process when absent. */
  readonly runtime?: string
  /** Path of the program. */
  readonly program: string
  readonly options: object
  readonly secrets: EntrySecrets
  /** Of the line that says `ok: true`. */
  readonly answer: S
  /** What it writes to stderr: kept for a message if it dies, shown as it comes, or written to a file. */
  readonly log: 'keep' | 'show' | { readonly file: string }
  /** A session of its own: it outlives the terminal, and Ctrl-C reaches the CLI alone. */
  readonly detached: boolean
  /** The program gets an IPC channel and sees `disconnect` when this process is gone, even by SIGKILL. */
  readonly tied: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
  onProgress?(progress: Progress): void
  /** It has a process id, and nothing else yet. */
  onStart?(pid: number): void
}

const progressSchema = z.looseObject({ progress: z.string(), joinId: z.string().optional() })
export type Progress = z.infer<typeof progressSchema>

const failureSchema = z.object({
  ok: z.literal(false),
  error: z.object({ code: faultCodeSchema, message: z.string(), hint: z.string().optional() }),
})

/**
 * V8's young generation grows to 16 MiB a half by default. A node's data is in buffers outside of it: at 2 MiB it holds
 * 10 MB less and moves bytes as fast (docs/adr/0001-ground.md).
 */
const ENGINE_OPTIONS = ['--max-semi-space-size=2']
/** glibc gives each thread a heap of its own, and the few threads of a node would keep 3 MB in them. */
const ENGINE_ENVIRONMENT = { MALLOC_ARENA_MAX: '1' }

/**
 * Where Node.js keeps what it compiled, so that the next start does not compile again: beside the programs, for whoever
 * may write there could as well change them. Where nobody may, nothing is kept.
 */
const compiledBeside = (program: string): { NODE_COMPILE_CACHE?: string } =>
  // Run from source there is nothing to gain, and the folder is one of the sources.
  program.endsWith('.ts') ? {} : { NODE_COMPILE_CACHE: join(dirname(program), 'compiled') }

const MAX_LINE_BYTES = 256 * 1024
const MAX_LOG_TAIL = 4 * 1024
const TERMINATE_MS = 5_000

/**
 * Starts an entry and waits for its answer. An entry that fails, dies, takes too long or is interrupted leaves no
 * process behind.
 *
 * @throws FaultError with the entry's own code, or NODE_START_FAILED, TIMEOUT, INTERRUPTED
 */
export async function runEntry<S extends z.ZodType>(
  request: EntryRequest<S>,
): Promise<{ answer: z.infer<S>; child: ChildProcess }> {
  const child = start(request)
  if (child.pid !== undefined) request.onStart?.(child.pid)
  const tail = tailOf(child, request.log)
  child.stdin?.on('error', () => {})
  child.stdin?.end(JSON.stringify(request.secrets))
  try {
    return { answer: await answerOf(child, request, tail), child }
  } catch (error) {
    await terminate(child)
    throw error
  }
}

function start<S extends z.ZodType>({
  runtime = process.execPath,
  program,
  options,
  log,
  detached,
  tied,
}: EntryRequest<S>): ChildProcess {
  const file = typeof log === 'object' ? openSync(log.file, 'w', 0o600) : undefined
  try {
    return spawn(runtime, [...ENGINE_OPTIONS, program, JSON.stringify(options)], {
      detached,
      stdio: [
        'pipe',
        'pipe',
        file ?? (log === 'show' ? 'inherit' : 'pipe'),
        // A channel that closes with this process, however it ends: what a node in the foreground lives by.
        ...(tied ? (['ipc'] as const) : []),
      ],
      env: { ...process.env, ...ENGINE_ENVIRONMENT, ...compiledBeside(program) },
      windowsHide: true,
    })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** The last words of a program that died. */
function tailOf(child: ChildProcess, log: EntryRequest<z.ZodType>['log']): () => string {
  if (typeof log === 'object') return () => readFileSync(log.file, 'utf8').slice(-MAX_LOG_TAIL).trim()
  let tail = ''
  child.stderr?.setEncoding('utf8')
  child.stderr?.on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-MAX_LOG_TAIL)
  })
  return () => tail.trim()
}

function answerOf<S extends z.ZodType>(
  child: ChildProcess,
  { answer, onProgress, timeoutMs, signal, program }: EntryRequest<S>,
  tail: () => string,
): Promise<z.infer<S>> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      child.off('error', onError)
      child.off('close', onClose)
      child.stdout?.off('data', onData)
      settle()
    }
    const fail = (error: unknown): void => finish(() => reject(error))
    const onAbort = (): void => fail(signal.reason)
    const onError = (error: Error): void =>
      fail(startFailed(`${program} cannot be started: ${messageOf(error)}`, error))
    const onClose = (code: number | null, killedBy: string | null): void => {
      const how = killedBy === null ? `with exit code ${code}` : `by ${killedBy}`
      const last = tail()
      fail(startFailed(`the program ended ${how} before it answered${last === '' ? '' : `:\n${last}`}`))
    }
    const onData = readLines((line) => {
      const outcome = outcomeOf(line, answer)
      if (outcome.kind === 'progress') onProgress?.(outcome.progress)
      else if (outcome.kind === 'failed') fail(outcome.error)
      else finish(() => resolve(outcome.answer))
    }, fail)
    const timer = setTimeout(
      () =>
        fail(
          cliFault({ code: 'TIMEOUT' }, `there was no answer within ${timeoutMs} ms, so it was stopped`, {
            hint: 'Try a longer --timeout, and see the log in the home.',
          }),
        ),
      timeoutMs,
    )
    child.on('error', onError)
    child.on('close', onClose)
    child.stdout?.on('data', onData)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

function readLines(
  onLine: (line: string) => void,
  onError: (error: unknown) => void,
): (chunk: Buffer) => void {
  let pending = ''
  const decoder = new TextDecoder()
  return (chunk) => {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split('\n')
    pending = lines.pop() ?? ''
    if (pending.length > MAX_LINE_BYTES) onError(startFailed('the program wrote a line that is too long'))
    for (const line of lines) if (line.trim() !== '') onLine(line)
  }
}

type Outcome<T> =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'answered'; readonly answer: T }

function outcomeOf<S extends z.ZodType>(line: string, answer: S): Outcome<z.infer<S>> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return { kind: 'failed', error: startFailed('the program wrote something that is not JSON', error) }
  }
  const progress = progressSchema.safeParse(value)
  if (progress.success) return { kind: 'progress', progress: progress.data }
  const failure = failureSchema.safeParse(value)
  if (failure.success) {
    const { code, message, hint } = failure.data.error
    return { kind: 'failed', error: new FaultError({ code }, message, { hint: hint ?? '' }) }
  }
  const parsed = answer.safeParse(value)
  if (parsed.success) return { kind: 'answered', answer: parsed.data }
  return {
    kind: 'failed',
    error: startFailed(`the program gave an unknown answer: ${messageOf(parsed.error)}`),
  }
}

function startFailed(message: string, cause?: unknown): Error {
  return cliFault({ code: 'NODE_START_FAILED' }, message, {
    cause,
    hint: 'Run it with --foreground to see its log.',
  })
}

/** Asks a process to end, insists after 5 s, and resolves once it is gone. */
async function terminate(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), TERMINATE_MS)
  await gone
  clearTimeout(insist)
}
