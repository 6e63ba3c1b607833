import { readSecretFile } from '../../security/secret-file.ts'
import { notTold } from './delivery-fault.ts'

const MAX_SECRET_BYTES = 2_048
const LINE_END = 10

/**
 * Gives `use` what the file holds, without the line end that an editor leaves, and wipes it afterwards. It is read for
 * each message: a key that is changed needs no restart, and none stays in memory.
 *
 * @throws FaultError NOTIFY_FAILED, and what `readSecretFile` throws for a file that others may read
 */
export async function withSecret<T>(
  what: string,
  path: string,
  minBytes: number,
  use: (secret: Buffer) => Promise<T>,
): Promise<T> {
  const read = await readSecretFile(path, MAX_SECRET_BYTES)
  if (read === undefined) throw notTold(what, `${path} is not there`, { retry: false })
  const whole = Buffer.from(read.buffer, read.byteOffset, read.byteLength)
  try {
    const secret = whole.subarray(0, whole.at(-1) === LINE_END ? whole.length - 1 : whole.length)
    if (secret.length < minBytes)
      throw notTold(what, `its secret has fewer than ${minBytes} bytes`, { retry: false })
    return await use(secret)
  } finally {
    whole.fill(0)
  }
}

/** The secret as text, for a header or an address: one word of printable ASCII, so that it cannot break either. */
export function wordOf(what: string, secret: Buffer): string {
  const text = secret.toString('latin1').trim()
  if (/^[\x21-\x7e]+$/.test(text)) return text
  throw notTold(what, 'its secret is not one word', { retry: false })
}
