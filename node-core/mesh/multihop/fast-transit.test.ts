import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { flowPair, type HopChain, startChain } from '../../../tests/helpers/hop-chain.ts'
import { randomChunks } from '../../../tests/helpers/streams.ts'
import { SecuredStream } from '../../noise-hfs/secured-stream.ts'
import { STARTING_POLICY } from '../../security/policy-document.ts'
import { createFlow } from '../flows/flow.ts'
import { markSealed } from '../flows/sealed-bytes.ts'
import { MuxStream } from '../mux/mux-stream.ts'

const MIB = 1024 * 1024
let mesh: HopChain | undefined
afterEach(async () => {
  vi.restoreAllMocks()
  await mesh?.stop()
  mesh = undefined
})

/** What links have carried without encryption so far, in bytes. */
function watchBare(): { bytes(): number } {
  let bytes = 0
  const receive = MuxStream.prototype.receiveBare
  vi.spyOn(MuxStream.prototype, 'receiveBare').mockImplementation(function (this: MuxStream, part) {
    bytes += part.length
    receive.call(this, part)
  })
  return { bytes: () => bytes }
}

async function transfer(chain: HopChain, sizeBytes: number): Promise<void> {
  const flows = await flowPair(await chain.connect(0, 2), chain.node(2))
  const sent = randomBytes(sizeBytes)
  const parts: Buffer[] = []
  flows.far.on('data', (part: Buffer) => parts.push(part))
  await pipeline(Readable.from(randomChunks(sent)), flows.near, { end: false })
  await eventually('all has arrived', () => parts.reduce((sum, { length }) => sum + length, 0) === sizeBytes)
  expect(Buffer.concat(parts).equals(sent)).toBe(true)
}

describe('the links under a route', () => {
  it('do not encrypt again what its ends have encrypted, but do encrypt its set-up and its handshake', async () => {
    const bare = watchBare()
    mesh = await startChain(3)
    await mesh.connect(0, 2)
    expect(bare.bytes()).toBe(0)
    await transfer(mesh, 2 * MIB)
    // Over two links.
    expect(bare.bytes()).toBeGreaterThan(3 * MIB)
  })

  it('encrypt everything as soon as the policy says so', async () => {
    mesh = await startChain(3)
    const { nodes } = mesh
    mesh.setPolicy(`${STARTING_POLICY}flags:\n  fast-transit: { everywhere: false }\n`)
    await eventually('all know the policy', () =>
      nodes.every(({ membership }) => membership.policy().flags?.['fast-transit'] !== undefined),
    )
    const bare = watchBare()
    await transfer(mesh, MIB)
    expect(bare.bytes()).toBe(0)
  })

  it('end at the far end when somebody sends another stream without encryption', async () => {
    mesh = await startChain(2)
    const [near, far] = [mesh.node(0), mesh.node(1)]
    await far.host.handle('/x0t/test/1', () => {})
    const stream = await near.host.open(far.peer, '/x0t/test/1', AbortSignal.timeout(10_000))
    expect(stream).toBeInstanceOf(MuxStream)
    stream.send(Uint8Array.of(1))
    if (stream instanceof MuxStream) stream.sendBare(Uint8Array.of(2))
    await eventually('the stream is gone', () => stream.status !== 'open')
  })

  it('take only the very bytes that an end has marked, and no view of them', async () => {
    const sendBare = vi.spyOn(SecuredStream.prototype, 'sendBare')
    mesh = await startChain(2)
    const [near, far] = [mesh.node(0), mesh.node(1)]
    await far.host.handle('/x0t/test/1', () => {})
    const stream = await near.host.open(far.peer, '/x0t/test/1', AbortSignal.timeout(10_000))
    const line = near.host.lineOf(stream)
    if (line === undefined) throw new Error('the link is gone')
    const flow = createFlow(stream, line, () => true)
    flow.on('error', () => undefined)
    const marked = markSealed(randomBytes(100))
    await new Promise((resolve) => flow.write(marked.subarray(0, 50), resolve))
    expect(sendBare).not.toHaveBeenCalled()
    await new Promise((resolve) => flow.write(marked, resolve))
    expect(sendBare).toHaveBeenCalledTimes(1)
    flow.destroy()
  })
})
