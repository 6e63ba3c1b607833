import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { dialAddresses } from '../../../tests/helpers/mesh-hosts.ts'
import { startSessionMember } from '../../../tests/helpers/session-networks.ts'
import { MuxStream } from '../mux/mux-stream.ts'
import { createFlows } from './flows.ts'

const limit = () => AbortSignal.timeout(10_000)
const READ_BYTES = 64 * 1024

type Member = Awaited<ReturnType<typeof startSessionMember>>
let members: Member[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const { sessions, test } of members) {
    await sessions.stop()
    await test.host.stop()
  }
  members = []
})

async function pair() {
  const [near, far] = [await startSessionMember(), await startSessionMember()]
  members = [near, far]
  await near.test.host.dial(dialAddresses(far.test.host), limit())
  const arrived: Duplex[] = []
  const [nearFlows, farFlows] = [near, far].map(({ test }) => createFlows({ streams: test.host }))
  await farFlows?.handle((flow) => void arrived.push(flow))
  await far.sessions.handle((flow) => void arrived.push(flow))
  const peer = far.test.host.peerId
  return { near, peer, flows: nearFlows, arrived }
}

/** Writes as a socket delivers, twice, and returns the sizes of what went to the muxer until all had arrived. */
async function sizesOfBulk(out: Duplex, arrived: readonly Duplex[]): Promise<readonly number[]> {
  const send = vi.spyOn(MuxStream.prototype, 'send')
  out.on('error', () => undefined)
  for (let index = 0; index < 2; index += 1) out.write(new Uint8Array(READ_BYTES).fill(index))
  out.end()
  const [far] = arrived
  if (far === undefined) throw new Error('nothing has come in')
  let received = 0
  far.on('data', (part: Uint8Array) => {
    received += part.length
  })
  await once(far, 'end')
  expect(received).toBe(2 * READ_BYTES)
  far.end()
  return send.mock.calls.map(([data]) => data.byteLength)
}

describe('whoever writes 64 KiB at a time', () => {
  it('fills whole frames with a flow, and the rest goes last', async () => {
    const { near, peer, flows, arrived } = await pair()
    const out = await flows?.open(peer, limit())
    if (out === undefined) throw new Error('no flow')
    out.write('!')
    await vi.waitFor(() => expect(arrived).toHaveLength(1), { timeout: 10_000 })
    await once(arrived[0] as Duplex, 'data')
    const frame = frameBytesOf(near)
    expect(await sizesOfBulk(out, arrived)).toEqual([frame, frame, 2 * (READ_BYTES - frame)])
  })

  it('begins with a whole frame on a session, too', async () => {
    const { near, peer, arrived } = await pair()
    const out = await near.sessions.open(peer, limit())
    await vi.waitFor(() => expect(arrived).toHaveLength(1), { timeout: 10_000 })
    const frame = frameBytesOf(near)
    const sizes = await sizesOfBulk(out, arrived)
    expect(sizes.filter((size) => size >= frame).every((size) => size % frame === 0)).toBe(true)
    expect(sizes).toContain(frame)
  })
})

function frameBytesOf({ test }: Member): number {
  const [peer] = test.host.peers()
  const connection = peer === undefined ? undefined : test.host.connections.of(peer)
  if (connection === undefined) throw new Error('not connected')
  return connection.line.frameBytes
}
