import { TOPIC_KEYS, type Topic, type TopicEvent, type TopicItem } from './events-schemas.ts'

/** What a reader knows of one topic. */
export interface TopicView<T extends Topic> {
  readonly seq: number
  /** When the node looked, by its own clock. */
  readonly at: number
  readonly items: ReadonlyMap<string, TopicItem<T>>
}

/**
 * The view after an event, for whoever follows `events.subscribe`. `gap` means that something was missed: subscribe
 * again, which begins with a snapshot.
 */
export function applyEvent<T extends Topic>(
  view: TopicView<T> | undefined,
  event: TopicEvent<T>,
): TopicView<T> | 'gap' {
  if (event.kind === 'change' && (view === undefined || view.seq !== event.from)) return 'gap'
  const items = new Map(event.kind === 'snapshot' ? [] : view?.items)
  for (const key of event.removed) items.delete(key)
  for (const item of event.set) items.set(TOPIC_KEYS[event.topic](item), item)
  return { seq: event.seq, at: event.at, items }
}
