import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Status } from '../../node-core/contract/schemas.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor } from '../helpers/x0t.ts'

const MIB = 1_024 * 1_024
/** What one flow may hold in one process (its own bound), and what the process may gain besides, from V8 and buffers. */
const FLOW_LIMIT_MIB = 16
const SLACK_MIB = 48
const FLOWS = 200

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function residentMib({ pid }: RunningNode): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024
}

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** A server beside one node: echoes, answers with a digest once its client has ended, or never stops sending. */
async function startServer(): Promise<{ server: Server; port: number; sentBytes(): number }> {
  let sentBytes = 0
  const chunk = randomBytes(64 * 1_024)
  const serve: Record<string, (socket: Socket) => unknown> = {
    echo: (socket) => socket.pipe(socket),
    digest: (socket) =>
      void readAll(socket).then(
        (bytes) => socket.end(sha256(bytes)),
        () => {},
      ),
    source(socket) {
      const send = (): void => {
        do sentBytes += chunk.length
        while (socket.write(chunk))
        socket.once('drain', send)
      }
      send()
    },
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.once('readable', () => {
      const line = socket.read() as Buffer | null
      const end = line?.indexOf(0x0a) ?? -1
      if (line === null || end < 0) return void socket.destroy()
      if (end + 1 < line.length) socket.unshift(line.subarray(end + 1))
      serve[line.subarray(0, end).toString()]?.(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return { server, port: address.port, sentBytes: () => sentBytes }
}

describe('flows between real processes', () => {
  let mesh: MeshFixture
  let user: RunningNode
  let provider: RunningNode
  let target: Awaited<ReturnType<typeof startServer>>
  let port: number
  const open: Socket[] = []

  beforeAll(async () => {
    mesh = await createMeshFixture()
    target = await startServer()
    await mesh.init('provider')
    provider = await mesh.up('provider')
    await mesh.join('user', provider)
    user = await mesh.up('user')
    await provider.json(['expose', 'all', '--to', `127.0.0.1:${target.port}`])
    const made = await user.json<{ forward: { port: number } }>(['forward', '0', 'all'])
    port = made.forward.port
    await waitFor('the service', async () => {
      const { items } = await user.json<{ items: { name: string }[] }>(['services'])
      return items.some(({ name }) => name === 'all')
    })
  })

  afterAll(async () => {
    for (const socket of open) socket.destroy()
    await mesh?.stop()
    target?.server.close()
  })

  async function client(mode: string): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    open.push(socket)
    await once(socket, 'connect')
    socket.write(`${mode}\n`)
    return socket
  }

  it('respect a half-close: the answer comes after the client has ended', async () => {
    const bytes = randomBytes(3_000_000)
    const socket = await client('digest')
    socket.end(bytes)
    expect((await readAll(socket)).toString()).toBe(sha256(bytes))
  })

  it('hold back a sender whose reader is slow, in bounds in both processes, and the link stays up', async () => {
    const before = [await residentMib(user), await residentMib(provider)]
    const slow = await client('source')
    slow.pause()
    let sent = -1
    // It has come to rest once nothing more was taken from it for a while.
    await waitFor('the source to be held back', async () => {
      const last = sent
      sent = target.sentBytes()
      await new Promise((done) => setTimeout(done, 1_000))
      return last === target.sentBytes()
    })
    expect(target.sentBytes()).toBeLessThan(2 * FLOW_LIMIT_MIB * MIB + 16 * MIB)
    const after = [await residentMib(user), await residentMib(provider)]
    for (const [index, mib] of after.entries()) {
      expect(mib - (before[index] ?? 0)).toBeLessThan(FLOW_LIMIT_MIB + SLACK_MIB)
    }
    const { links } = await user.json<Status>(['status'])
    expect(links).toHaveLength(1)
    expect(['up', 'degraded']).toContain(links[0]?.state)
    const held = target.sentBytes()
    slow.resume()
    await waitFor('it to go on', () => target.sentBytes() > held + 8 * MIB)
    slow.destroy()
  })

  it(`carry ${FLOWS} at once, byte for byte`, async () => {
    const exchanges = Array.from({ length: FLOWS }, async () => {
      const bytes = randomBytes(200_000)
      const socket = await client('echo')
      socket.end(bytes)
      return sha256(await readAll(socket)) === sha256(bytes)
    })
    expect((await Promise.all(exchanges)).filter((isSame) => isSame)).toHaveLength(FLOWS)
  })
})
