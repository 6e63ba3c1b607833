import { spawn } from 'node:child_process'

export interface CommandResult {
  /** Exit code, or 128 when a signal ended it. */
  readonly code: number
  /** Standard output and standard error as they came, interleaved. */
  readonly output: string
  readonly stdout: string
  readonly tookMs: number
}

export interface CommandOptions {
  readonly cwd: string
  /** Shows the output as it comes as well as keeping it. */
  readonly stream?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a JavaScript program of node_modules with this very Node. Rejects only when it cannot be started. */
export function runNode(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      stdout += text
      if (options.stream === true) process.stdout.write(text)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (options.stream === true) process.stderr.write(text)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code: code ?? 128, output, stdout, tookMs: performance.now() - began })
    })
  })
}
