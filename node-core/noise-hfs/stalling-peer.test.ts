import type { MultiaddrConnection } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { admitting, codeOf, handshake, text } from '../../tests/helpers/handshake-ends.ts'
import { createManualClock, type ManualClock } from '../../tests/helpers/manual-clock.ts'
import type { Admission } from './admission-port.ts'
import { createMeshNoise, type MeshNoiseOptions } from './noise-hfs.ts'

describe('a peer that stalls', () => {
  const options: MeshNoiseOptions = { messageTimeoutMs: 3_000 }
  /** Asks for a second proof, so that there are messages E and F. */
  const asking: Admission = {
    ...admitting,
    judge: async ({ attempt }) => ({ kind: attempt === 1 ? 'again' : 'admit', reply: text('reply') }),
    judgeReply: async ({ attempt }) =>
      attempt === 1 ? { kind: 'again', proof: text('everything') } : { kind: 'admitted' },
  }
  const parts = (clock: ManualClock, message: string) => {
    const admission = message === 'E' || message === 'F' ? asking : admitting
    return { parts: createMeshNoise({ admission, clock }, options) }
  }

  /** Lets the first `messages` frames through in each direction, and nothing more. */
  function stallAfter(connection: MultiaddrConnection, messages: number): void {
    const send = connection.send.bind(connection)
    let left = messages
    connection.send = (data) => {
      left -= 1
      return left >= 0 ? send(data) : true
    }
  }

  it.each([
    ['A', 0, 99, 'inbound'],
    ['B', 99, 0, 'outbound'],
    ['C', 1, 99, 'inbound'],
    ['D', 99, 1, 'outbound'],
    ['E', 2, 99, 'inbound'],
    ['F', 99, 2, 'outbound'],
  ] as const)(
    'ends within the limit when %s does not come',
    async (message, fromInitiator, fromResponder, waiting) => {
      const clock = createManualClock()
      const pending = handshake({
        initiator: parts(clock, message),
        responder: parts(clock, message),
        onConnections(out, inn) {
          stallAfter(out, fromInitiator)
          stallAfter(inn, fromResponder)
        },
      })
      for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve))
      clock.advance(3_000)
      const result = await pending
      const side = waiting === 'inbound' ? result.b : result.a
      expect(codeOf(waiting === 'inbound' ? result.inbound : result.outbound)).toBe('STALLED')
      expect(side.events).toMatchObject([
        { name: 'failed', event: { fault: { code: 'STALLED', message, afterMs: 3_000 } } },
      ])
      expect([clock.timers, result.b.gate.handshakes]).toEqual([0, 0])
    },
  )
})
