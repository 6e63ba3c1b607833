import { type NodeEvent, TOPICS, type Topic } from '../../contract/events-schemas.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { TopicLog } from './topic-log.ts'

export type EventsFault = { code: 'TOO_MANY_READERS'; max: number }

export interface EventHub {
  /** Ends when the signal aborts. */
  subscribe(topics: readonly Topic[], signal: AbortSignal): AsyncGenerator<NodeEvent, void, void>
}

/** Whoever sees a change within this time of another gets both at once. */
const GATHER_MS = 100
/** How often topics are looked at that do not tell of their changes, while somebody follows them. */
const LOOK_MS = 1_000
const MAX_READERS = 64

interface Reader {
  readonly topics: ReadonlySet<Topic>
  wake(): void
}

/**
 * Passes the changes of topics on to whoever follows them. While nobody does, nothing is looked at. A reader pulls: one
 * that is slow gets what it missed in one piece when it asks again, and costs its cursors until then.
 */
export function createEventHub(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  logs: Readonly<Record<Topic, TopicLog>>,
): EventHub {
  const readers = new Set<Reader>()
  const dirty = new Set<Topic>()
  let unwatch: (() => void)[] = []
  let cancelGather: (() => void) | undefined
  let cancelLook = (): void => {}

  const followed = (): Set<Topic> => new Set([...readers].flatMap(({ topics }) => [...topics]))

  function refresh(topic: Topic): boolean {
    try {
      return logs[topic].refresh(clock.now())
    } catch (error) {
      logger.error('a topic could not be read', { topic, reason: messageOf(error) })
      return false
    }
  }

  function refreshAll(topics: Iterable<Topic>): void {
    const changed = [...topics].filter(refresh)
    if (changed.length === 0) return
    for (const reader of readers) if (changed.some((topic) => reader.topics.has(topic))) reader.wake()
  }

  function gather(topic: Topic): void {
    dirty.add(topic)
    cancelGather ??= clock.after(GATHER_MS, () => {
      cancelGather = undefined
      const wanted = [...followed()].filter((each) => dirty.has(each))
      dirty.clear()
      refreshAll(wanted)
    })
  }

  function look(): void {
    cancelLook = clock.after(LOOK_MS, () => {
      look()
      refreshAll(followed())
    })
  }

  function begin(): void {
    unwatch = TOPICS.flatMap((topic) => logs[topic].watch?.(() => gather(topic)) ?? [])
    look()
  }

  function end(): void {
    for (const off of unwatch.splice(0)) off()
    cancelLook()
    cancelGather?.()
    cancelGather = undefined
    dirty.clear()
  }

  return {
    async *subscribe(wanted, signal) {
      if (readers.size >= MAX_READERS) throw tooMany()
      const topics = new Set(wanted)
      const cursors = new Map<Topic, number>()
      let waiting = Promise.withResolvers<void>()
      const reader: Reader = { topics, wake: () => waiting.resolve() }
      const onAbort = (): void => reader.wake()
      signal.addEventListener('abort', onAbort, { once: true })
      readers.add(reader)
      try {
        if (readers.size === 1) begin()
        refreshAll(topics)
        while (!signal.aborted) {
          waiting = Promise.withResolvers<void>()
          for (const topic of topics) {
            for (const event of logs[topic].since(cursors.get(topic))) {
              if (signal.aborted) return
              // Before it is read: what changes while the reader is away is not part of this event.
              cursors.set(topic, event.seq)
              yield event
            }
          }
          await waiting.promise
        }
      } finally {
        signal.removeEventListener('abort', onAbort)
        readers.delete(reader)
        if (readers.size === 0) end()
      }
    },
  }
}

function tooMany(): FaultError<EventsFault> {
  return new FaultError<EventsFault>(
    { code: 'TOO_MANY_READERS', max: MAX_READERS },
    `${MAX_READERS} readers follow this node already`,
    { hint: 'Close a window of the console.' },
  )
}
