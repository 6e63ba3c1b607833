import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Status } from '../../node-core/contract/schemas.ts'
import { curl } from '../helpers/curl.ts'
import { freePort, startHttpSite } from '../helpers/http-site.ts'
import { createMeshFixture, type MeshFixture, waitFor, X0T, x0t } from '../helpers/x0t.ts'

interface ErrorDocument {
  error: { code: string; message: string; hint: string }
}

describe('a home and its node', () => {
  let mesh: MeshFixture

  beforeEach(async () => {
    mesh = await createMeshFixture()
  })

  afterEach(async () => {
    await mesh.stop()
  })

  const errorOf = (stdout: string): ErrorDocument['error'] => (JSON.parse(stdout) as ErrorDocument).error

  it('refuses a second node on the same home and leaves the first alone', async () => {
    await mesh.init('one')
    const node = await mesh.up('one')
    const second = await x0t(['--home', node.home, 'up', '--json'])
    expect(second.code).toBe(1)
    expect(errorOf(second.stdout).message).toMatch(/already/)
    expect((await node.x0t(['status', '--check', 'live'])).code).toBe(0)
  })

  it('starts over a stale socket and lock after a SIGKILL, on the same port', async () => {
    await mesh.init('one')
    const first = await mesh.up('one')
    const invite = await first.json<{ addresses: string[] }>(['invite'])
    process.kill(first.pid, 'SIGKILL')
    await first.exited
    const told = await x0t(['--home', first.home, 'status', '--json'])
    expect(told.code).toBe(1)
    expect(errorOf(told.stdout).hint).toMatch(/x0t up/)
    const second = await mesh.up('one')
    expect((await second.json<{ addresses: string[] }>(['invite'])).addresses).toEqual(invite.addresses)
  })

  it('ends its node when the foreground command is killed', async () => {
    await mesh.init('one')
    const node = await mesh.up('one')
    node.child.kill('SIGKILL')
    await waitFor('the node to end', async () => (await node.x0t(['status', '--check', 'live'])).code === 1)
  })

  it('runs detached until down', async () => {
    await mesh.init('one')
    const home = mesh.home('one')
    const up = await x0t(['--home', home, 'up', '--listen', '/ip4/127.0.0.1/tcp/0', '--json'])
    expect(up.code).toBe(0)
    expect((await x0t(['--home', home, 'status', '--check', 'ready'])).code).toBe(0)
    expect((await x0t(['--home', home, 'down', '--json'])).code).toBe(0)
    expect((await x0t(['--home', home, 'status', '--check', 'live'])).code).toBe(1)
  })

  it('opens a keystore sealed by a passphrase only with that passphrase', async () => {
    const right = join(mesh.dir, 'right')
    const wrong = join(mesh.dir, 'wrong')
    await writeFile(right, 'correct horse battery staple\n', { mode: 0o600 })
    await writeFile(wrong, 'incorrect horse\n', { mode: 0o600 })
    await mesh.init('one', ['--passphrase-file', right])
    const refused = await x0t(['--home', mesh.home('one'), 'up', '--passphrase-file', wrong, '--json'])
    expect(refused.code).toBe(1)
    expect(errorOf(refused.stdout).message).toMatch(/passphrase/i)
    const node = await mesh.up('one', [], { env: { X0T_PASSPHRASE_FILE: right } })
    expect((await node.json<Status>(['status'])).node.keystore).toBe('passphrase')
  })

  it('keeps secrets readable by their owner alone, and refuses a key file that others can read', async () => {
    await mesh.init('one')
    const home = mesh.home('one')
    for (const file of await readdir(home)) {
      const { mode } = await stat(join(home, file))
      expect((mode & 0o077).toString(8), file).toBe('0')
    }
    await chmod(join(home, 'keystore.key'), 0o644)
    const refused = await x0t(['--home', home, 'up', '--json'])
    expect(refused.code).toBe(1)
    expect(errorOf(refused.stdout).hint).toMatch(/chmod/)
  })

  it('names the line of a bad x0t.yaml, and a bad edit does not stop a running node', async () => {
    await mesh.init('one')
    const config = join(mesh.home('one'), 'x0t.yaml')
    await writeFile(config, 'version: 1\nlinks:\n  maxx: 4\n')
    const refused = await x0t(['--home', mesh.home('one'), 'up', '--json'])
    expect(refused.code).toBe(1)
    expect(errorOf(refused.stdout).message).toMatch(/x0t\.yaml.*3/s)
    await writeFile(config, 'version: 1\n')
    const node = await mesh.up('one')
    await writeFile(config, 'version: 1\nnonsense: true\n')
    await waitFor('the bad edit to be reported', async () => {
      const { health } = await node.json<Status>(['status'])
      return health.some((item) => item.code.toLowerCase().includes('config'))
    })
    expect((await node.x0t(['status', '--check', 'live'])).code).toBe(0)
  })

  it('refuses a home that a newer version has written', async () => {
    await mesh.init('one')
    const { default: Database } = await import('better-sqlite3')
    const database = new Database(join(mesh.home('one'), 'knowledge.db'))
    database.pragma('user_version = 9999')
    database.close()
    const refused = await x0t(['--home', mesh.home('one'), 'up', '--json'])
    expect(refused.code).toBe(1)
    expect(errorOf(refused.stdout).message).toMatch(/newer/)
  })

  it('lives in a home whose path is too long for a socket', async () => {
    const deep = join(mesh.dir, 'd'.repeat(80), 'e'.repeat(60))
    await mkdir(deep, { recursive: true })
    expect((await x0t(['--home', join(deep, 'h'), 'init', '--mesh', 'm', '--name', 'deep'])).code).toBe(0)
    const up = await x0t(['--home', join(deep, 'h'), 'up', '--listen', '/ip4/127.0.0.1/tcp/0'])
    expect(up.code).toBe(0)
    expect((await x0t(['--home', join(deep, 'h'), 'status', '--check', 'ready'])).code).toBe(0)
    expect((await x0t(['--home', join(deep, 'h'), 'down'])).code).toBe(0)
  })

  it('founds a whole mesh where an attempt that broke off has left half of one', async () => {
    await mesh.init('one')
    // What init writes last, and what leave removes first.
    for (const file of ['keystore.x0t', 'keystore.key']) await rm(join(mesh.home('one'), file))
    expect((await x0t(['--home', mesh.home('one'), 'up', '--json'])).code).toBe(1)
    await mesh.init('one')
    const node = await mesh.up('one')
    const site = await startHttpSite(1_000)
    try {
      const port = await freePort()
      await node.json(['expose', 'site', '--to', site.target])
      await node.json(['forward', String(port), 'site'])
      // Under the policy of the new mesh: that of the old one is signed by an authority that is gone.
      expect(await curl(`http://127.0.0.1:${port}${site.path}`)).toMatchObject({
        code: 0,
        sha256: site.sha256,
      })
    } finally {
      await site.close()
    }
  })

  it('keeps running when a named pipe takes the place of x0t.yaml', async () => {
    await mesh.init('one')
    const node = await mesh.up('one')
    execFileSync('mkfifo', [join(node.home, 'x0t.yaml')])
    await waitFor('the bad edit to be reported', async () => {
      const { health } = await node.json<Status>(['status'], { timeoutMs: 5_000 })
      return health.some((item) => item.code === 'config-invalid')
    })
  })

  it('forgets its membership on leave', async () => {
    await mesh.init('one')
    const node = await mesh.up('one')
    expect((await node.x0t(['leave', '--yes'])).code).toBe(0)
    await node.exited
    const up = await x0t(['--home', node.home, 'up', '--json'])
    expect(up.code).toBe(1)
    expect(errorOf(up.stdout).hint).toMatch(/x0t (init|join)/)
  })

  it('runs from any directory and through a chain of symbolic links', async () => {
    const links = join(mesh.dir, 'links')
    await mkdir(links)
    await symlink(X0T, join(links, 'first'))
    await symlink('first', join(links, 'second'))
    const { execFile } = await import('node:child_process')
    const text = await new Promise<string>((resolve, reject) =>
      execFile('./second', ['version'], { cwd: links }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      ),
    )
    const { version } = JSON.parse(await readFile(join(X0T, '../../package.json'), 'utf8')) as {
      version: string
    }
    expect(text).toContain(version)
  })
})
