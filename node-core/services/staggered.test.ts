import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { type StaggeredPlan, tryStaggered } from './staggered.ts'

interface Result {
  readonly of: string
  readonly ok: boolean
}

/** Attempts that end when the test says so. */
function scene(candidates: readonly string[]) {
  const clock = createManualClock()
  const begun = new Map<string, { end(ok: boolean): void; signal: AbortSignal }>()
  const [slow, discarded]: [string[], string[]] = [[], []]
  let isOver = false
  const plan: StaggeredPlan<string, Result> = {
    ...{ candidates, aloneMs: () => 100, isOver: () => isOver, isTaken: ({ ok }) => ok },
    attempt: (of, signal) =>
      new Promise((resolve) => begun.set(of, { signal, end: (ok) => resolve({ of, ok }) })),
    onSlow: (candidate) => void slow.push(candidate),
    discard: ({ of }) => void discarded.push(of),
  }
  const stopping = new AbortController()
  const outcome = tryStaggered(clock, plan, stopping.signal)
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    ...{ clock, begun, slow, discarded, outcome, settle, stopping },
    end: async (of: string, ok: boolean) => {
      begun.get(of)?.end(ok)
      await settle()
    },
    over: () => {
      isOver = true
    },
  }
}

describe('trying one after the other', () => {
  it('takes the first one that succeeds, and begins no other', async () => {
    const { end, begun, outcome } = scene(['a', 'b'])
    await end('a', true)
    expect(await outcome).toEqual({ taken: { of: 'a', ok: true }, failed: [] })
    expect([...begun.keys()]).toEqual(['a'])
  })

  it('goes on at once when one fails, and tells who did', async () => {
    const { end, outcome, clock } = scene(['a', 'b'])
    await end('a', false)
    await end('b', false)
    expect(await outcome).toEqual({
      taken: undefined,
      failed: [
        { of: 'a', ok: false },
        { of: 'b', ok: false },
      ],
    })
    expect(clock.timers).toBe(0)
  })

  it('begins the next beside one that takes long, stops the slow one and gives back what it got', async () => {
    const { clock, settle, end, begun, slow, discarded, outcome } = scene(['a', 'b', 'c'])
    clock.advance(99)
    await settle()
    expect([...begun.keys()]).toEqual(['a'])
    clock.advance(1)
    await settle()
    expect([...begun.keys()]).toEqual(['a', 'b'])
    await end('b', true)
    expect((await outcome).taken).toEqual({ of: 'b', ok: true })
    expect(begun.get('a')?.signal.aborted).toBe(true)
    expect(slow).toEqual(['a'])
    await end('a', true)
    expect(discarded).toEqual(['a'])
  })

  it('takes a slow one after all when it succeeds first', async () => {
    const { clock, settle, end, outcome, slow } = scene(['a', 'b'])
    clock.advance(100)
    await settle()
    await end('a', true)
    expect((await outcome).taken).toEqual({ of: 'a', ok: true })
    expect(slow).toEqual(['b'])
  })

  it('begins no more once it is over, and waits for those that run', async () => {
    const { clock, settle, end, over, begun, outcome } = scene(['a', 'b'])
    over()
    clock.advance(1_000)
    await settle()
    expect([...begun.keys()]).toEqual(['a'])
    await end('a', false)
    expect((await outcome).taken).toBeUndefined()
  })

  it('stops all with its signal', async () => {
    const { begun, end, stopping, outcome } = scene(['a', 'b'])
    stopping.abort()
    expect(begun.get('a')?.signal.aborted).toBe(true)
    await end('a', false)
    expect(await outcome).toEqual({ taken: undefined, failed: [{ of: 'a', ok: false }] })
  })
})
