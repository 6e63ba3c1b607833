import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { FaultError, messageOf } from './error.ts'
import { currentUid } from './user.ts'

/** Where one node keeps everything. All paths are absolute. */
export interface HomePaths {
  readonly root: string
  /** Written by people. */
  readonly config: string
  readonly keystore: string
  /** Opens the keystore when there is no passphrase. */
  readonly keyFile: string
  readonly database: string
  /** Series of samples: bulk, apart from what must not be lost. */
  readonly series: string
  /** The control socket; a named pipe on Windows; outside the home when the home's path is too long for a socket. */
  readonly socket: string
  /** A directory. */
  readonly logs: string
  /** Held by the one process that uses the home: see `knowledge/home-lock.ts`. */
  readonly lock: string
}

export type HomeFault = {
  code: 'HOME_UNUSABLE'
  path: string
  why: 'not-a-directory' | 'not-ours' | 'writable-by-others' | 'io'
}

/** What the paths depend on besides the home; the real process by default. */
export interface HomeSurroundings {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly tmpDir: string
  /** Numeric user id; -1 where the system has none. */
  readonly uid: number
}

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, with the final zero; a little is left for suffixes. */
const MAX_SOCKET_PATH_BYTES = 100
const PRIVATE_MODE = 0o700
const WRITABLE_BY_OTHERS = 0o022
const OPEN_TO_OTHERS = 0o077

export function currentSurroundings(): HomeSurroundings {
  return { platform: process.platform, env: process.env, tmpDir: tmpdir(), uid: currentUid() }
}

/** The home when none is named: X0T_HOME, else the place where the system keeps the data of a user's programs. */
export function defaultHome(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env['X0T_HOME'] !== undefined && env['X0T_HOME'] !== '') return resolve(env['X0T_HOME'])
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] ?? join(homeDirectory(env), 'AppData', 'Local'), 'x0t')
  }
  const xdg = env['XDG_DATA_HOME']
  // The XDG base directory specification: a relative path in these variables is invalid and ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'x0t')
  if (platform === 'darwin') return join(homeDirectory(env), 'Library', 'Application Support', 'x0t')
  return join(homeDirectory(env), '.local', 'share', 'x0t')
}

/** Where practice labs live: beside the default home, whatever X0T_HOME says. */
export function labsDirectory(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  return `${defaultHome({ ...env, X0T_HOME: undefined }, platform)}-labs`
}

/** Where the homes of `x0t --mesh NAME` are: beside the default home, whatever X0T_HOME says. */
export function meshesDirectory(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  return `${defaultHome({ ...env, X0T_HOME: undefined }, platform)}-meshes`
}

function homeDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const fromEnv = env['HOME']
  return fromEnv !== undefined && isAbsolute(fromEnv) ? fromEnv : homedir()
}

/** The paths in a home, whether or not it exists. Changes nothing on disk. */
export function homePaths(home: string, surroundings: HomeSurroundings = currentSurroundings()): HomePaths {
  const root = realPath(resolve(home))
  return {
    root,
    config: join(root, 'x0t.yaml'),
    keystore: join(root, 'keystore.x0t'),
    keyFile: join(root, 'keystore.key'),
    database: join(root, 'knowledge.db'),
    series: join(root, 'series.db'),
    socket: socketPath(root, surroundings),
    logs: join(root, 'logs'),
    lock: join(root, 'node.lock'),
  }
}

function socketPath(root: string, { platform, env, tmpDir, uid }: HomeSurroundings): string {
  const id = createHash('sha256').update(root).digest('hex').slice(0, 16)
  if (platform === 'win32') return `\\\\.\\pipe\\x0t-${id}`
  const inside = join(root, 'control.sock')
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES) return inside
  // Both ends of the socket compute this path, so they need the same XDG_RUNTIME_DIR or none.
  const runtime = env['XDG_RUNTIME_DIR']
  if (runtime !== undefined && isAbsolute(runtime)) {
    const short = join(runtime, 'x0t', `${id}.sock`)
    if (Buffer.byteLength(short) <= MAX_SOCKET_PATH_BYTES) return short
  }
  return join(tmpDir, `x0t-${uid}`, `${id}.sock`)
}

/** One home reached by two names is one home, with one socket. */
function realPath(root: string): string {
  try {
    return realpathSync(root)
  } catch {
    // Not made yet: nothing runs there under any name.
    return root
  }
}

/**
 * Makes the home, readable for its user alone, or checks the one that is there. A home that belongs to somebody else
 * or that others can write to is refused: whoever can replace the files in it is the node.
 *
 * @throws FaultError HOME_UNUSABLE
 */
export function ensureHome(paths: HomePaths): void {
  ensurePrivateDirectory(paths.root, statSync, WRITABLE_BY_OTHERS)
}

/**
 * Makes or checks the directory of the control socket. To be called by both ends before they use the socket: when it
 * lies in a directory that all users share, another user could have put one of his own there first.
 *
 * @throws FaultError HOME_UNUSABLE
 */
export function ensureSocketDirectory(paths: HomePaths): void {
  if (paths.socket.startsWith('\\\\.\\pipe\\')) return
  const directory = dirname(paths.socket)
  if (directory === paths.root) ensureHome(paths)
  // Not through a link: in a directory that everybody shares, another user could have put a link there.
  else ensurePrivateDirectory(directory, lstatSync, OPEN_TO_OTHERS)
}

type Inspect = (path: string, options: { throwIfNoEntry: false }) => Stats | undefined

function ensurePrivateDirectory(path: string, inspect: Inspect, forbiddenMode: number): void {
  const found = inspectOrMake(path, inspect)
  if (!found.isDirectory()) {
    throw unusable(path, 'not-a-directory', 'is not a directory', 'Name another home with --home.')
  }
  if (process.platform === 'win32') return
  const uid = currentUid()
  if (found.uid !== uid) {
    const hint = 'Run x0t as the user who made it, or name another home with --home.'
    throw unusable(path, 'not-ours', `belongs to user ${found.uid}, not to user ${uid}`, hint)
  }
  if ((found.mode & forbiddenMode) !== 0) {
    const mode = (found.mode & 0o777).toString(8)
    throw unusable(
      path,
      'writable-by-others',
      `has mode ${mode}, so others could replace what is in it`,
      `chmod 700 ${path}`,
    )
  }
}

function inspectOrMake(path: string, inspect: Inspect): Stats {
  try {
    const found = inspect(path, { throwIfNoEntry: false })
    if (found !== undefined) return found
    mkdirSync(path, { recursive: true, mode: PRIVATE_MODE })
    return lstatSync(path)
  } catch (error) {
    const hint = 'Name another home with --home.'
    throw unusable(path, 'io', `cannot be used: ${messageOf(error)}`, hint, error)
  }
}

function unusable(
  path: string,
  why: HomeFault['why'],
  text: string,
  hint: string,
  cause?: unknown,
): FaultError<HomeFault> {
  return new FaultError<HomeFault>({ code: 'HOME_UNUSABLE', path, why }, `${path} ${text}`, { cause, hint })
}
