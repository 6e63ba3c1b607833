import { describe, expect, it } from 'vitest'
import { incidentOf, peer } from '../../../tests/helpers/incidents.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { planOf } from '../../../tests/helpers/plan-store.ts'
import type { LinkState } from '../../domain/link.ts'
import type { LinkView } from '../../mesh/links/link-view.ts'
import { FaultError } from '../../platform/error.ts'
import { type LocalActionDeps, performLocally } from './local-actions.ts'

const [SELF, OTHER] = [peer('A'), peer('B')]

/** Only what redialling touches is there; the rest fails the test that touches it. */
function setUp(renew: () => Promise<boolean>) {
  const clock = createManualClock()
  let state: LinkState = 'down'
  const view = (): LinkView => ({
    ...{ peer: OTHER, state, rttMs: 1, sinceMs: 0, seenMs: 0, jitterMs: 0, lossEstimate: 0 },
    ...{ loss: undefined, clockOffsetMs: 0, suite: 's', direction: 'outbound', address: '' },
  })
  const deps: Pick<LocalActionDeps, 'clock' | 'membership' | 'links'> = {
    clock,
    membership: {
      ...{ self: SELF, members: () => [], certificateOf: () => undefined, longestOwnChain: () => undefined },
      replica: { digest: () => [] } as never,
      quarantine: { put: () => expect.fail('nobody is shut out'), release: () => expect.fail('nor let in') },
    },
    links: { links: () => [view()], renew, calm: () => expect.fail('nothing is calmed') },
  }
  const { id, incident } = planOf()
  const order = {
    ...({ plan: id, incident, step: 'dial', action: 'redial', subject: incidentOf().subject } as const),
    ...{ target: SELF, args: {}, key: 'k', isResumed: false },
  }
  const done = performLocally(deps as LocalActionDeps, order, new AbortController().signal)
  return {
    clock,
    done,
    setState(next: LinkState) {
      state = next
    },
  }
}

const noAddress = () => Promise.reject(new FaultError({ code: 'NO_ADDRESS' }, 'no address is known here'))
const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('redialling a link', () => {
  it('is done by the other end where this one knows no address', async () => {
    const { clock, done, setState } = setUp(noAddress)
    await settle()
    setState('up')
    clock.advance(100)
    expect(await done).toMatchObject({ changed: true })
  })

  it('says who alone can dial when that end does not', async () => {
    const { clock, done } = setUp(noAddress)
    const failed = expect(done).rejects.toThrow(`only ${OTHER} can dial this link`)
    for (let turn = 0; turn < 41; turn += 1) {
      await settle()
      clock.advance(100)
    }
    await failed
  })

  it('fails with what the dial failed with', async () => {
    const { done } = setUp(() => Promise.reject(new FaultError({ code: 'DIAL_FAILED' }, 'nobody answers')))
    await expect(done).rejects.toThrow('nobody answers')
  })
})
