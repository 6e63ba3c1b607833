import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { createFakeNode, type FakeNode } from '../../tests/helpers/fake-node-api.ts'
import { statusSchema } from '../contract/schemas.ts'
import { FaultError } from '../platform/error.ts'
import type { Lifecycle } from '../platform/lifecycle.ts'
import { silentLogger } from '../platform/logger.ts'
import { createControlServer } from './socket-server.ts'

let directory: string
let path: string
let fake: FakeNode
const cleanUp: (() => Promise<void> | void)[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'x0t-control-'))
  path = join(directory, 'control.sock')
  fake = createFakeNode()
})

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
  rmSync(directory, { recursive: true, force: true })
})

function serverAt(where = path): Lifecycle {
  const server = createControlServer({ api: fake.api, logger: silentLogger }, { path: where })
  cleanUp.push(() => server.stop())
  return server
}

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

interface Ask {
  readonly method?: string
  readonly operation?: string
  readonly body?: string
  readonly headers?: Record<string, string>
}

/** One HTTP request over the socket, as something that is not our client would send it. */
async function ask({
  method = 'POST',
  operation = 'node/status',
  body = '{}',
  headers = {},
}: Ask = {}): Promise<Answer> {
  const outgoing = request({
    socketPath: path,
    path: `/rpc/${operation}`,
    method,
    agent: false,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    },
  })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return { status: response.statusCode, body: text }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'ok'
  } catch (error) {
    if (error instanceof FaultError) return error.code
    throw error
  }
}

/** A process that listens on the socket and is killed without a chance to remove it. */
async function leaveStaleSocket(): Promise<void> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['-e', `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('ready'))`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  if (child.stdout === null) throw new Error('no stdout')
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(existsSync(path)).toBe(true)
}

describe('the control socket', () => {
  it('serves an operation', async () => {
    await serverAt().start()
    const { status, body } = await ask()
    expect(status).toBe(200)
    expect(statusSchema.parse(JSON.parse(body).json).node.name).toBe('laptop')
  })

  it('is open to its user alone, whatever the umask, and leaves the umask as it was', async () => {
    const before = process.umask(0)
    try {
      await serverAt().start()
      expect(process.umask()).toBe(0)
      expect((lstatSync(path).mode & 0o777).toString(8)).toBe('600')
    } finally {
      process.umask(before)
    }
  })

  it('refuses to start where a living node answers, and leaves that node alone', async () => {
    await serverAt().start()
    expect(await codeOf(serverAt().start())).toBe('NODE_ALREADY_RUNNING')
    expect((await ask()).status).toBe(200)
  })

  it('takes a node that accepts nobody for a living one', async () => {
    const sockets = new Set<Socket>()
    const mute = createServer((socket) => sockets.add(socket)).listen(path)
    await once(mute, 'listening')
    cleanUp.push(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => mute.close(resolve))
    })
    expect(await codeOf(serverAt().start())).toBe('NODE_ALREADY_RUNNING')
  })

  it('replaces the socket that a dead node left behind', async () => {
    await leaveStaleSocket()
    await serverAt().start()
    expect((await ask()).status).toBe(200)
    expect(existsSync(`${path}.old`)).toBe(false)
  })

  it('lets exactly one of many win that start at once over a stale socket', async () => {
    for (let round = 0; round < 5; round++) {
      await leaveStaleSocket()
      const servers = Array.from({ length: 8 }, () => serverAt())
      const codes = await Promise.all(servers.map((server) => codeOf(server.start())))
      expect(codes.filter((code) => code === 'ok')).toHaveLength(1)
      expect(codes.filter((code) => code === 'NODE_ALREADY_RUNNING')).toHaveLength(7)
      expect((await ask()).status).toBe(200)
      await Promise.all(servers.map((server) => server.stop()))
    }
  })

  it('never deletes what is not a socket', async () => {
    writeFileSync(path, 'precious')
    expect(await codeOf(serverAt().start())).toBe('SOCKET_UNUSABLE')
    expect(lstatSync(path).isFile()).toBe(true)
  })

  it('says what is wrong with a path that cannot be', async () => {
    expect(await codeOf(serverAt(join(directory, 'missing', 'control.sock')).start())).toBe('SOCKET_UNUSABLE')
    expect(await codeOf(serverAt(join(directory, 'x'.repeat(120))).start())).toBe('SOCKET_UNUSABLE')
  })

  it('removes its socket when it stops, and can start again', async () => {
    const server = serverAt()
    await server.start()
    await server.stop()
    await server.stop()
    expect(existsSync(path)).toBe(false)
    await server.start()
    expect((await ask()).status).toBe(200)
  })

  it('gets the answer of an operation that stops the server out', async () => {
    let stopped: Promise<void> | undefined
    const { api } = fake
    const down: typeof api.node.down = (options) => {
      // The worst case: the server is told to stop before the answer is made.
      stopped = server.stop()
      return api.node.down(options)
    }
    fake = { ...fake, api: { ...api, node: { ...api.node, down } } }
    const server = serverAt()
    await server.start()
    const { status, body } = await ask({ operation: 'node/down' })
    expect(status).toBe(200)
    expect(JSON.parse(body).json.pid).toBe(process.pid)
    await stopped
    expect(existsSync(path)).toBe(false)
  })
})

