import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type CliHome, createCliHome, documentOf } from '../../tests/helpers/cli-process.ts'
import { eventually } from '../../tests/helpers/eventually.ts'
import { LAPTOP, TOKEN } from '../../tests/helpers/fake-node-api.ts'
import { errorDocumentSchema } from '../contract/errors.ts'
import { statusSchema } from '../contract/schemas.ts'

const MESH_ID = 'ab'.repeat(32)
const upSchema = z.strictObject({
  schema: z.literal(1),
  pid: z.number(),
  peerId: z.literal(LAPTOP),
  addresses: z.array(z.string()),
  socket: z.string(),
  foreground: z.boolean(),
})

let home: CliHome

beforeEach(() => {
  home = createCliHome()
})

afterEach(async () => {
  const pid = home.seen()?.pid
  if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL')
  await home.stop()
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const lines = (...values: object[]): { FAKE_ENTRY: string; FAKE_LINES: string } => ({
  FAKE_ENTRY: 'lines',
  FAKE_LINES: values.map((value) => `${JSON.stringify(value)}\n`).join(''),
})

function secretFile(name: string, text: string): string {
  const path = join(home.paths.root, '..', name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

const errorOf = async (args: readonly string[], env: Record<string, string>, input?: string) =>
  documentOf(
    errorDocumentSchema,
    await home.run([...args, '--json'], { env, ...(input === undefined ? {} : { input }) }),
  ).error

describe('init', () => {
  const made = {
    peerId: LAPTOP,
    meshId: MESH_ID,
    fingerprint: MESH_ID,
    name: 'laptop',
    home: '/h',
    keystore: 'passphrase',
  }
  const init = ['init', '--mesh', 'home', '--name', 'laptop']

  it('hands the entry its options on argv and the passphrase over stdin alone', async () => {
    const file = secretFile('passphrase', 'correct horse battery staple\nsecond line\n')
    const env = { ...lines({ ok: true, ...made }), X0T_PASSPHRASE_FILE: file }
    const result = await home.run([...init, '--json'], { env })
    expect(JSON.parse(result.stdout)).toEqual({ schema: 1, mesh: 'home', ...made })
    const seen = home.seen()
    expect(seen?.options).toEqual({
      home: home.paths.root,
      mesh: 'home',
      name: 'laptop',
      keystore: { kind: 'passphrase' },
    })
    expect(seen?.secrets).toEqual({ passphrase: 'correct horse battery staple' })
    expect(seen?.argv.join(' ')).not.toContain('horse')
  })

  it('prefers the flag to the environment', async () => {
    const env = {
      ...lines({ ok: true, ...made }),
      X0T_PASSPHRASE_FILE: secretFile('a', 'from the environment'),
    }
    await home.run([...init, '--passphrase-file', secretFile('b', 'from the flag')], { env })
    expect(home.seen()?.secrets).toEqual({ passphrase: 'from the flag' })
  })

  it('takes a key file where nobody can be asked, and says so', async () => {
    const result = await home.run(init, { env: lines({ ok: true, ...made, keystore: 'keyfile' }) })
    expect(home.seen()?.options).toMatchObject({ keystore: { kind: 'keyfile' } })
    expect(home.seen()?.secrets).toEqual({})
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('No passphrase') })
    expect(result.stdout).toMatch(/^fingerprint {2}abab/m)
    expect(result.stderr).toContain('Next: x0t up')
  })

  it('does not touch a home that holds a node', async () => {
    writeFileSync(home.paths.keystore, '')
    const error = await errorOf(init, lines({ ok: true, ...made }))
    expect(error).toMatchObject({ code: 'HOME_HAS_NODE', hint: expect.stringContaining('--home') })
    expect(home.seen()).toBeUndefined()
  })

  it('says what is wrong with a passphrase file', async () => {
    const env = lines({ ok: true, ...made })
    for (const path of ['/nonexistent', secretFile('empty', '\n'), secretFile('huge', 'x'.repeat(10_000))]) {
      const error = await errorOf([...init, '--passphrase-file', path], env)
      expect(error).toMatchObject({ code: 'SECRET_UNREADABLE', message: expect.stringContaining(path) })
    }
  })

  it('passes on the error of the entry', async () => {
    const failure = { ok: false, error: { code: 'DISK_FULL', message: 'no space left', hint: 'Free some.' } }
    expect(await errorOf(init, lines(failure))).toEqual(failure.error)
  })

  it.each([
    ['an end without an answer', { FAKE_ENTRY: 'lines', FAKE_LINES: '' }, 'exit code 0'],
    ['a crash, with its last words', { FAKE_ENTRY: 'crash' }, 'TypeError: something is broken'],
    ['an answer that is not JSON', { FAKE_ENTRY: 'lines', FAKE_LINES: 'hello\n' }, 'not JSON'],
    ['an answer of another kind', lines({ ok: true, peerId: 'x' }), 'unknown answer'],
  ])('tells of %s', async (_what, env, message) => {
    const error = await errorOf(init, env)
    expect(error).toMatchObject({ code: 'NODE_START_FAILED', message: expect.stringContaining(message) })
  })
})

describe('join', () => {
  const joined = {
    peerId: LAPTOP,
    meshId: MESH_ID,
    name: 'server',
    home: '/h',
    role: 'viewer',
    expiresAt: Date.now() + 86_400_000,
    keystore: 'keyfile',
  }
  const join = ['join', '--name', 'server']
  const env = () =>
    lines({ progress: 'connecting' }, { progress: 'pending', joinId: 'join-1' }, { ok: true, ...joined })

  it('takes the token from an argument, a file or stdin, and never puts it on a command line', async () => {
    const file = secretFile('token', `${TOKEN}\n`)
    for (const [args, input] of [
      [[TOKEN], ''],
      [['--token-file', file], ''],
      [['--token-file', '-'], `${TOKEN}\n`],
      [['-'], `  ${TOKEN}\n`],
    ] as const) {
      const result = await home.run([...join, '--json', ...args], { env: env(), input })
      expect(JSON.parse(result.stdout)).toEqual({ schema: 1, ...joined })
      expect(home.seen()?.secrets).toEqual({ token: TOKEN })
      expect(home.seen()?.argv.join(' ')).not.toContain('x0t1')
      expect(home.seen()?.options).toEqual({ home: home.paths.root, name: 'server', timeoutMs: 300_000 })
    }
  })

  it('tells who has to approve, and what comes next', async () => {
    const { stderr, stdout } = await home.run([...join, TOKEN], { env: env() })
    expect(stdout).toBe('')
    expect(stderr).toContain('Waiting for an operator to approve: x0t approve join-1')
    expect(stderr).toMatch(/Joined as server, role viewer; .*\nNext: x0t up\./)
  })

  it('opens the keystore that an earlier try has left, rather than making another', async () => {
    writeFileSync(home.paths.keystore, '')
    expect(await errorOf([...join, TOKEN], env())).toMatchObject({ code: 'PASSPHRASE_NEEDED' })
    const passphrase = secretFile('passphrase', 'correct horse')
    await home.run([...join, TOKEN, '--passphrase-file', passphrase], { env: env() })
    expect(home.seen()?.secrets).toEqual({ token: TOKEN, passphrase: 'correct horse' })
  })

  it('does not read two secrets from one stdin', async () => {
    expect(await errorOf([...join, '-', '--passphrase-file', '-'], env(), TOKEN)).toMatchObject({
      code: 'USAGE',
    })
  })
})

describe('up', () => {
  const serve = { FAKE_ENTRY: 'serve' }

  beforeEach(() => {
    writeFileSync(home.paths.keystore, '')
    writeFileSync(home.paths.keyFile, '')
  })

  it('starts a node that lives on, which status sees and down ends', async () => {
    const up = documentOf(upSchema, await home.run(['up', '--json', '--headless'], { env: serve }))
    expect(up).toMatchObject({ pid: home.seen()?.pid, socket: home.paths.socket, foreground: false })
    expect(isAlive(up.pid)).toBe(true)
    documentOf(statusSchema, await home.run(['status', '--json']))
    const again = await errorOf(['up'], serve)
    expect(again).toMatchObject({ code: 'NODE_ALREADY_RUNNING', hint: expect.stringContaining('x0t down') })
    const down = await home.run(['down'])
    expect(down).toMatchObject({ code: 0, stderr: expect.stringContaining('has stopped') })
    await eventually('the node to be gone', () => !isAlive(up.pid))
    expect(existsSync(home.paths.socket)).toBe(false)
  })

  it('passes addresses on', async () => {
    const env = lines({ ok: true, pid: 1, peerId: LAPTOP, addresses: [], socket: '/s' })
    await home.run(
      ['up', '--listen', '/ip4/0.0.0.0/tcp/1', '/ip6/::/tcp/1', '--peer', '/ip4/192.0.2.7/tcp/4001'],
      { env },
    )
    expect(home.seen()?.options).toEqual({
      home: home.paths.root,
      foreground: false,
      setup: false,
      listen: ['/ip4/0.0.0.0/tcp/1', '/ip6/::/tcp/1'],
      peers: ['/ip4/192.0.2.7/tcp/4001'],
    })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'in the foreground, passes %s to the node once and ends with it',
    async (signal) => {
      const child = home.start(['up', '--foreground', '--json'], { env: serve })
      child.stdin?.end()
      if (child.stdout === null) throw new Error('no stdout')
      const [text] = await once(child.stdout.setEncoding('utf8'), 'data')
      const { pid, foreground } = upSchema.parse(JSON.parse(String(text)))
      expect(foreground).toBe(true)
      child.kill(signal)
      expect((await once(child, 'exit'))[0]).toBe(0)
      expect(isAlive(pid)).toBe(false)
      expect(home.seen()?.signals).toEqual([signal])
    },
  )

  it('in the foreground, takes the node with it when it is killed', async () => {
    const child = home.start(['up', '--foreground'], { env: serve })
    child.stdin?.end()
    await eventually('the node to serve', () => existsSync(home.paths.socket), 10_000)
    child.kill('SIGKILL')
    // Whoever adopts the orphan decides when it is reaped: what counts is that it has stopped.
    await eventually('the node to stop', () => !existsSync(home.paths.socket), 10_000)
  })

  it('leaves nothing behind when it is interrupted before the node is ready', async () => {
    const child = home.start(['up', '--json'], { env: { FAKE_ENTRY: 'silent' } })
    child.stdin?.end()
    await eventually('the node to start', () => home.seen() !== undefined, 10_000)
    child.kill('SIGINT')
    expect((await once(child, 'exit'))[0]).toBe(1)
    expect(home.seen()?.signals).toEqual(['SIGTERM'])
    expect(isAlive(home.seen()?.pid ?? 0)).toBe(false)
  })

  it('ends a node that does not get ready in time, even one that ignores SIGTERM', async () => {
    const env = { FAKE_ENTRY: 'silent', FAKE_STUBBORN: '1' }
    expect(await errorOf(['up', '--timeout', '1s'], env)).toMatchObject({ code: 'TIMEOUT' })
    expect(isAlive(home.seen()?.pid ?? 0)).toBe(false)
  })

  it('keeps the last words of a node that dies at once', async () => {
    const error = await errorOf(['up'], { FAKE_ENTRY: 'crash' })
    expect(error).toMatchObject({
      code: 'NODE_START_FAILED',
      message: expect.stringContaining('exit code 3'),
    })
    expect(error.message).toContain('TypeError: something is broken')
    expect(readFileSync(join(home.paths.logs, 'start.log'), 'utf8')).toContain('TypeError')
  })

  it('says what to do on a home without a mesh, and with a passphrase that nobody can type', async () => {
    const { rmSync } = await import('node:fs')
    rmSync(home.paths.keyFile)
    expect(await errorOf(['up'], serve)).toMatchObject({
      code: 'PASSPHRASE_NEEDED',
      hint: expect.stringContaining('X0T_PASSPHRASE_FILE'),
    })
    rmSync(home.paths.keystore)
    const { hint, code } = await errorOf(['up'], serve)
    expect(code).toBe('NO_MESH')
    expect(hint).toMatch(/x0t init .* x0t join/)
  })

  it('leaves the mesh and waits for the node to end', async () => {
    const { pid } = documentOf(upSchema, await home.run(['up', '--json'], { env: serve }))
    const result = await home.run(['leave', '--json'])
    expect(JSON.parse(result.stdout)).toEqual({ schema: 1, mesh: 'home', peer: LAPTOP })
    expect(existsSync(home.paths.socket)).toBe(false)
    await eventually('the node to be gone', () => !isAlive(pid), 10_000)
  })
})

describe('down', () => {
  it('has nothing to do where no node runs', async () => {
    mkdirSync(home.paths.logs)
    expect(await home.run(['down'])).toMatchObject({ code: 0, stderr: 'No node was running on this home.\n' })
  })
})
