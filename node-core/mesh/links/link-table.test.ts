import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { dialAddresses, startTestHost } from '../../../tests/helpers/mesh-hosts.ts'
import { createEmitter } from '../../platform/emitter.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createLinkTable, type LinkEvents } from './link-table.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

async function startTable() {
  const clock = createManualClock()
  const { host } = await startTestHost()
  const events = createEmitter<LinkEvents>((error) => {
    throw error
  })
  const table = createLinkTable({ clock, logger: silentLogger, host, events })
  await table.start()
  stops.push(async () => {
    await table.stop()
    await host.stop()
  })
  return { clock, host, table }
}

async function linkedTables() {
  const [a, b] = [await startTable(), await startTable()]
  await a.host.dial(dialAddresses(b.host), AbortSignal.timeout(10_000))
  const isLinked = (): boolean => a.table.linked().length === 1 && b.table.linked().length === 1
  await eventually('both ends have the link', isLinked, 10_000)
  return { a, b }
}

describe('link table', () => {
  it('shows a neighbour that was lost as down for a while, though nobody wants it any more', async () => {
    const { a, b } = await linkedTables()
    b.host.drop(a.host.peerId, 'the test says so')
    await eventually('the link is gone', () => a.table.linked().length === 0, 10_000)
    a.clock.advance(60_000)
    expect(a.table.views([])).toMatchObject([{ peer: b.host.peerId, state: 'down', sinceMs: 60_000 }])
    expect(a.table.views([b.host.peerId])).toHaveLength(1)
    a.clock.advance(60_000)
    expect(a.table.views([])).toEqual([])
  }, 30_000)

  it('does not call lost what one end gave up because it has enough', async () => {
    const { a, b } = await linkedTables()
    b.table.giveUp(a.host.peerId)
    expect(b.table.views([])).toEqual([])
    await eventually('the link is gone', () => a.table.linked().length === 0, 10_000)
  }, 30_000)
})
