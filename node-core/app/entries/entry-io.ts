import { z } from 'zod'
import { type NodeName, parseNodeName } from '../../domain/ids.ts'
import { FaultError, messageOf } from '../../platform/error.ts'

/** Secrets reach an entry over stdin alone: arguments and the environment of a process can be read by others. */
const secretsSchema = z.strictObject({
  passphrase: z.string().min(1).max(4096).optional(),
  token: z.string().min(1).max(8192).optional(),
  /** Of a keystore that is sealed anew. */
  newPassphrase: z.string().min(1).max(4096).optional(),
  /** Of a sealed file outside of the home. */
  filePassphrase: z.string().min(1).max(4096).optional(),
})
export type EntrySecrets = z.infer<typeof secretsSchema>

/** A node's name, as an option of an entry. */
export const nodeNameOption = z.string().transform((raw, context): NodeName => {
  const name = parseNodeName(raw)
  if (name !== undefined) return name
  context.addIssue('must be a node name')
  return z.NEVER
})

const MAX_STDIN_BYTES = 64 * 1024

export type EntryFault = { code: 'ENTRY_USAGE'; what: string }

function usage(what: string, cause?: unknown): FaultError<EntryFault> {
  return new FaultError<EntryFault>(
    { code: 'ENTRY_USAGE', what },
    `this program is started by x0t: ${what}`,
    {
      cause,
      hint: 'Use the x0t command; see x0t --help.',
    },
  )
}

async function readSecrets(): Promise<EntrySecrets> {
  if (process.stdin.isTTY === true) return {}
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length
    if (size > MAX_STDIN_BYTES) throw usage('more than 64 KiB on standard input')
    chunks.push(chunk as Buffer)
  }
  const text = Buffer.concat(chunks)
  try {
    return size === 0 ? {} : secretsSchema.parse(JSON.parse(text.toString('utf8')))
  } catch {
    // The cause would quote the input, and the input holds secrets.
    throw usage('standard input is not the expected JSON')
  } finally {
    for (const chunk of chunks) chunk.fill(0)
    text.fill(0)
  }
}

/** Writes one line of JSON to stdout and resolves once the operating system has it. A reader that left is no error. */
export function printLine(value: object): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(value)}\n`, () => resolve())
  })
}

function describe(error: unknown): { code: string; message: string; hint?: string } {
  if (error instanceof FaultError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    }
  }
  return {
    code: 'INTERNAL',
    message: `an unexpected fault: ${messageOf(error)}`,
    hint: 'This is a defect of x0t: the log in the home has the details.',
  }
}

/**
 * The frame of every entry: options are one JSON document in argv[2], secrets come over stdin, the answer is a JSON
 * line on stdout. A failure becomes `{ ok: false, error }` and exit code 1.
 */
export async function runEntry<S extends z.ZodType>(
  schema: S,
  main: (options: z.infer<S>, secrets: EntrySecrets) => Promise<void>,
): Promise<void> {
  // Whoever reads our output may leave at any time; that must not end a node.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  // Timers of the clock never keep a process alive, and an entry may have nothing but one to wait for.
  const hold = setInterval(() => {}, 2 ** 30)
  try {
    const raw = process.argv[2]
    if (raw === undefined) throw usage('its options are missing')
    let options: z.infer<S>
    try {
      options = schema.parse(JSON.parse(raw))
    } catch (error) {
      throw usage('its options are not what it expects', error)
    }
    await main(options, await readSecrets())
  } catch (error) {
    await printLine({ ok: false, error: describe(error) })
    process.exitCode = 1
  } finally {
    clearInterval(hold)
  }
}
