import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Contract } from '../../node-core/contract/contract.ts'
import { createControlServer } from '../../node-core/control/socket-server.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { eventually } from '../../tests/helpers/eventually.ts'
import { createFakeNode, type FakeNode } from '../../tests/helpers/fake-node-api.ts'
import { MainPort } from '../../tests/helpers/main-port.ts'
import { refuseLine, serveLine } from './line-relay.ts'

let directory: string
let fake: FakeNode
let stopServer: () => Promise<void>
let page: MessagePort
let closeLine: () => void
let done: string[]

const hello = async (): Promise<unknown> => {
  const first = once(page, 'message')
  page.start()
  const [message]: unknown[] = await first
  return message
}

const clientOfPage = (): ContractRouterClient<Contract> => createORPCClient(new RPCLink({ port: page }))

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'x0t-line-'))
  const path = join(directory, 'control.sock')
  fake = createFakeNode()
  const server = createControlServer({ api: fake.api, logger: silentLogger }, { path })
  await server.start()
  stopServer = () => server.stop()
  const { port1, port2 } = new MessageChannel()
  page = port2
  done = []
  closeLine = serveLine(new MainPort(port1), path, (operation) => done.push(operation))
})

afterEach(async () => {
  closeLine()
  page.close()
  await stopServer()
  rmSync(directory, { recursive: true, force: true })
})

describe.skipIf(process.platform === 'win32')('the line of the window', () => {
  it('says that it is open, then carries calls to the control socket and their answers back', async () => {
    expect(await hello()).toEqual({ kind: 'open' })
    const status = await clientOfPage().node.status()
    expect(status.node.name).toBe(fake.state.node.name)
    expect(done).toEqual(['/node/status'])
  })

  it("brings the node's own refusals to the page, with their code and hint", async () => {
    await hello()
    const nobody = clientOfPage().node.ping({ node: 'nobody', timeoutMs: 100 })
    await expect(nobody).rejects.toMatchObject({ code: 'FAULT', data: { code: expect.any(String) } })
    expect(done).toEqual([])
  })

  it('carries a stream, and ends it at the node when the page lets go of it', async () => {
    await hello()
    const events = await clientOfPage().events.subscribe({ topics: ['node', 'links'] })
    const first = await events.next()
    expect(first.value).toMatchObject({ kind: 'snapshot' })
    await events.return?.(undefined)
  })

  it('passes on which member is meant, and no other header of the page', async () => {
    await hello()
    const link = new RPCLink({
      port: page,
      headers: { 'x0t-node': 'no such name!', 'x0t-action': 'AAAA', host: 'elsewhere' },
    })
    const client: ContractRouterClient<Contract> = createORPCClient(link)
    // The node knows the header, and refuses what is no name.
    await expect(client.node.version()).rejects.toMatchObject({ data: { code: 'UNKNOWN_NODE' } })
    expect(done).toEqual([])
  })

  it('carries nothing that is no operation of the contract', async () => {
    await hello()
    const frame = { i: 'x', p: { u: '/node/../../etc', m: 'POST', h: {}, b: { json: {} } } }
    const answer = once(page, 'message')
    page.postMessage(JSON.stringify(frame))
    const [message]: unknown[] = await answer
    expect(String(message)).toContain('404')
    expect(done).toEqual([])
  })

  it.each([
    ['is no frame', { kind: 'open' }],
    ['is larger than any call', 'x'.repeat(300 * 1024)],
  ])('is cut by a message that %s', async (_what, message) => {
    await hello()
    const closed = once(page, 'close')
    page.postMessage(message)
    await closed
  })

  it('says so at once when the node goes away in the middle, and never hangs', async () => {
    await hello()
    await stopServer()
    await expect(clientOfPage().node.version()).rejects.toMatchObject({ code: 'NODE_WENT_AWAY' })
  })

  it('closes at the page when it is closed here', async () => {
    await hello()
    let closed = false
    page.once('close', () => {
      closed = true
    })
    closeLine()
    await eventually('the page sees the end of the line', () => closed)
  })

  it('tells a page for which there is no node why, and closes', async () => {
    const { port1, port2 } = new MessageChannel()
    const first = once(port2, 'message')
    const closed = once(port2, 'close')
    const problem = { code: 'NODE_DIED', message: 'The node ended by SIGKILL.', hint: '' }
    refuseLine(new MainPort(port1), problem)
    const [message]: unknown[] = await first
    expect(message).toEqual({ kind: 'down', problem })
    await closed
  })
})
