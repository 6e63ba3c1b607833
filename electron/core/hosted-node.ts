import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { runEntry } from '../../node-core/cli/entries/entry-process.ts'
import { FaultError } from '../../node-core/platform/error.ts'
import type { HomePaths } from '../../node-core/platform/home.ts'
import type { Problem } from './messages.ts'
import type { HostedNode } from './node-keeper.ts'
import { findRuntime } from './runtime.ts'

const START_MS = 60_000
/** Then it is killed: what matters is on the disk already. */
const STOP_MS = 15_000

const answerSchema = z.object({ ok: z.literal(true), pid: z.number().int().positive() })

export interface HostOptions {
  readonly paths: HomePaths
  /** The folder that holds `dist` and `node_modules`. */
  readonly root: string
  readonly passphrase: string | undefined
}

/** Starts the node of a home, also of one that belongs to no mesh yet. It ends with this process, however that ends. */
export async function launchNode(
  { paths, root, passphrase }: HostOptions,
  signal: AbortSignal,
): Promise<HostedNode> {
  const runtime = findRuntime(root, { ...process, exists: existsSync, systemNode })
  if (typeof runtime !== 'string') {
    throw new FaultError({ code: runtime.code }, runtime.message, { hint: runtime.hint })
  }
  mkdirSync(paths.logs, { recursive: true, mode: 0o700 })
  const { answer, child } = await runEntry({
    runtime,
    program: join(root, 'dist/node-core/node.js'),
    options: { home: paths.root, foreground: true, setup: true },
    secrets: { passphrase },
    answer: answerSchema,
    log: { file: join(paths.logs, 'start.log') },
    detached: false,
    tied: true,
    timeoutMs: START_MS,
    signal,
  })
  child.stdout?.resume()
  const gone = new Promise<'asked' | Problem>((resolve) => {
    const end = (code: number | null, killedBy: string | null): void =>
      resolve(code === 0 ? 'asked' : died(code, killedBy))
    if (child.exitCode !== null || child.signalCode !== null) end(child.exitCode, child.signalCode)
    else child.once('exit', end)
  })
  return {
    ...{ pid: answer.pid, gone },
    async stop() {
      child.kill('SIGTERM')
      const insist = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await gone
      clearTimeout(insist)
    },
  }
}

function systemNode(): string | undefined {
  const { stdout, status } = spawnSync('node', ['-p', 'process.versions.node'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

function died(code: number | null, killedBy: string | null): Problem {
  const how = killedBy === null ? `with exit code ${code}` : `by ${killedBy}`
  return {
    code: 'NODE_DIED',
    message: `The node ended ${how}.`,
    hint: 'It is started again by itself. If it keeps ending, see the log in its home.',
  }
}
