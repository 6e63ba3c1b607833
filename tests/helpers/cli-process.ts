import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { createControlServer } from '../../node-core/control/socket-server.ts'
import { type HomePaths, homePaths } from '../../node-core/platform/home.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { createFakeNode, type FakeNodeState } from './fake-node-api.ts'

const REAL_MAIN = fileURLToPath(new URL('../../node-core/cli/main.ts', import.meta.url))
const MAIN_WITH_FAKE_ENTRIES = fileURLToPath(new URL('./cli-with-fake-entries.ts', import.meta.url))

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

const seenSchema = z.object({
  pid: z.number(),
  argv: z.array(z.string()),
  options: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.unknown()),
  signals: z.array(z.string()),
})

/** A home in a temporary folder, and the command line run on it from its source. */
export interface CliHome {
  readonly paths: HomePaths
  /** Runs the command line to its end. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>
  /** Starts it and leaves it running. */
  start(args: readonly string[], options?: CliOptions): ChildProcess
  /** What the fake entry was given, once it has started. */
  seen(): z.infer<typeof seenSchema> | undefined
  /** Serves a node from memory on this home. */
  serve(): Promise<FakeNodeState>
  stop(): Promise<void>
}

export function createCliHome(): CliHome {
  const directory = mkdtempSync(join(tmpdir(), 'x0t-cli-'))
  const root = join(directory, 'home')
  mkdirSync(root, { mode: 0o700 })
  const seenPath = join(directory, 'seen.json')
  const steps: (() => Promise<void>)[] = []

  function start(args: readonly string[], { env = {} }: CliOptions = {}): ChildProcess {
    const clean = Object.entries(process.env).filter(
      ([key]) => !/^(X0T_|FAKE_|NO_COLOR|NODE_OPTIONS)/.test(key),
    )
    const main = 'FAKE_ENTRY' in env ? MAIN_WITH_FAKE_ENTRIES : REAL_MAIN
    const child = spawn(process.execPath, [main, ...args], {
      cwd: directory,
      env: { ...Object.fromEntries(clean), X0T_HOME: root, FAKE_SEEN: seenPath, ...env },
    })
    child.stdin.on('error', () => {})
    steps.push(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    })
    return child
  }

  async function run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const child = start(args, options)
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.stdin?.end(options.input ?? '')
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, stdout, stderr }
  }

  return {
    paths: homePaths(root),
    run,
    start,
    seen: () => {
      // Read while it is being written, it is not whole yet.
      const text = existsSync(seenPath) ? readFileSync(seenPath, 'utf8') : ''
      return text.endsWith('}') ? seenSchema.parse(JSON.parse(text)) : undefined
    },
    async serve() {
      const { api, state } = createFakeNode()
      const server = createControlServer({ api, logger: silentLogger }, { path: homePaths(root).socket })
      steps.push(() => server.stop())
      await server.start()
      return state
    },
    async stop() {
      for (const step of steps.splice(0).reverse()) await step()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The one JSON document of a run with --json; fails when there is anything else on stdout. */
export function documentOf<S extends z.ZodType>(schema: S, { stdout }: CliResult): z.infer<S> {
  return schema.parse(JSON.parse(stdout))
}
