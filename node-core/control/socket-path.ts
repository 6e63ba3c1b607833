import { type BigIntStats, linkSync, lstatSync, renameSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { connect } from 'node:net'
import { FaultError, messageOf } from '../platform/error.ts'

export type SocketFault =
  | { code: 'NODE_ALREADY_RUNNING'; path: string }
  | { code: 'SOCKET_UNUSABLE'; path: string }

const PROBE_MS = 2_000
const MAX_ATTEMPTS = 5
/** What a socket made by `bind` must not carry: all but read and write for its user. */
const PRIVATE_UMASK = 0o177

const isPipe = (path: string): boolean => path.startsWith('\\\\.\\pipe\\') || path.startsWith('\\\\?\\pipe\\')

const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

function alreadyRunning(path: string): FaultError<SocketFault> {
  return new FaultError<SocketFault>(
    { code: 'NODE_ALREADY_RUNNING', path },
    `a node already runs on this home: it answers at ${path}`,
    { hint: 'Use x0t status to see it, x0t down to stop it, or --home for another home.' },
  )
}

function unusable(path: string, why: string, cause?: unknown): FaultError<SocketFault> {
  return new FaultError<SocketFault>(
    { code: 'SOCKET_UNUSABLE', path },
    `the control socket cannot be made at ${path}: ${why}`,
    { cause, hint: 'Move away what is there, or use another home with --home.' },
  )
}

/**
 * Listens on a Unix socket that is mode 0600 from its first moment, or on a Windows named pipe. A socket that a dead
 * node left behind is replaced; one that a living node answers on is a fault.
 *
 * @throws FaultError NODE_ALREADY_RUNNING, SOCKET_UNUSABLE
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      await bind(server, path)
      return
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE') throw unusable(path, messageOf(error), error)
      if (isPipe(path)) throw alreadyRunning(path)
      const found = identify(path)
      if (await answers(path)) throw alreadyRunning(path)
      if (found !== undefined) removeStale(path, found)
    }
  }
  throw unusable(path, 'others keep taking its place')
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (action: () => void): void => {
      server.off('error', onError)
      server.off('listening', onListening)
      action()
    }
    const onError = (error: Error): void => settle(() => reject(error))
    const onListening = (): void => settle(resolve)
    server.once('error', onError)
    server.once('listening', onListening)
    if (isPipe(path)) {
      server.listen(path)
      return
    }
    // bind(2) happens within this call, so the umask is ours for that one moment: with a chmod after it there would be
    // a window in which others could connect.
    const before = process.umask(PRIVATE_UMASK)
    try {
      server.listen(path)
    } finally {
      process.umask(before)
    }
  })
}

/** True unless nobody is there. A node that is too busy to accept is there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const end = (alive: boolean): void => {
      socket.destroy()
      resolve(alive)
    }
    socket.setTimeout(PROBE_MS, () => end(true))
    socket.once('connect', () => end(true))
    socket.once('error', (error) => end(!['ECONNREFUSED', 'ENOENT'].includes(errnoOf(error) ?? '')))
  })
}

/** The socket at a path, or undefined when there is none any more. */
function identify(path: string): BigIntStats | undefined {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (found?.isSocket() === false) throw unusable(path, 'something that is not a socket has that name')
  return found
}

/** Inode numbers are used again at once, times are not. */
const isSame = (one: BigIntStats, other: BigIntStats | undefined): boolean =>
  one.ino === other?.ino && one.mtimeNs === other.mtimeNs

/**
 * Removes the socket that was found dead, and no other: of two nodes that start at once, the slower one must not
 * delete what the faster one has just made. So it is moved away, looked at again, and put back if it is not the one.
 */
function removeStale(path: string, dead: BigIntStats): void {
  const aside = `${path}.old`
  try {
    if (!isSame(dead, identify(path))) return
    renameSync(path, aside)
    if (!isSame(dead, identify(aside))) linkSync(aside, path)
    rmSync(aside, { force: true })
  } catch (error) {
    if (error instanceof FaultError) throw error
    // Somebody else was faster: the next attempt finds out who.
    if (errnoOf(error) !== 'ENOENT') throw unusable(path, messageOf(error), error)
  }
}
