import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliHome, createCliHome, documentOf } from '../../tests/helpers/cli-process.ts'
import { JOIN_ID, SERVER, TOKEN } from '../../tests/helpers/fake-node-api.ts'
import { errorDocumentSchema } from '../contract/errors.ts'
import { socketFault } from './client/socket-fault.ts'

const ESCAPE = '\u001b'

let home: CliHome
const closing: (() => void)[] = []

beforeEach(() => {
  home = createCliHome()
})

afterEach(async () => {
  for (const close of closing.splice(0)) close()
  await home.stop()
})

const errorOf = async (args: readonly string[]) =>
  documentOf(errorDocumentSchema, await home.run([...args, '--json'])).error

describe('what a person reads', () => {
  it('says the verdict first, then aligned tables, without colour in a pipe', async () => {
    await home.serve()
    const { stdout, code } = await home.run(['status'])
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('laptop is up in the mesh home: 1 link up.')
    expect(stdout).not.toContain(ESCAPE)
    expect(stdout).toContain('keystore  opens with a key file')
    const headings = lines.findIndex((line) => line.startsWith('LINK'))
    expect(lines[headings]).toBe('LINK    STATE  RTT    LOSS (ESTIMATED)  SUITE               FOR')
    expect(lines[headings + 1]).toBe('server  up     23 ms  0.2 %             noise-hfs/1/aesgcm  1 h 1 min')
  })

  it('exits 1 and says so when the node is unhealthy', async () => {
    const state = await home.serve()
    state.health = [
      {
        code: 'config.invalid',
        severity: 'critical',
        title: 'x0t.yaml cannot be read',
        impactsConnectivity: false,
      },
    ]
    const { stdout, code } = await home.run(['status'])
    expect(code).toBe(1)
    expect(stdout.split('\n')[0]).toBe('laptop is up in the mesh home: 1 link up; 1 problem.')
    expect(stdout).toContain('critical  x0t.yaml cannot be read [config.invalid]')
    expect((await home.run(['status', '--json'])).code).toBe(1)
  })

  it('does not let text from elsewhere write on the terminal', async () => {
    const state = await home.serve()
    state.node = { ...state.node, mesh: `home${ESCAPE}[2J\u202eevil` }
    for (const service of state.services) service.detail = `bad\r${ESCAPE}]0;title\u0007`
    const { stdout } = await home.run(['status'])
    expect(stdout).not.toMatch(/[^\P{C}\n]/u)
  })

  it('prints the token alone on stdout, so that it can be piped', async () => {
    await home.serve()
    expect(await home.run(['invite'])).toEqual({ code: 0, stdout: `${TOKEN}\n`, stderr: '' })
  })

  it('prints a row for each pong, the path in it, and exits 1 when none came', async () => {
    const state = await home.serve()
    const good = await home.run(['ping', 'server', '-c', '1'])
    expect(good).toMatchObject({ code: 0, stdout: 'pong from server (path: direct) in 23 ms\n' })
    state.silent.add(SERVER)
    const bad = await home.run(['ping', 'server', '-c', '1'])
    expect(bad).toMatchObject({ code: 1, stdout: 'no answer from server: timed out\n' })
  })

  it('says what was done on stderr, and nothing with --quiet', async () => {
    await home.serve()
    const told = await home.run(['expose', 'db', '--to', 'localhost:5432'])
    expect(told).toEqual({ code: 0, stdout: '', stderr: 'db is offered to the mesh: localhost:5432.\n' })
    expect(await home.run(['approve', JOIN_ID, '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('answers --check by exit code alone, and with a document when asked for one', async () => {
    expect(await home.run(['status', '--check', 'live'])).toEqual({ code: 1, stdout: '', stderr: '' })
    const state = await home.serve()
    expect(await home.run(['status', '--check', 'ready'])).toEqual({ code: 0, stdout: '', stderr: '' })
    state.notReady = ['the mesh host is starting']
    expect(await home.run(['status', '--check', 'ready'])).toEqual({ code: 1, stdout: '', stderr: '' })
    const json = await home.run(['status', '--check', 'ready', '--json'])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toEqual({
      schema: 1,
      check: 'ready',
      ok: false,
      reasons: ['the mesh host is starting'],
    })
  })

  it('does not mind a reader that has seen enough', async () => {
    await home.serve()
    const child = home.start(['ping', 'server', '-c', '1000'])
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    if (child.stdout === null) throw new Error('no stdout')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect((await once(child, 'exit'))[0]).toBe(0)
    expect(stderr).not.toMatch(/EPIPE|Error/)
  })

  it('sums up when a long ping is interrupted', async () => {
    await home.serve()
    const child = home.start(['ping', 'server', '-c', '1000'])
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    if (child.stdout === null) throw new Error('no stdout')
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect((await once(child, 'exit'))[0]).toBe(0)
    expect(stderr).toMatch(/^\d+ of \d+ answered\n$/)
  })
})

describe('waiting', () => {
  it('succeeds as soon as the node gets there', async () => {
    const state = await home.serve()
    const { links } = state
    state.links = []
    const waiting = home.run(['wait', '--for', 'linked', '--timeout', '15s'])
    await expect.poll(() => state.calls.length, { timeout: 10_000 }).toBeGreaterThan(1)
    state.links = links
    expect(await waiting).toMatchObject({ code: 0, stderr: 'The node is linked.\n' })
  })

  it('waits for a node that does not run yet', async () => {
    const waiting = home.run(['wait', '--for', 'ready', '--timeout', '15s'])
    await home.serve()
    expect((await waiting).code).toBe(0)
  })

  it('gives up at its limit and says what is missing', async () => {
    const state = await home.serve()
    state.notReady = ['no certificate']
    const error = await errorOf(['wait', '--for', 'ready', '--timeout', '300ms'])
    expect(error).toMatchObject({ code: 'NOT_REACHED', message: 'not ready after 300 ms: no certificate' })
  })
})

describe('a node that cannot be talked to', () => {
  it('is not running', async () => {
    const error = await errorOf(['status'])
    expect(error).toMatchObject({ code: 'NODE_NOT_RUNNING', hint: expect.stringContaining('x0t up') })
    expect(error.message).toContain(home.paths.root)
  })

  it('has left a stale socket behind', async () => {
    const server = createTcpServer().listen(home.paths.socket)
    await once(server, 'listening')
    const { renameSync } = await import('node:fs')
    renameSync(home.paths.socket, `${home.paths.socket}.kept`)
    await new Promise((resolve) => server.close(resolve))
    renameSync(`${home.paths.socket}.kept`, home.paths.socket)
    const error = await errorOf(['peers'])
    expect(error).toMatchObject({ code: 'NODE_NOT_RUNNING', hint: expect.stringContaining('x0t up') })
    expect(error.message).toContain('a socket is there')
  })

  it('never answers', async () => {
    const server = createTcpServer().listen(home.paths.socket)
    await once(server, 'listening')
    closing.push(() => server.close())
    server.on('connection', (socket) => closing.push(() => socket.destroy()))
    expect(await errorOf(['status', '--timeout', '300ms'])).toMatchObject({
      code: 'TIMEOUT',
      message: 'the node did not answer node.status within 300 ms',
    })
  })

  it('is of another version, which does not know the operation or answers differently', async () => {
    let status = 404
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end('{"json":{"schema":2,"everything":"new"}}')
    }).listen(home.paths.socket)
    await once(server, 'listening')
    closing.push(() => server.close())
    expect(await errorOf(['services'])).toMatchObject({ code: 'VERSION_SKEW' })
    status = 200
    expect(await errorOf(['services'])).toMatchObject({
      code: 'VERSION_SKEW',
      hint: expect.stringContaining('x0t down'),
    })
  })

  it('lives in a home that is not fit to be used', async () => {
    chmodSync(home.paths.root, 0o777)
    expect(await errorOf(['status'])).toMatchObject({
      code: 'HOME_UNUSABLE',
      hint: expect.stringContaining('chmod 700'),
    })
  })

  it('may not be used by us', () => {
    for (const code of ['EACCES', 'EPERM']) {
      const fault = socketFault(Object.assign(new Error('denied'), { code }), home.paths)
      expect(fault).toMatchObject({ code: 'NO_PERMISSION', hint: expect.stringContaining('--home') })
    }
  })

  it('has a file where the home should be', async () => {
    const file = `${home.paths.root}-file`
    writeFileSync(file, '')
    expect(await errorOf(['status', '--home', file])).toMatchObject({ code: 'HOME_UNUSABLE' })
    expect(await errorOf(['status', '--home', `${file}/below`])).toMatchObject({ code: 'NODE_NOT_RUNNING' })
  })

  it('does not make a home by asking for it', async () => {
    const { existsSync } = await import('node:fs')
    await home.run(['status', '--home', `${home.paths.root}-new`])
    expect(existsSync(`${home.paths.root}-new`)).toBe(false)
    mkdirSync(`${home.paths.root}-new`, { mode: 0o700 })
    expect((await home.run(['down', '--home', `${home.paths.root}-new`, '--json'])).code).toBe(0)
  })

  it('breaks off in the middle', async () => {
    const server = createTcpServer((socket) => {
      socket.once('data', () => socket.destroy())
    }).listen(home.paths.socket)
    await once(server, 'listening')
    closing.push(() => server.close())
    expect(await errorOf(['status'])).toMatchObject({ code: 'NODE_WENT_AWAY' })
  })
})
