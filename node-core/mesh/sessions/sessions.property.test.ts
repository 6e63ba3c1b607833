import type { Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryMesh } from '../../../tests/helpers/memory-paths.ts'

const WAYS = 3

type Act =
  | { kind: 'write'; by: 0 | 1; size: number }
  | { kind: 'hold' | 'release' | 'cut' | 'offer' | 'withdraw'; way: number }
  | { kind: 'pass'; ms: number }
  | { kind: 'read'; by: 0 | 1; on: boolean }

const side = fc.constantFrom<0 | 1>(0, 1)
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), by: side, size: fc.integer({ min: 1, max: 200_000 }) }),
  fc.record({
    kind: fc.constantFrom(
      'hold' as const,
      'release' as const,
      'cut' as const,
      'offer' as const,
      'withdraw' as const,
    ),
    way: fc.nat(WAYS - 1),
  }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
  fc.record({ kind: fc.constant('read' as const), by: side, on: fc.boolean() }),
)

const pattern = (length: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 255))

describe('sessions over ways that are held, cut, withdrawn and come back', () => {
  it('deliver every byte once and in order, end cleanly and leave nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { maxLength: 25 }), fc.nat(), async (script, seed) => {
        const mesh = createMemoryMesh(WAYS, () => ((seed % 97) + 1) / 100)
        const [a, b] = [await mesh.join(), await mesh.join()]
        const arrived: Duplex[] = []
        await b.sessions.handle((flow) => arrived.push(flow))
        const near = await a.sessions.open(b.peer, new AbortController().signal)
        await mesh.settle()
        const ends = [near, arrived[0]] as const
        const sent: [Buffer[], Buffer[]] = [[], []]
        const got: [Buffer[], Buffer[]] = [[], []]
        const errors: unknown[] = []
        for (const index of [0, 1] as const) {
          ends[index]?.on('data', (part: Buffer) => got[index].push(Buffer.from(part)))
          ends[index]?.on('error', (error) => errors.push(error))
        }
        for (const [step, act] of script.entries()) {
          if (act.kind === 'write') {
            const bytes = pattern(act.size, step)
            sent[act.by].push(bytes)
            ends[act.by]?.write(bytes)
          } else if (act.kind === 'pass') await mesh.pass(act.ms)
          else if (act.kind === 'read') act.on ? ends[act.by]?.resume() : ends[act.by]?.pause()
          else if (act.kind === 'offer') mesh.ways[act.way]?.offer(true)
          else if (act.kind === 'withdraw') mesh.ways[act.way]?.offer(false)
          else mesh.ways[act.way]?.[act.kind]()
          await mesh.settle()
        }
        for (const way of mesh.ways) {
          way.release()
          way.offer(true)
        }
        for (const end of ends) end?.resume().end()
        for (let round = 0; round < 60 && !(near.closed && arrived[0]?.closed); round++) await mesh.pass(250)
        expect(errors).toEqual([])
        expect(Buffer.concat(got[1]).equals(Buffer.concat(sent[0]))).toBe(true)
        expect(Buffer.concat(got[0]).equals(Buffer.concat(sent[1]))).toBe(true)
        expect([near.closed, arrived[0]?.closed]).toEqual([true, true])
        expect(arrived).toHaveLength(1)
        for (const { sessions } of [a, b]) {
          expect(sessions.counters()).toMatchObject({ heldBytes: 0, finished: 1, reset: 0 })
        }
      }),
      { numRuns: 60 },
    )
  })
})
