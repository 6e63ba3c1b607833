import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const LAUNCHER = resolve(import.meta.dirname, 'x0t.sh')
const SHELL = '/bin/sh'
const TOOLS = ['dirname', 'readlink', 'uname']
const CLI = `
process.on('SIGTERM', () => { console.log('stopped in good order'); process.exit(7) })
console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2), node: process.execPath, mark: process.env.MARK }))
if (process.argv[2] === 'wait') setInterval(() => {}, 1000)
`

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function ended(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Run> {
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => {
    stdout += String(text)
  })
  child.stderr.on('data', (text) => {
    stderr += String(text)
  })
  return new Promise((done) => {
    child.on('close', (code) => done({ code, stdout, stderr }))
  })
}

describe.skipIf(process.platform === 'win32')('the launcher', () => {
  let base: string
  let project: string
  let emptyPath: string

  const start = (program: string, args: readonly string[] = [], path = emptyPath, cwd = base) =>
    spawn(program, args, { cwd, env: { PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] })
  const run = (...args: Parameters<typeof start>): Promise<Run> => ended(start(...args))
  const bundledAt = (): string =>
    join(project, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node')

  /** A PATH with the few tools that the launcher needs and no Node, or with a stand-in for one. */
  async function pathWith(name: string, node?: string): Promise<string> {
    const folder = join(base, name)
    await mkdir(folder)
    for (const tool of TOOLS) await symlink(await whereIs(tool), join(folder, tool))
    if (node !== undefined) {
      await writeFile(join(folder, 'node'), node)
      await chmod(join(folder, 'node'), 0o755)
    }
    return folder
  }

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'x0t launcher ')))
    project = join(base, 'a project')
    await mkdir(join(project, 'dist/node-core'), { recursive: true })
    await copyFile(LAUNCHER, join(project, 'dist/x0t'))
    await chmod(join(project, 'dist/x0t'), 0o755)
    await writeFile(join(project, 'dist/node-core/cli.js'), CLI)
    await mkdir(resolve(bundledAt(), '..'), { recursive: true })
    await symlink(process.execPath, bundledAt())
    emptyPath = await pathWith('tools')
  })
  afterEach(() => rm(base, { recursive: true, force: true }))

  it('runs the CLI with the Node of the install, from any directory, and hands on every argument as it is', async () => {
    const args = ['invite', 'two words', '', '*', '$HOME', "it's", '--', '"q"']
    const { code, stdout } = await run(join(project, 'dist/x0t'), args, emptyPath, '/')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ args })
  })

  it('is found through a chain of relative and absolute symlinks', async () => {
    await mkdir(join(base, 'bin/deep'), { recursive: true })
    await symlink('../a project/dist/x0t', join(base, 'bin/one'))
    await symlink(join(base, 'bin/one'), join(base, 'bin/deep/two'))
    await symlink('deep/two', join(base, 'bin/three'))
    expect((await run('bin/three', [], emptyPath, base)).code).toBe(0)
    expect((await run(join(base, 'bin/three'), [], emptyPath, '/')).code).toBe(0)
  })

  it('is found through a link to its folder', async () => {
    await symlink('a project/dist', join(base, 'linked'))
    expect((await run(join(base, 'linked/x0t'))).code).toBe(0)
  })

  it('becomes the CLI, so that its process id and its signals are those of the CLI', async () => {
    const child = start(join(project, 'dist/x0t'), ['wait'])
    const first = new Promise<string>((done) => {
      child.stdout.once('data', (text) => done(String(text)))
    })
    const end = ended(child)
    expect(JSON.parse(await first)).toMatchObject({ pid: child.pid })
    child.kill('SIGTERM')
    const { code, stdout } = await end
    expect(stdout).toContain('stopped in good order')
    expect(code).toBe(7)
  })

  it('takes the Node of the system when none came with the install', async () => {
    await rm(bundledAt())
    const path = await pathWith('new', `#!${SHELL}\nMARK=system exec ${process.execPath} "$@"\n`)
    const { code, stdout } = await run(join(project, 'dist/x0t'), ['status'], path)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ args: ['status'], mark: 'system' })
  })

  it('says what to install when the Node of the system is too old', async () => {
    await rm(bundledAt())
    const path = await pathWith(
      'old',
      `#!${SHELL}\n[ "$1" = --version ] && echo v22.18.0 && exit 0\nexit 1\n`,
    )
    const { code, stdout, stderr } = await run(join(project, 'dist/x0t'), ['status'], path)
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('node v22.18.0, 22.19 or newer is needed')
    expect(stderr).toContain('install Node.js 24')
  })

  it('says what to do when the project is not built', async () => {
    await rm(join(project, 'dist/node-core'), { recursive: true })
    const { code, stderr } = await run(join(project, 'dist/x0t'))
    expect(code).toBe(1)
    expect(stderr).toContain(`not built. Run 'npm ci' in ${project}`)
  })

  it('says what to install when there is no Node at all', async () => {
    await rm(bundledAt())
    const { code, stderr } = await run(join(project, 'dist/x0t'))
    expect(code).toBe(1)
    expect(stderr).toContain('no node command')
    expect(stderr).toContain(`run 'npm ci' in ${project}`)
  })
})

async function whereIs(tool: string): Promise<string> {
  const { stdout } = await ended(
    spawn(SHELL, ['-c', `command -v ${tool}`], { stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  return stdout.trim()
}
