import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import {
  type NodeEvent,
  nodeEventSchema,
  TOPIC_KEYS,
  TOPICS,
  type Topic,
  type TopicItem,
} from '../../contract/events-schemas.ts'
import { peerIdSchema, serviceNameSchema } from '../../contract/schemas.ts'
import { applyEvent, type TopicView } from '../../contract/topic-view.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createEventHub, type EventHub } from './event-hub.ts'
import { createTopicLog, type TopicLog } from './topic-log.ts'

type Flow = TopicItem<'flows'>

const peer = peerIdSchema.parse(`12D3KooW${'A'.repeat(44)}`)
const service = serviceNameSchema.parse('web')
const flow = (id: number, toClientBytes = 0): Flow => ({
  ...{ id: String(id), side: 'use', service, peer, startedAt: 1 },
  ...{ toProviderBytes: 0, toClientBytes },
})

const nothing = (): TopicLog => ({ watch: undefined, refresh: () => false, since: () => [], seq: () => 0 })

let clock: ManualClock
let items: Flow[]
let changed: () => void
let looks: number
let watched: number
let logs: Record<Topic, TopicLog>
let hub: EventHub

beforeEach(() => {
  clock = createManualClock()
  items = [flow(1)]
  changed = () => {}
  looks = 0
  watched = 0
  logs = {
    ...{ node: nothing(), links: nothing(), members: nothing(), services: nothing() },
    ...{ forwards: nothing(), socks: nothing(), incidents: nothing() },
    flows: createTopicLog({
      items: () => {
        looks += 1
        return items
      },
      key: TOPIC_KEYS.flows,
      event: (head, set) => ({ topic: 'flows', ...head, set }),
      watch: (callback) => {
        watched += 1
        changed = callback
        return () => {
          watched -= 1
        }
      },
    }),
  }
  hub = createEventHub({ clock, logger: silentLogger }, logs)
})

/** A reader that takes events one by one. */
function reader() {
  const end = new AbortController()
  const events = hub.subscribe(['flows'], end.signal)
  return {
    end,
    events,
    next: async (): Promise<NodeEvent> => {
      const { value } = await events.next()
      return nodeEventSchema.parse(value)
    },
  }
}

describe('following topics', () => {
  it('begins with a snapshot and goes on with numbered changes', async () => {
    const { next, end } = reader()
    expect(await next()).toMatchObject({ kind: 'snapshot', seq: 1, from: null, set: [flow(1)] })
    items = [flow(2)]
    const second = next()
    changed()
    clock.advance(100)
    expect(await second).toMatchObject({ kind: 'change', seq: 2, from: 1, set: [flow(2)], removed: ['1'] })
    end.abort()
  })

  it('sees within a second what does not tell of its changes', async () => {
    const { next, end } = reader()
    await next()
    items = [flow(1, 10)]
    const second = next()
    clock.advance(1_000)
    expect(await second).toMatchObject({ from: 1, set: [flow(1, 10)] })
    end.abort()
  })

  it('puts together what a slow reader missed', async () => {
    const { next, end } = reader()
    await next()
    for (let bytes = 1; bytes <= 5; bytes++) {
      items = [flow(1, bytes)]
      clock.advance(1_000)
    }
    expect(await next()).toMatchObject({ kind: 'change', from: 1, seq: 6, set: [flow(1, 5)], removed: [] })
    end.abort()
  })

  it('gives a snapshot again to a reader that is too far behind', async () => {
    const { next, end } = reader()
    await next()
    for (let round = 0; round < 3; round++) {
      items = Array.from({ length: 2_000 }, (_, id) => flow(id, round + 1))
      clock.advance(1_000)
    }
    expect(await next()).toMatchObject({ kind: 'snapshot', from: null, seq: 4 })
    end.abort()
  })

  it('splits what is long, and each part fits to the one before', async () => {
    items = Array.from({ length: 1_000 }, (_, id) => flow(id))
    const { next, end } = reader()
    let view: TopicView<'flows'> | 'gap' | undefined
    for (let part = 0; part < 4; part++) {
      const event = await next()
      expect(event.set.length).toBeLessThanOrEqual(256)
      if (event.topic === 'flows' && view !== 'gap') view = applyEvent(view, event)
    }
    expect(view === 'gap' ? 0 : view?.items.size).toBe(1_000)
    end.abort()
  })

  it('looks at nothing while nobody follows', async () => {
    clock.advance(10_000)
    expect([looks, watched]).toEqual([0, 0])
    const { next, end, events } = reader()
    await next()
    expect(watched).toBe(1)
    const last = events.next()
    end.abort()
    expect(await last).toMatchObject({ done: true })
    const before = looks
    clock.advance(10_000)
    expect([looks - before, watched, clock.timers]).toEqual([0, 0, 0])
  })

  it('takes a bounded number of readers', async () => {
    const readers = Array.from({ length: 64 }, reader)
    await Promise.all(readers.map(({ next }) => next()))
    await expect(reader().next()).rejects.toMatchObject({ code: 'TOO_MANY_READERS' })
    for (const { end, events } of readers) {
      end.abort()
      await events.return()
    }
    await expect(reader().next()).resolves.toMatchObject({ kind: 'snapshot' })
  })
})

describe('a view of a topic', () => {
  it('is what the node has, whatever changed in whatever order and however slow its reader is', () => {
    const step = fc.record({
      items: fc.uniqueArray(fc.record({ id: fc.nat(8), bytes: fc.nat(3) }), { selector: ({ id }) => id }),
      reads: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let held: Flow[] = []
        const log = createTopicLog<Flow>({
          items: () => held,
          key: TOPIC_KEYS.flows,
          event: (head, set) => ({ topic: 'flows', ...head, set }),
        })
        let view: TopicView<'flows'> | undefined
        for (const { items: now, reads } of [...steps, { items: [], reads: true }]) {
          held = now.map(({ id, bytes }) => flow(id, bytes))
          log.refresh(1)
          if (!reads) continue
          for (const event of log.since(view?.seq)) {
            if (event.topic !== 'flows') throw new Error('another topic')
            const next = applyEvent(view, event)
            if (next === 'gap') throw new Error('a gap')
            view = next
          }
          const sorted = (flows: readonly Flow[]) => flows.toSorted((a, b) => a.id.localeCompare(b.id))
          expect(sorted([...(view?.items.values() ?? [])])).toEqual(sorted(held))
        }
      }),
    )
  })

  it('notices that it missed something', () => {
    const head = { topic: 'flows', seq: 3, at: 1, removed: [], set: [] } as const
    const change = { ...head, kind: 'change', from: 2, removed: [], set: [] } as const
    expect(applyEvent<'flows'>(undefined, { ...change, removed: [], set: [] })).toBe('gap')
    const view = { seq: 1, at: 0, items: new Map<string, Flow>() }
    expect(applyEvent<'flows'>(view, { ...change, removed: [], set: [] })).toBe('gap')
  })

  it('has a key for every topic', () => {
    expect(Object.keys(TOPIC_KEYS)).toEqual([...TOPICS])
  })
})
