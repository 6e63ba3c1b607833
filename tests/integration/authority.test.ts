import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Status } from '../../node-core/contract/schemas.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor, x0t } from '../helpers/x0t.ts'

interface Shown {
  readonly policy: { readonly number: number; readonly document: string } | null
  readonly writable: boolean
}

const ROOT = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)

/** The commands of docs/operations.md, word for word. */
async function documented(): Promise<string> {
  const text = await readFile(join(ROOT, 'docs', 'operations.md'), 'utf8')
  const block = /<!-- run by tests\/integration\/authority\.test\.ts -->\n```sh\n([^`]+)```/.exec(text)?.[1]
  if (block === undefined) throw new Error('docs/operations.md has lost the block that this test runs')
  return block
}

describe('the authority of a mesh, outside of its nodes', () => {
  let mesh: MeshFixture
  let folder: string
  let sealed: string
  let secret: string
  let founder: RunningNode
  let server: RunningNode

  beforeAll(async () => {
    mesh = await createMeshFixture()
    folder = await mkdtemp(join(tmpdir(), 'x0t-authority-'))
    sealed = join(folder, 'home.authority')
    secret = join(folder, 'passphrase')
    await writeFile(secret, 'three words and a number 7\n', { mode: 0o600 })
    await mesh.init('laptop')
    founder = await mesh.up('laptop')
    await mesh.join('server', founder)
    server = await mesh.up('server')
    expect((await server.x0t(['wait', '--for', 'linked', '--timeout', '30s'])).code).toBe(0)
  })

  afterAll(async () => {
    await mesh?.stop()
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  const offline = (command: readonly string[]) => x0t(['--home', founder.home, ...command, '--json'])
  const withFile = (...command: readonly string[]) => [...command, sealed, '--file-passphrase-file', secret]

  it('is exported only while the node does not run, once, and opens with its own passphrase alone', async () => {
    const running = await offline(withFile('authority', 'export'))
    expect([running.code, JSON.parse(running.stdout).error.code]).toEqual([1, 'HOME_IN_USE'])
    await founder.stop()
    expect((await offline(withFile('authority', 'export'))).code).toBe(0)
    const twice = await offline(withFile('authority', 'export'))
    expect([twice.code, JSON.parse(twice.stdout).error.code]).toEqual([1, 'FILE_EXISTS'])
    const wrong = join(folder, 'wrong')
    await writeFile(wrong, 'another passphrase\n', { mode: 0o600 })
    const locked = await offline(['authority', 'remove', sealed, '--file-passphrase-file', wrong, '--yes'])
    expect([locked.code, JSON.parse(locked.stdout).error.code]).toEqual([1, 'KEYSTORE_LOCKED'])
    const bytes = await readFile(sealed)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    await writeFile(join(folder, 'changed'), bytes, { mode: 0o600 })
    const changed = await offline([
      'authority',
      'remove',
      join(folder, 'changed'),
      '--file-passphrase-file',
      secret,
      '--yes',
    ])
    expect([changed.code, JSON.parse(changed.stdout).error.code]).toEqual([1, 'KEYSTORE_LOCKED'])
  })

  it('can be removed from the node, which goes on inviting and cannot write policy, and be brought back', async () => {
    expect((await offline([...withFile('authority', 'remove'), '--issue-for', '30d', '--yes'])).code).toBe(0)
    founder = await mesh.up('laptop')
    expect(await founder.json<Shown>(['policy', 'show'])).toMatchObject({ writable: false })
    await founder.json(['invite'])
    await founder.stop()
    expect((await offline(withFile('authority', 'import'))).code).toBe(0)
    founder = await mesh.up('laptop')
    expect(await founder.json<Shown>(['policy', 'show'])).toMatchObject({ writable: true })
  })

  it('lets a member be renamed and given labels, and the others know', async () => {
    expect((await founder.x0t(['wait', '--for', 'linked', '--timeout', '30s'])).code).toBe(0)
    await founder.json(['member', 'set', 'server', '--name', 'attic', '--labels', 'site=berlin,backup'])
    await waitFor('server to know its new name', async () => {
      const { items } = await server.json<{ items: { name: string; self: boolean; labels: string[] }[] }>([
        'peers',
      ])
      const own = items.find((member) => member.self)
      return own?.name === 'attic' && own.labels.join() === 'backup,site=berlin'
    })
    const taken = await founder.x0t(['member', 'set', 'attic', '--name', 'laptop'])
    expect([taken.code, taken.stderr]).toEqual([
      1,
      expect.stringContaining('another member is called laptop'),
    ])
    const last = await founder.x0t(['member', 'set', 'laptop', '--role', 'viewer'])
    expect([last.code, last.stderr]).toEqual([1, expect.stringContaining('last owner')])
  })

  it('brings a mesh back whose laptop is lost, and expels the lost one', async () => {
    const { links } = await founder.json<Status>(['status'])
    expect(links).toHaveLength(1)
    await founder.stop()
    await rm(founder.home, { recursive: true })
    const { listen } = JSON.parse((await server.x0t(['netcheck', '--json'])).stdout)
    const home = mesh.home('new-laptop')
    await mkdir(home, { mode: 0o700 })
    await writeFile(join(home, 'x0t.yaml'), 'listen: [/ip4/127.0.0.1/tcp/0]\n')
    const env = {
      ...{
        X0T_HOME: home,
        FILE: sealed,
        PASSPHRASE: secret,
        LOST: 'laptop',
        PEER: String(listen.addresses[0]),
      },
      PATH: `${join(ROOT, 'dist')}:${process.env['PATH'] ?? ''}`,
    }
    try {
      const { stdout } = await run('bash', ['-ec', await documented()], { env: { ...process.env, ...env } })
      expect(stdout).toContain('members-use-every-service')
    } finally {
      await x0t(['--home', home, 'down'])
    }
    expect((await x0t(['--home', home, 'up'])).code).toBe(0)
    await waitFor('server to hear of it', async () => {
      const { items } = await server.json<{ items: { name: string; standing: string }[] }>(['peers'])
      return items.some(({ name, standing }) => name === 'laptop' && standing === 'revoked')
    })
    const status = await server.json<Status>(['status'])
    expect(status.node.state).toBe('up')
    await x0t(['--home', home, 'down'])
  })
})
