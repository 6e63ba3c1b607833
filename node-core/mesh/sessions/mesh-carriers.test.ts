import { afterEach, describe, expect, it, vi } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { startTestHost, type TestHost } from '../../../tests/helpers/mesh-hosts.ts'
import { parsePeerId } from '../../domain/ids.ts'
import { createMeshCarriers, type MeshCarrierDeps } from './mesh-carriers.ts'

const [NEAR, FAR] = [
  '12D3KooWDpHaKpkrbn3o6rnwDeqRtRVBt8jdTiHowkH8we9MTj23',
  '12D3KooWLwxDBsiJhnNvnRUy2YG6n9JSpxCN3AhRQGsoDGQqmm6x',
].flatMap((text) => parsePeerId(text) ?? [])

let test: TestHost | undefined
afterEach(() => test?.host.stop())

describe('carriers over routes', () => {
  it('leave nothing behind that fails later when a route could not be opened', async () => {
    if (NEAR === undefined || FAR === undefined) throw new Error('the peer ids are wrong')
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    try {
      test = await startTestHost()
      const clock = createManualClock()
      const open = vi.fn<MeshCarrierDeps['routed']['open']>(async () => {
        throw new Error('the handshake over a route was aborted')
      })
      const routed = { open, handle: async () => {}, unhandle: async () => {} }
      const carriers = createMeshCarriers({ streams: test.host, routed, clock })
      const { signal } = new AbortController()
      const opening = () => carriers.open([NEAR, FAR], '/x/1', signal)
      await expect(opening()).rejects.toThrow('aborted')
      await expect(opening()).rejects.toThrow('aborted')
      expect(open).toHaveBeenCalledTimes(2)
      clock.advance(3_600_000)
      // Node tells of a rejection that nobody handles after the promises of a turn.
      await new Promise((resolve) => setImmediate(resolve))
      expect(unhandled).not.toHaveBeenCalled()
      expect(clock.timers).toBe(0)
    } finally {
      process.off('unhandledRejection', unhandled)
    }
  })
})
