import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FaultError } from './error.ts'
import {
  currentSurroundings,
  defaultHome,
  ensureHome,
  ensureSocketDirectory,
  type HomeFault,
  type HomeSurroundings,
  homePaths,
} from './home.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-home-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const LONG = 'a'.repeat(90)
const surroundings = (over: Partial<HomeSurroundings> = {}): HomeSurroundings => ({
  platform: 'linux',
  env: {},
  tmpDir: folder,
  uid: 1000,
  ...over,
})

function faultOf(work: () => void): HomeFault['why'] | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof FaultError && error.code === 'HOME_UNUSABLE') return (error.fault as HomeFault).why
    throw error
  }
}

describe('defaultHome', () => {
  it('takes X0T_HOME before anything else', () => {
    expect(defaultHome({ X0T_HOME: '/x', XDG_DATA_HOME: '/d', HOME: '/h' }, 'linux')).toBe('/x')
  })

  it('follows what the system does for the data of programs', () => {
    expect(defaultHome({ XDG_DATA_HOME: '/d', HOME: '/h' }, 'linux')).toBe('/d/x0t')
    expect(defaultHome({ HOME: '/h' }, 'linux')).toBe('/h/.local/share/x0t')
    expect(defaultHome({ HOME: '/h' }, 'darwin')).toBe('/h/Library/Application Support/x0t')
    expect(defaultHome({ LOCALAPPDATA: '/l' }, 'win32')).toBe('/l/x0t')
  })

  it('ignores a relative XDG_DATA_HOME and an empty X0T_HOME', () => {
    expect(defaultHome({ X0T_HOME: '', XDG_DATA_HOME: 'data', HOME: '/h' }, 'linux')).toBe(
      '/h/.local/share/x0t',
    )
  })
})

describe('homePaths', () => {
  it('keeps everything in the home', () => {
    const paths = homePaths('/srv/x0t', surroundings())
    for (const path of Object.values(paths)) expect(path.startsWith('/srv/x0t')).toBe(true)
    expect(paths.config).toBe('/srv/x0t/x0t.yaml')
    expect(paths.socket).toBe('/srv/x0t/control.sock')
  })

  it('moves the socket of a long home to the runtime directory, one per home', () => {
    const env = { XDG_RUNTIME_DIR: '/run/user/1000' }
    const first = homePaths(`/${LONG}/1`, surroundings({ env })).socket
    const second = homePaths(`/${LONG}/2`, surroundings({ env })).socket
    expect(first).toMatch(/^\/run\/user\/1000\/x0t\/[0-9a-f]{16}\.sock$/)
    expect(second).not.toBe(first)
    expect(homePaths(`/${LONG}/1`, surroundings({ env })).socket).toBe(first)
  })

  it('uses a directory of this user in the temporary directory when there is no usable runtime directory', () => {
    for (const XDG_RUNTIME_DIR of [undefined, 'relative', `/${LONG}`]) {
      const socket = homePaths(`/${LONG}`, surroundings({ env: { XDG_RUNTIME_DIR }, tmpDir: '/tmp' })).socket
      expect(socket).toMatch(/^\/tmp\/x0t-1000\/[0-9a-f]{16}\.sock$/)
    }
  })

  it('measures a path in bytes, not in characters', () => {
    expect(homePaths(`/${'я'.repeat(50)}`, surroundings({ tmpDir: '/tmp' })).socket).toMatch(/^\/tmp\//)
  })

  it('takes a home reached through a link for what it is', () => {
    const real = join(folder, LONG)
    mkdirSync(real)
    symlinkSync(real, join(folder, 'link'))
    const link = join(folder, 'link', 'b'.repeat(60))
    mkdirSync(link)
    expect(homePaths(link, surroundings()).socket).toBe(
      homePaths(join(real, 'b'.repeat(60)), surroundings()).socket,
    )
  })

  it('names a pipe on Windows', () => {
    expect(homePaths('/x', surroundings({ platform: 'win32' })).socket).toMatch(
      /^\\\\\.\\pipe\\x0t-[0-9a-f]{16}$/,
    )
  })
})

describe('ensureHome', () => {
  it('makes a home that only its user can enter', () => {
    const paths = homePaths(join(folder, 'deep', 'home'))
    ensureHome(paths)
    ensureHome(paths)
    expect(statSync(paths.root).mode & 0o777).toBe(0o700)
  })

  it('refuses a home that others can write to, and one that is a file', () => {
    chmodSync(folder, 0o777)
    expect(faultOf(() => ensureHome(homePaths(folder)))).toBe('writable-by-others')
    chmodSync(folder, 0o755)
    expect(faultOf(() => ensureHome(homePaths(folder)))).toBeUndefined()
    writeFileSync(join(folder, 'file'), '')
    expect(faultOf(() => ensureHome(homePaths(join(folder, 'file'))))).toBe('not-a-directory')
    expect(faultOf(() => ensureHome(homePaths(join(folder, 'file', 'below'))))).toBe('io')
  })

  it('refuses a home of another user', () => {
    const asRoot = process.getuid?.() === 0
    if (asRoot) chownSync(folder, 12_345, 12_345)
    expect(faultOf(() => ensureHome(homePaths(asRoot ? folder : '/')))).toBe('not-ours')
  })
})

describe('ensureSocketDirectory', () => {
  const longHome = (): ReturnType<typeof homePaths> => {
    const tmpDir = mkdtempSync(join(tmpdir(), 'x0s-'))
    return homePaths(join(folder, LONG), { ...currentSurroundings(), env: {}, tmpDir })
  }

  it('makes a private directory for the socket of a long home', () => {
    const paths = longHome()
    ensureSocketDirectory(paths)
    const directory = join(paths.socket, '..')
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    chmodSync(directory, 0o750)
    expect(faultOf(() => ensureSocketDirectory(paths))).toBe('writable-by-others')
    rmSync(join(directory, '..'), { recursive: true })
  })

  it('does not follow a link that somebody put in its place', () => {
    const paths = longHome()
    const directory = join(paths.socket, '..')
    symlinkSync(folder, directory)
    expect(faultOf(() => ensureSocketDirectory(paths))).toBe('not-a-directory')
    rmSync(join(directory, '..'), { recursive: true })
  })
})
