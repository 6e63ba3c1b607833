import { spawn } from 'node:child_process'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import { readSecretFile } from '../../security/secret-file.ts'

/** In the home. */
export const COMMAND_FILE = 'heal-commands.yaml'

/**
 * Programs that the operator of this machine lets the loop run. They stand in one local file that only its owner may
 * read, `heal-commands.yaml` in the home; nothing that comes over the contract, a policy, an import or a playbook can
 * add to it or change an argument.
 */
const commandSchema = z.strictObject({
  /** An absolute path: no search path decides what is run. */
  run: z.string().regex(/^\//, 'expected an absolute path').max(4_096),
  args: z.array(z.string().max(4_096)).max(64).default([]),
  /** The incident has to be about this service, or the command is not run. */
  service: z.string().max(63).optional(),
  /** Numeric ids that it runs as; the node's own where nothing is said. */
  user: z.int().min(1).optional(),
  group: z.int().min(1).optional(),
  'timeout-seconds': z.int().min(1).max(600).default(30),
})
const fileSchema = z.strictObject({
  commands: z.record(z.string().regex(/^[a-z0-9-]{1,63}$/), commandSchema),
  /** Of these, the one that is told what people should know. */
  notify: z.string().optional(),
})

export type OperatorCommand = z.infer<typeof commandSchema>
export type CommandFile = z.infer<typeof fileSchema>

export type CommandFault =
  | { code: 'COMMAND_FILE_INVALID'; path: string }
  | { code: 'COMMAND_UNKNOWN'; name: string }
  | { code: 'COMMAND_FAILED'; name: string }

const MAX_FILE_BYTES = 64 * 1024
const MAX_OUTPUT_BYTES = 16 * 1024
const MAX_QUOTED = 300
const KILL_AFTER_MS = 2_000

/** @throws FaultError COMMAND_FILE_INVALID, and what `readSecretFile` throws for a file that others may read */
export async function readCommandFile(path: string): Promise<CommandFile> {
  const bytes = await readSecretFile(path, MAX_FILE_BYTES)
  if (bytes === undefined) return { commands: {} }
  try {
    return fileSchema.parse(parse(new TextDecoder().decode(bytes)) ?? { commands: {} })
  } catch (error) {
    throw new FaultError<CommandFault>(
      { code: 'COMMAND_FILE_INVALID', path },
      `${path} cannot be used: ${error instanceof z.ZodError ? (error.issues[0]?.message ?? '') : messageOf(error)}`,
    )
  }
}

/**
 * Runs one declared command to its end: fixed arguments, no shell, an environment of its own, bounded in time and
 * output. `input` goes to its standard input.
 *
 * @throws FaultError COMMAND_FAILED
 */
export async function runOperatorCommand(
  clock: Clock,
  name: string,
  command: OperatorCommand,
  input: string,
  signal: AbortSignal,
): Promise<string> {
  const failed = (why: string, cause?: unknown) =>
    new FaultError<CommandFault>({ code: 'COMMAND_FAILED', name }, `the command ${name} ${why}`, { cause })
  return new Promise((resolve, reject) => {
    const child = spawn(command.run, command.args, {
      shell: false,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own, so that what it started ends with it.
      detached: true,
      ...(command.user === undefined ? {} : { uid: command.user }),
      ...(command.group === undefined ? {} : { gid: command.group }),
    })
    let output = ''
    let ending: string | undefined
    const collect = (chunk: Buffer): void => {
      if (output.length < MAX_OUTPUT_BYTES)
        output += chunk.toString('utf8').slice(0, MAX_OUTPUT_BYTES - output.length)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const kill = (how: NodeJS.Signals): void => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, how)
      } catch {
        // It has ended by itself meanwhile.
      }
    }
    let cancelKill = (): void => {}
    const end = (why: string): void => {
      ending ??= why
      kill('SIGTERM')
      cancelKill = clock.after(KILL_AFTER_MS, () => kill('SIGKILL'))
    }
    const seconds = command['timeout-seconds']
    const cancel = clock.after(seconds * 1_000, () => end(`took longer than ${seconds} s`))
    const onAbort = (): void => end('was called off')
    signal.addEventListener('abort', onAbort, { once: true })
    const settle = (): void => {
      cancel()
      cancelKill()
      signal.removeEventListener('abort', onAbort)
    }
    child.on('error', (error) => {
      settle()
      reject(failed(`could not be started: ${messageOf(error)}`, error))
    })
    child.on('close', (code, killed) => {
      settle()
      const said = output.trim().replace(/\s+/g, ' ').slice(0, MAX_QUOTED)
      if (ending !== undefined) reject(failed(ending))
      else if (code !== 0) reject(failed(`ended with ${code ?? killed}${said === '' ? '' : `: ${said}`}`))
      else resolve(said)
    })
  })
}
