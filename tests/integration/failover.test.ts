import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { probeThroughMesh, transferThroughMesh } from '../../node-core/lab/invariants/through-mesh.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { FAR, NEAR, type Scene, type Side, startScene } from '../bench/failover-scene.ts'
import { startNewFlows } from '../bench/new-flows.ts'
import { waitFor } from '../helpers/x0t.ts'

const DEPS = { clock: systemClock, random: systemRandom }
/** Slow enough for the fault to fall into the transfer, on a machine that is fast. */
const BULK_BYTES = 24 * 1024 * 1024
const BREAK_AFTER_BYTES = 4 * 1024 * 1024
const BULK_MS = 40_000
/** A session has its standby by then. */
const SETTLE_MS = 1_000
const WATCH_MS = 1_000
/** How fast it goes is for the benchmark to say; here it is only not to hang. */
const MAX_GAP_MS = 10_000

type Fault = readonly [name: string, apply: (lab: Lab, side: Side) => Promise<void>]

const middleOf = ({ links }: Side) => {
  const link = links[1]
  if (link === undefined) throw new RangeError('a side has three links')
  return link
}
const transitOf = ({ transits }: Side) => {
  const [node] = transits
  if (node === undefined) throw new RangeError('a side has two nodes in it')
  return node
}
const onLink =
  (kind: 'cut' | 'blackhole' | 'oneway'): Fault[1] =>
  (lab, side) => {
    const { a, b } = middleOf(side)
    return lab.impair(a, b, { kind })
  }

const FAULTS: readonly Fault[] = [
  ['a link that is reset', onLink('cut')],
  ['a link that turns into a black hole', onLink('blackhole')],
  ['a link that passes nothing one way', onLink('oneway')],
  ['the SIGKILL of a node on the way', (lab, side) => lab.act(transitOf(side), 'kill')],
  ['the SIGSTOP of a node on the way', (lab, side) => lab.act(transitOf(side), 'stop')],
]

describe('across a ring of six', () => {
  let scene: Scene

  beforeAll(async () => {
    scene = await startScene()
  })

  afterAll(async () => {
    const violations = scene.violations()
    await scene.stop()
    expect(violations).toEqual([])
  })

  afterEach(() => scene.mend())

  it.each(FAULTS)(
    'requests and a bulk transfer survive %s, and no byte is lost or repeated',
    async (_, apply) => {
      const { lab } = scene
      const probe = await probeThroughMesh(DEPS, lab, NEAR, FAR, { maxGapMs: MAX_GAP_MS })
      try {
        await delay(SETTLE_MS)
        const before = await scene.traffic()
        let broken: Promise<void> | undefined
        const transfer = await transferThroughMesh(DEPS, lab, NEAR, FAR, {
          ...{ sizeBytes: BULK_BYTES, seed: 11, maxGapMs: MAX_GAP_MS, signal: AbortSignal.timeout(BULK_MS) },
          onProgress(received) {
            if (received >= BREAK_AFTER_BYTES) {
              broken ??= scene.sideInUse(before).then((side) => apply(lab, side))
            }
          },
        })
        await broken
        expect(transfer).toMatchObject({ violations: [], receivedBytes: BULK_BYTES })
        await delay(WATCH_MS)
        const probed = await probe.finish()
        expect(probed.violations).toEqual([])
        expect(probed.answered).toBe(probed.sent)
        // The client's own connection is the one that it began with.
        expect(probe.accepted()).toBe(1)
      } finally {
        await probe.close()
      }
    },
  )

  it('new flows go to another provider when theirs is killed', async () => {
    const { lab, either } = scene
    const before = either.accepted()
    const flows = startNewFlows(either.port)
    try {
      await waitFor('the first new flows', () => flows.answered >= 10)
      const [used] = [...either.accepted()].toSorted(
        ([one, a], [other, b]) => b - (before.get(other) ?? 0) - (a - (before.get(one) ?? 0)),
      )
      if (used === undefined) throw new RangeError('nobody provides the service')
      await lab.act(used[0], 'kill')
      const served = flows.answered
      await waitFor('the other provider to serve', () => flows.answered >= served + 20)
    } finally {
      await flows.finish(Number.POSITIVE_INFINITY, 0)
    }
  })
})
