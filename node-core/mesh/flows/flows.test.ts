import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { dialAddresses, startTestHost, type TestHost } from '../../../tests/helpers/mesh-hosts.ts'
import { hasCode } from '../../platform/error.ts'
import { createFlows, type Flows } from './flows.ts'

const limit = () => AbortSignal.timeout(10_000)
const MIB = 1024 * 1024

let client: TestHost
let server: TestHost
let clientFlows: Flows
let serverFlows: Flows
let accept: (flow: Duplex) => void

beforeEach(async () => {
  client = await startTestHost()
  server = await startTestHost()
  clientFlows = createFlows({ streams: client.host })
  serverFlows = createFlows({ streams: server.host })
  await serverFlows.handle((flow) => accept(flow))
  await client.host.dial(dialAddresses(server.host), limit())
})
afterEach(async () => {
  await Promise.all([clientFlows.stop(), serverFlows.stop()])
  await Promise.all([client.host.stop(), server.host.stop()])
})

/** Both ends of one flow. */
async function flowPair(): Promise<{ near: Duplex; far: Duplex }> {
  const arrived = Promise.withResolvers<Duplex>()
  accept = arrived.resolve
  const near = await clientFlows.open(server.host.peerId, limit())
  return { near, far: await arrived.promise }
}
const read = async (flow: Readable): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const part of flow) parts.push(part)
  return Buffer.concat(parts)
}
const failure = async (flow: Duplex): Promise<unknown> => (await once(flow, 'error'))[0]

