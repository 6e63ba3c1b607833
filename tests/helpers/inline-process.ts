import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface InlineProcess {
  readonly pid: number
  /** The next line of its output. Rejects when it ended or stayed silent for the limit. */
  line(): Promise<string>
  /** Every whole line from here to its end. */
  drain(): Promise<readonly string[]>
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>
}

const LINE_LIMIT_MS = 15_000

/**
 * Runs a piece of TypeScript without imports of its own as a real process of this Node. `imports` names what it uses:
 * `{ takeHomeLock: new URL('./home-lock.ts', import.meta.url) }`. Arguments arrive as `process.argv[1]` and on.
 */
export function startInline(
  imports: Readonly<Record<string, URL>>,
  code: string,
  args: readonly string[] = [],
  options: { readonly uid?: number } = {},
): InlineProcess {
  const head = Object.entries(imports).map(([name, url]) => `import { ${name} } from '${url.href}'`)
  const source = [...head, code].join('\n')
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source, '--', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  })
  if (child.stdout === null || child.pid === undefined) throw new Error('the process did not start')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    pid: child.pid,
    line: lineReader(lines),
    async drain() {
      const rest: string[] = []
      for (let next = await lines.next(); next.done !== true; next = await lines.next()) rest.push(next.value)
      return rest
    },
    async kill() {
      child.kill('SIGKILL')
      await endOf(child)
    },
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function lineReader(lines: AsyncIterator<string>): () => Promise<string> {
  return async () => {
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the process said nothing in time')), LINE_LIMIT_MS)
    })
    try {
      const next = await Promise.race([lines.next(), limit])
      if (next.done === true) throw new Error('the process ended without another line')
      return next.value
    } finally {
      clearTimeout(timer)
    }
  }
}
