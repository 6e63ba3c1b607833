import { constants } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import type { SecurityFault } from './faults.ts'

const OTHERS = 0o077

/** `code` of a Node file system error. */
const errnoOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined

export const isMissing = (error: unknown): boolean => errnoOf(error) === 'ENOENT'

/**
 * Reads a file that only its owner may read. `undefined` when there is none. Throws KEYSTORE_EXPOSED when anyone else has a right
 * to it, KEYSTORE_DAMAGED when it is larger than `maxBytes`, KEYSTORE_UNREADABLE when it cannot be read.
 */
export async function readSecretFile(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  let file: FileHandle
  try {
    // Neither through a link that someone laid, nor waiting on a pipe for ever. Windows has neither flag.
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw unreadable(path, error)
  }
  try {
    const status = await file.stat()
    if (!status.isFile()) throw unreadable(path, undefined)
    // Windows has no such modes: there the home's access list protects it.
    if (process.platform !== 'win32' && (status.mode & OTHERS) !== 0) throw exposed(path, status.mode)
    // One byte more than the limit tells a file that is too large, however large.
    const bytes = new Uint8Array(maxBytes + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length > maxBytes) throw oversize(path, maxBytes)
    return bytes.subarray(0, length)
  } finally {
    await file.close()
  }
}

/**
 * Replaces a file in one step: whoever reads it, also after a power cut, finds the old content or the new, whole. Mode 0600 from
 * its first moment.
 */
export async function writeSecretFile(
  deps: { readonly random: Random },
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = `${path}.${Buffer.from(deps.random.bytes(6)).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  await syncDirectory(dirname(path))
}

/** The rename itself must reach the disk. Windows cannot open a directory, and journals renames. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

const oversize = (path: string, maxBytes: number): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>(
    { code: 'KEYSTORE_DAMAGED', path },
    `${path} is larger than the ${maxBytes} bytes that a file of its kind can have`,
    { hint: 'Restore it from a backup.' },
  )

const exposed = (path: string, mode: number): FaultError<SecurityFault> => {
  const octal = (mode & 0o777).toString(8).padStart(4, '0')
  return new FaultError<SecurityFault>(
    { code: 'KEYSTORE_EXPOSED', path, mode: octal },
    `${path} has mode ${octal}: other users of this machine can reach it`,
    {
      hint: `If nobody else has read it, run: chmod 600 '${path}'. Otherwise revoke this node and join anew.`,
    },
  )
}

const unreadable = (path: string, cause: unknown): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>({ code: 'KEYSTORE_UNREADABLE', path }, `${path} cannot be read as a file`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Check that it is a regular file that belongs to the user who runs the node.',
  })