describe('bounds of the control socket', () => {
  it('refuses a body that is too large before it reads it', async () => {
    await serverAt().start()
    const { status, body } = await ask({ body: JSON.stringify({ json: 'x'.repeat(70_000) }) })
    expect(status).toBe(413)
    expect(body).toContain('TOO_LARGE')
    expect(fake.state.calls).toEqual([])
  })

  it('refuses what is not a POST of JSON with a known length', async () => {
    await serverAt().start()
    expect((await ask({ method: 'GET', body: '' })).status).toBe(405)
    expect((await ask({ headers: { 'content-type': 'multipart/form-data; boundary=x' } })).status).toBe(415)
    expect((await ask({ headers: { 'content-disposition': 'attachment; filename="x"' } })).status).toBe(415)
    expect(fake.state.calls).toEqual([])
  })

  it('answers 404 for an operation that it does not know, and a typed error for a body that is not JSON', async () => {
    await serverAt().start()
    expect(await ask({ operation: 'node/selfDestruct' })).toMatchObject({ status: 404 })
    expect(await ask({ operation: '../../etc/passwd' })).toMatchObject({ status: 404 })
    const { status, body } = await ask({ operation: 'joins/approve', body: '{"json":' })
    expect(status).toBe(400)
    expect(body).not.toMatch(/at .*\.ts|node_modules/)
  })

  it('lives on after garbage and after callers that leave in the middle', async () => {
    await serverAt().start()
    for (const bytes of [
      'GARBAGE\r\n\r\n',
      'POST /rpc/node/status HTTP/1.1\r\ncontent-length: 50\r\n\r\n{"js',
    ]) {
      const socket = connect(path)
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(bytes)
      socket.end()
      socket.resume()
      await once(socket, 'close')
    }
    expect((await ask()).status).toBe(200)
  })

  it('aborts an operation whose caller has gone', async () => {
    let seen: AbortSignal | undefined
    const list = (options: { signal: AbortSignal }): Promise<never> => {
      seen = options.signal
      return new Promise(() => {})
    }
    fake = { ...fake, api: { ...fake.api, links: { list } } }
    await serverAt().start()
    const socket = connect(path)
    await once(socket, 'connect')
    socket.write(
      'POST /rpc/links/list HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
    )
    await eventually('the operation to start', () => seen !== undefined)
    socket.destroy()
    await eventually('the operation to be aborted', () => seen?.aborted === true)
  })

  it('holds no more than 64 connections, and serves again when some have gone', async () => {
    await serverAt().start()
    const sockets: Socket[] = []
    cleanUp.push(() => {
      for (const socket of sockets) socket.destroy()
    })
    let dropped = 0
    for (let index = 0; index < 70; index++) {
      const socket = connect(path)
      socket.on('error', () => {})
      socket.once('close', () => {
        dropped++
      })
      sockets.push(socket)
      await once(socket, 'connect')
    }
    await eventually('the surplus to be dropped', () => dropped === 6)
    for (const socket of sockets) socket.destroy()
    await eventually('all to be gone', () => dropped === 70)
    await expect.poll(async () => (await ask().catch(() => ({ status: 0 }))).status).toBe(200)
  })

  it('closes a connection that says nothing, within its time', { timeout: 15_000 }, async () => {
    await serverAt().start()
    const socket = connect(path)
    socket.on('error', () => {})
    socket.resume()
    const before = performance.now()
    await once(socket, 'close')
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})
