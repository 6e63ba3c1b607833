import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startReaper } from '../../node-core/lab/reaper.ts'

/** The built product, as a person would run it. */
export const X0T = resolve(import.meta.dirname, '../../dist/x0t')

const REAPER = resolve(import.meta.dirname, '../../node-core/lab/entries/reaper.ts')

export interface RunResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Given on standard input. */
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  readonly cwd?: string
  /** The network namespace to run it in. */
  readonly namespace?: string
}

/** The environment of a person who never used x0t. */
function cleanEnv(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const key of Object.keys(env)) if (key.startsWith('X0T_') || key === 'NODE_OPTIONS') delete env[key]
  return { ...env, ...extra }
}

/** A program and its arguments, in a network namespace if one is named. */
function commandIn(namespace: string | undefined, args: readonly string[]): [string, readonly string[]] {
  return namespace === undefined ? [X0T, args] : ['ip', ['netns', 'exec', namespace, X0T, ...args]]
}

/** Runs `x0t ...args` to its end. Never throws for an exit code. */
export async function x0t(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = spawn(...commandIn(options.namespace, args), {
    env: cleanEnv(options.env),
    cwd: options.cwd ?? tmpdir(),
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/**
 * Runs `x0t ...args --json` and returns its one document. Throws with everything it said when that is an error; exit
 * code 1 alone may also mean that what it tells is not well.
 */
async function x0tJson<T extends object>(args: readonly string[], options: RunOptions = {}): Promise<T> {
  const result = await x0t([...args, '--json'], options)
  const document = result.stdout === '' ? undefined : (JSON.parse(result.stdout) as T)
  if (document === undefined || 'error' in document) {
    throw new Error(`x0t ${args.join(' ')} ended with ${result.code}\n${result.stdout}\n${result.stderr}`)
  }
  return document
}

export interface RunningNode {
  readonly home: string
  readonly name: string
  readonly child: ChildProcess
  /** Process id of the node itself. */
  readonly pid: number
  readonly exited: Promise<number | null>
  stderr(): string
  /** Runs a command against this node. */
  x0t(args: readonly string[], options?: RunOptions): Promise<RunResult>
  json<T extends object>(args: readonly string[], options?: RunOptions): Promise<T>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
}

export interface MeshFixture {
  readonly dir: string
  home(name: string): string
  /** `x0t init` in a fresh home. */
  init(name: string, args?: readonly string[], options?: RunOptions): Promise<void>
  /** `x0t invite` on `from`, `x0t join` in a fresh home. */
  join(name: string, from: RunningNode, inviteArgs?: readonly string[], options?: RunOptions): Promise<void>
  /**
   * `x0t up --foreground` as a child, until it says that it is ready. It listens on the loopback; in a namespace of its
   * own, where its `x0t.yaml` says.
   */
  up(name: string, args?: readonly string[], options?: RunOptions): Promise<RunningNode>
  stop(): Promise<void>
}

const LISTEN = ['--listen', '/ip4/127.0.0.1/tcp/0']

/** Several homes and their nodes in one temporary folder, all of which end with the fixture or with its process. */
export async function createMeshFixture(): Promise<MeshFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'x0t-'))
  const reaper = startReaper(REAPER)
  reaper.remove(dir)
  const home = (name: string): string => join(dir, name)

  async function up(
    name: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<RunningNode> {
    const listen = options.namespace === undefined ? LISTEN : []
    const command = ['--home', home(name), 'up', '--foreground', ...listen, ...args]
    const child = spawn(...commandIn(options.namespace, command), {
      env: cleanEnv(options.env),
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (child.pid === undefined) throw new Error(`could not start ${X0T}`)
    reaper.watch(child.pid)
    const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
    void exited.then(() => reaper.forget(child.pid as number))
    let stderr = ''
    child.stdout.resume()
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-200_000)
    })
    const call = (more: readonly string[], runOptions?: RunOptions): Promise<RunResult> =>
      x0t(['--home', home(name), ...more], runOptions)
    await waitFor(`node ${name} to be live`, async () => {
      if (child.exitCode !== null) throw new Error(`node ${name} ended with ${child.exitCode}:\n${stderr}`)
      return (await call(['status', '--check', 'live'])).code === 0
    })
    const { node } = await x0tJson<{ node: { pid: number } }>(['--home', home(name), 'version'])
    return {
      home: home(name),
      name,
      child,
      pid: node.pid,
      exited,
      stderr: () => stderr,
      x0t: call,
      json: (more, runOptions) => x0tJson(['--home', home(name), ...more], runOptions),
      async stop() {
        child.kill('SIGTERM')
        await exited
      },
    }
  }

  return {
    dir,
    home,
    async init(name, args = [], options = {}) {
      await x0tJson(['--home', home(name), 'init', '--mesh', 'test', '--name', name, ...args], options)
    },
    async join(name, from, inviteArgs = [], options = {}) {
      const { token } = await from.json<{ token: string }>(['invite', ...inviteArgs])
      const command = ['--home', home(name), 'join', '--token-file', '-', '--name', name]
      await x0tJson(command, { ...options, input: token })
    },
    up,
    stop: () => reaper.finish(),
  }
}

/** Polls `condition` until it is true; throws with `what` after the limit. */
export async function waitFor(
  what: string,
  condition: () => Promise<boolean> | boolean,
  limitMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}
