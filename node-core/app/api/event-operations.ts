import { createEventHub } from '../../control/events/event-hub.ts'
import type { NodeApi } from '../../control/node-api.ts'
import { topicLogs } from '../events/topic-sources.ts'
import type { NodeParts } from '../node-parts.ts'

export function eventOperations(parts: NodeParts): NodeApi['events'] {
  const hub = createEventHub(parts, topicLogs(parts))
  return { subscribe: ({ topics }, { signal }) => hub.subscribe(topics, signal) }
}
