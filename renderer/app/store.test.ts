import { expect, it } from 'vitest'
import { sampleStatus } from '../testing/sample-status.ts'
import { nextView, type View } from './store.ts'

const connecting: View = { kind: 'connecting' }
const status = sampleStatus()
const failed = { kind: 'failed', problem: 'No node runs on this machine.', hint: 'x0t up' } as const

it('keeps what was last seen of a node that no longer answers, with the time of that sight', () => {
  const live = nextView(connecting, { kind: 'read', status }, 1_000)
  expect(live).toEqual({ kind: 'live', seen: { status, atMs: 1_000 } })
  const lost = nextView(live, failed, 5_000)
  expect(lost).toMatchObject({ kind: 'lost', problem: failed.problem, seen: { atMs: 1_000 } })
  expect(nextView(lost, failed, 9_000)).toEqual(lost)
})

it('has nothing to show of a node that it never saw', () => {
  expect(nextView(connecting, failed, 1_000)).toMatchObject({ kind: 'lost', seen: undefined })
})

it('is live again with the next answer', () => {
  const lost = nextView(connecting, failed, 1_000)
  expect(nextView(lost, { kind: 'read', status }, 2_000)).toEqual({
    kind: 'live',
    seen: { status, atMs: 2_000 },
  })
})
