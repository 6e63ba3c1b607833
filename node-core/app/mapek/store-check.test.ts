import { expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { SeriesEvents } from '../../knowledge/series/series-store.ts'
import { createEmitter } from '../../platform/emitter.ts'
import { createStoreCheck } from './store-check.ts'

function setUp() {
  const clock = createManualClock()
  const events = createEmitter<SeriesEvents>((error) => {
    throw error
  })
  let broken: string | undefined
  const meta = {
    set() {
      if (broken !== undefined) throw new Error(broken)
    },
  }
  const check = createStoreCheck({ clock, meta, series: { events } })
  return {
    ...{ clock, check, events },
    break: (why: string | undefined) => {
      broken = why
    },
  }
}

it('finds a store that cannot be written within half a minute, at once when somebody noticed, and says when it is over', () => {
  const { clock, check, ...store } = setUp()
  store.break('the disk is full')
  clock.advance(29_000)
  expect(check.fault()).toBeUndefined()
  clock.advance(1_000)
  expect(check.fault()).toBe('the disk is full')
  store.break(undefined)
  clock.advance(2_000)
  expect(check.fault()).toBeUndefined()
  store.break('database is locked')
  check.failed()
  expect(check.fault()).toBe('database is locked')
})

it('tells of the store of series as well, which is another file', () => {
  const { check, events } = setUp()
  events.emit('fault', { code: 'STORE_FULL', message: 'the disk is full' })
  expect(check.fault()).toBe('the history is not written: the disk is full')
  events.emit('recovered', { dropped: 0 })
  expect(check.fault()).toBeUndefined()
})
