import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { dialAddresses, startTestHost, type TestHost } from '../../../tests/helpers/mesh-hosts.ts'
import { createFlows } from '../flows/flows.ts'
import { gatherCredit } from './thrifty-windows.ts'

const MIB = 1024 * 1024
const [DATA, WINDOW_UPDATE] = [0, 1]
const hosts: TestHost[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map(({ host }) => host.stop()))
})

interface Frame {
  readonly type: number
  readonly flag: number
  readonly streamID: number
  readonly length: number
}

function setUp() {
  const sent: Frame[] = []
  const streams: { id: string }[] = []
  const muxer = { streams, sendFrame: (frame: Frame) => sent.push(frame) > 0 }
  gatherCredit(muxer)
  return { sent, send: (frame: Frame) => muxer.sendFrame(frame) }
}

describe('window credit', () => {
  it('is gathered by stream, never lost, and never held above half a megabyte', () => {
    const update = fc.record({
      streamID: fc.integer({ min: 1, max: 3 }),
      length: fc.integer({ min: 1, max: 300_000 }),
    })
    fc.assert(
      fc.property(fc.array(update, { maxLength: 60 }), (updates) => {
        const { sent, send } = setUp()
        for (const each of updates) send({ ...each, type: WINDOW_UPDATE, flag: 0 })
        for (const id of [1, 2, 3]) {
          const total = (frames: readonly { streamID: number; length: number }[]): number =>
            frames.reduce((sum, frame) => sum + (frame.streamID === id ? frame.length : 0), 0)
          const held = total(updates) - total(sent)
          expect(held).toBeGreaterThanOrEqual(0)
          expect(held).toBeLessThan(512 * 1024)
        }
      }),
    )
  })

  it('lets every other frame and every flag through at once', () => {
    const { sent, send } = setUp()
    const frames = [
      { type: DATA, flag: 0, streamID: 1, length: 5 },
      ...[1, 2, 4, 8].map((flag) => ({ type: WINDOW_UPDATE, flag, streamID: 1, length: 7 })),
      { type: 2, flag: 1, streamID: 0, length: 1 },
    ]
    for (const frame of frames) send(frame)
    expect(sent).toEqual(frames)
  })

  it('costs the receiver of a transfer few frames on a real connection', async () => {
    const [near, far] = [await startTestHost(), await startTestHost()]
    hosts.push(near, far)
    const flows = createFlows({ streams: near.host })
    let received = 0
    await createFlows({ streams: far.host }).handle((flow) => {
      flow.on('data', (part: Buffer) => {
        received += part.length
      })
      flow.end()
    })
    const connection = await near.host.dial(dialAddresses(far.host), AbortSignal.timeout(5_000))
    const flow = await flows.open(far.host.peerId, AbortSignal.timeout(5_000))
    const before = connection.receivedBytes()
    flow.resume()
    flow.end(Buffer.alloc(32 * MIB))
    await eventually('all has arrived', () => received === 32 * MIB)
    // A frame of 12 bytes for each of the 256 turns would be 3 kB.
    expect(connection.receivedBytes() - before).toBeLessThan(1_500)
    await eventually('the flow is over', () => flow.closed)
  })
})
