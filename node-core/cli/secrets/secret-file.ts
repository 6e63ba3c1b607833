import { readFile, stat } from 'node:fs/promises'
import { addAbortSignal, type Readable } from 'node:stream'
import { messageOf } from '../../platform/error.ts'
import { cliFault } from '../fault.ts'

/** Above any passphrase and any token. */
const MAX_SECRET_BYTES = 8 * 1024

type SecretName = 'passphrase' | 'token'

/**
 * A secret from a file, or from standard input for `-`: its first line, without the line's end.
 *
 * @throws FaultError SECRET_UNREADABLE, INTERRUPTED. The secret is in no message.
 */
export async function readSecretFile(
  path: string,
  what: SecretName,
  { input, signal }: { input: Readable; signal: AbortSignal },
): Promise<string> {
  const from = path === '-' ? 'standard input' : path
  let text: string
  try {
    text = path === '-' ? await firstLine(addAbortSignal(signal, input)) : await readSmall(path)
  } catch (error) {
    signal.throwIfAborted()
    throw unreadable(`the ${what} cannot be read from ${from}: ${messageOf(error)}`, what, error)
  }
  const line = text.split(/\r?\n/, 1)[0] ?? ''
  if (line === '') throw unreadable(`there is no ${what} in ${from}`, what)
  return line
}

async function readSmall(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > MAX_SECRET_BYTES) throw new RangeError(`it has more than ${MAX_SECRET_BYTES} bytes`)
  return readFile(path, 'utf8')
}

async function firstLine(input: Readable): Promise<string> {
  let text = ''
  input.setEncoding('utf8')
  for await (const chunk of input) {
    text += String(chunk)
    if (text.length > MAX_SECRET_BYTES) throw new RangeError(`it has more than ${MAX_SECRET_BYTES} bytes`)
    if (text.includes('\n')) break
  }
  return text
}

function unreadable(message: string, what: SecretName, cause?: unknown): Error {
  return cliFault({ code: 'SECRET_UNREADABLE' }, message, {
    cause,
    hint: `Give a file whose first line is the ${what}.`,
  })
}