describe('a flow', () => {
  it('carries bytes exactly, both ways at once, in chunks of any size', async () => {
    const { near, far } = await flowPair()
    const there = randomBytes(9 * MIB + 17)
    const back = randomBytes(5 * MIB + 3)
    const chunked = function* (bytes: Buffer): Generator<Buffer> {
      for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 300_007) {
        yield bytes.subarray(at, at + size)
      }
    }
    const [, , gotThere, gotBack] = await Promise.all([
      pipeline(Readable.from(chunked(there)), near, { end: true }),
      pipeline(Readable.from(chunked(back)), far, { end: true }),
      read(far),
      read(near),
    ])
    expect(gotThere.equals(there)).toBe(true)
    expect(gotBack.equals(back)).toBe(true)
  })

  it('keeps the other direction open after one end has finished writing', async () => {
    const { near, far } = await flowPair()
    near.end('question')
    expect((await read(far)).toString()).toBe('question')
    expect(far.destroyed).toBe(false)
    far.write('an ')
    far.end('answer')
    expect((await read(near)).toString()).toBe('an answer')
    await eventually('both ends are closed', () => near.closed && far.closed)
  })

  it('hands over everything that was sent before the end, also to a reader that starts late', async () => {
    const { near, far } = await flowPair()
    const bytes = randomBytes(300_000)
    near.end(bytes)
    far.end()
    await eventually('the sender is done', () => near.writableFinished)
    await eventually('the window has arrived', () => far.readableLength > 0)
    expect((await read(far)).equals(bytes)).toBe(true)
  })

  it('hands over what the other end sent and finished before anybody here listened', async () => {
    for (let round = 0; round < 20; round++) {
      accept = (flow) => {
        flow.end(`answer ${round}`)
        flow.resume()
      }
      const near = await clientFlows.open(server.host.peerId, limit())
      expect((await read(near)).toString()).toBe(`answer ${round}`)
      near.end()
    }
  })

  it('is reset at the other end when one end destroys it, in either direction', async () => {
    const first = await flowPair()
    const farError = failure(first.far)
    first.near.destroy()
    expect(hasCode(await farError, 'STREAM_CLOSED')).toBe(true)

    const second = await flowPair()
    const nearError = failure(second.near)
    second.far.destroy()
    expect(hasCode(await nearError, 'STREAM_CLOSED')).toBe(true)
  })

  it('fails at both ends when the connection goes away, and never looks complete', async () => {
    const { near, far } = await flowPair()
    near.write('half of')
    await once(far, 'data')
    let ended = false
    far.on('end', () => {
      ended = true
    })
    const errors = Promise.all([failure(near), failure(far)])
    client.host.drop(server.host.peerId, 'test')
    for (const error of await errors) expect(hasCode(error, 'STREAM_CLOSED')).toBe(true)
    expect(ended).toBe(false)
  })

  it('does not look complete either when the other node stops in good order', async () => {
    const { near, far } = await flowPair()
    far.write('half of')
    await once(near, 'data')
    let ended = false
    near.on('end', () => {
      ended = true
    })
    const errors = Promise.all([failure(near), failure(far)])
    await server.host.stop()
    for (const error of await errors) expect(hasCode(error, 'STREAM_CLOSED')).toBe(true)
    expect(ended).toBe(false)
  })

  it('fails too when the other process dies, whose system closes the socket in good order', async () => {
    const sockets: net.Socket[] = []
    const [, , , , port] = server.host.listenAddresses()[0]?.split('/') ?? []
    const proxy = net.createServer((near) => {
      const far = net.connect(Number(port), '127.0.0.1')
      sockets.push(near, far)
      near.pipe(far).pipe(near)
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const late = await startTestHost()
    const lateFlows = createFlows({ streams: late.host })
    const { port: proxyPort } = proxy.address() as net.AddressInfo
    await late.host.dial([`/ip4/127.0.0.1/tcp/${proxyPort}/p2p/${server.host.peerId}`], limit())
    const arrived = Promise.withResolvers<Duplex>()
    accept = arrived.resolve
    const near = await lateFlows.open(server.host.peerId, limit())
    const far = await arrived.promise
    far.write('half of')
    await once(near, 'data')
    let ended = false
    near.on('end', () => {
      ended = true
    })
    const errors = Promise.all([failure(near), failure(far)])
    for (const socket of sockets) socket.end()
    for (const error of await errors) expect(hasCode(error, 'STREAM_CLOSED')).toBe(true)
    expect(ended).toBe(false)
    proxy.close()
    await late.host.stop()
  })

  it('makes a fast writer wait for a reader that stops, and holds less than 16 MiB for it', async () => {
    const { near, far } = await flowPair()
    const chunk = Buffer.alloc(64 * 1024, 7)
    let accepted = 0
    let isFull = false
    while (!isFull) {
      accepted += chunk.length
      if (near.write(chunk)) continue
      const turned = await Promise.race([once(near, 'drain'), quiet(near)])
      isFull = turned === 'quiet'
      expect(accepted).toBeLessThan(200 * MIB)
    }
    const held = accepted
    expect(held).toBeLessThan(16 * MIB)
    const sum = createHash('sha256')
    let received = 0
    near.end()
    for await (const part of far) {
      received += part.length
      sum.update(part)
    }
    expect(received).toBe(accepted)
    expect(sum.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(accepted, 7)).digest('hex'))
  })

  it('survives a reader that starts and stops all the time', async () => {
    const { near, far } = await flowPair()
    const bytes = randomBytes(30 * MIB)
    near.end(bytes)
    const parts: Buffer[] = []
    far.on('data', (part: Buffer) => {
      parts.push(part)
      far.pause()
      setImmediate(() => far.resume())
    })
    await once(far, 'end')
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  })

  it('runs 200 at once, each with its own bytes', async () => {
    accept = (flow) => {
      pipeline(flow, flow).catch(() => undefined)
    }
    const payload = randomBytes(200_000)
    const results = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const flow = await clientFlows.open(server.host.peerId, limit())
        const own = Buffer.concat([Buffer.from(`${index}:`), payload])
        flow.end(own)
        return (await read(flow)).equals(own)
      }),
    )
    expect(results.filter((isExact) => isExact)).toHaveLength(200)
  })

  it('shares the connection between writers: none of many starves, and little waits under the muxer', async () => {
    const received = new Map<number, number>()
    accept = (flow) => {
      let id: number | undefined
      flow.on('data', (part: Buffer) => {
        id ??= part[0] ?? 0
        received.set(id, (received.get(id) ?? 0) + part.length)
      })
      flow.on('error', () => undefined)
    }
    const flows = await Promise.all(
      Array.from({ length: 8 }, () => clientFlows.open(server.host.peerId, limit())),
    )
    for (const [index, flow] of flows.entries()) {
      const chunk = Buffer.alloc(256 * 1024, index)
      const more = (): void => {
        while (!flow.destroyed && flow.write(chunk));
      }
      flow.on('drain', more)
      flow.on('error', () => undefined)
      more()
    }
    let unsent = 0
    const connection = client.host.connections.of(server.host.peerId)
    await eventually(
      '64 MiB have arrived',
      () => {
        unsent = Math.max(unsent, connection?.unsentBytes() ?? 0)
        return sum(received.values()) > 64 * MIB
      },
      15_000,
    )
    expect(unsent).toBeLessThan(256 * 1024)
    const shares = [...received.values()].map((bytes) => bytes / sum(received.values()))
    expect(shares).toHaveLength(8)
    expect(Math.min(...shares)).toBeGreaterThan(0.06)
  })
})

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, value) => total + value, 0)

/** Resolves once the writer has made no progress for a while: it is really waiting. */
function quiet(flow: Duplex): Promise<'quiet'> {
  return new Promise((resolve) => {
    let last = flow.writableLength
    let still = 0
    const look = setInterval(() => {
      still = flow.writableLength === last ? still + 1 : 0
      last = flow.writableLength
      if (still < 40) return
      clearInterval(look)
      resolve('quiet')
    }, 5)
  })
}
