import { spawnSync } from 'node:child_process'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import { implement } from '@orpc/server'
import { RPCHandler } from '@orpc/server/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contract } from '../../node-core/contract/contract.ts'
import { type Status, statusSchema } from '../../node-core/contract/schemas.ts'
import { homePaths } from '../../node-core/platform/home.ts'
import { createNodeBridge } from './node-bridge.ts'
import { createNodeClient } from './node-client.ts'

const STATUS: Status = statusSchema.parse({
  schema: 1,
  node: {
    name: 'berlin',
    peerId: `12D3KooW${'a'.repeat(44)}`,
    mesh: 'home',
    state: 'up',
    version: '0.1.0',
    keystore: 'keyfile',
  },
  links: [],
  members: [],
  services: [],
  forwards: [],
  socks: [],
  health: [],
})

type WindowClient = ContractRouterClient<{ node: { status: typeof contract.node.status } }>

describe.skipIf(process.platform === 'win32')('the line from the window to the node', () => {
  let base: string
  let server: Server | undefined
  let page: MessagePort
  let client: WindowClient
  let close: () => void

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'x0t-desk-')))
    const bridge = createNodeBridge(createNodeClient(homePaths(base)), { answerWithinMs: 1_000 })
    const { port1, port2 } = new MessageChannel()
    bridge.serve(port1)
    page = port2
    close = bridge.close
    client = createORPCClient(new RPCLink({ port: page }))
    page.start()
  })
  afterEach(async () => {
    close()
    page.close()
    server?.closeAllConnections()
    await new Promise<void>((done) => (server === undefined ? done() : server.close(() => done())))
    server = undefined
    await rm(base, { recursive: true, force: true })
  })

  /** Serves the control socket of the home, whatever the test wants of it. */
  function listen(onRequest: RequestListener): Promise<void> {
    const made = createServer(onRequest)
    server = made
    return new Promise((done) => made.listen(homePaths(base).socket, done))
  }

  it('says that no node runs while there is no socket, and leaves no home behind', async () => {
    await rm(base, { recursive: true })
    await expect(client.node.status()).rejects.toMatchObject({
      message: 'No node runs on this machine.',
      data: { code: 'NODE_NOT_RUNNING', hint: 'Start it with: x0t up' },
    })
    await expect(realpath(base)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('says that no node runs when a socket is left over from one', async () => {
    const { socket } = homePaths(base)
    const gone = spawnSync(process.execPath, [
      '-e',
      'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))',
      socket,
    ])
    expect(gone.signal).toBe('SIGKILL')
    await expect(client.node.status()).rejects.toMatchObject({ data: { code: 'NODE_NOT_RUNNING' } })
  })

  it("brings the node's status to the window", async () => {
    const os = implement({ node: { status: contract.node.status } })
    const router = os.router({ node: { status: os.node.status.handler(() => STATUS) } })
    const handler = new RPCHandler(router)
    await listen((request, response) => void handler.handle(request, response, { prefix: '/rpc' }))
    expect(await client.node.status()).toEqual(STATUS)
    expect(await client.node.status()).toEqual(STATUS)
  })

  it.each([
    ['is of another shape', JSON.stringify({ json: { schema: 2, node: {} } })],
    ['is not JSON', '<html>'],
    [
      'is larger than any status',
      JSON.stringify({ json: { ...STATUS, padding: 'x'.repeat(5 * 1024 * 1024) } }),
    ],
  ])('says that the node cannot be read when its answer %s', async (_what, body) => {
    await listen((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    })
    await expect(client.node.status()).rejects.toMatchObject({ data: { code: 'NODE_UNREADABLE' } })
  })

  it('says that the node does not answer, within a limit', async () => {
    await listen(() => {})
    await expect(client.node.status()).rejects.toMatchObject({ data: { code: 'TIMEOUT' } })
  })

  it('offers the window nothing that changes a node', async () => {
    const all: ContractRouterClient<typeof contract> = createORPCClient(new RPCLink({ port: page }))
    await expect(all.node.down()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
