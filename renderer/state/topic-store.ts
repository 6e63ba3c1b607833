import { useMemo } from 'react'
import { create } from 'zustand'
import type { NodeEvent, Topic, TopicItem } from '../../node-core/contract/events-schemas.ts'
import { applyEvent, type TopicView } from '../../node-core/contract/topic-view.ts'

type TopicState = { readonly [T in Topic]: TopicView<T> | undefined }

const NOTHING: TopicState = {
  node: undefined,
  links: undefined,
  members: undefined,
  services: undefined,
  forwards: undefined,
  socks: undefined,
  flows: undefined,
  incidents: undefined,
}

/** What the node tells by itself, topic by topic. It stays when the line is lost: then it is old, and the page says so. */
export const useTopicStore = create<TopicState>()(() => NOTHING)

/** @returns false when something was missed and the subscription has to begin anew */
export function takeEvent(event: NodeEvent): boolean {
  const state = useTopicStore.getState()
  const next = nextState(state, event)
  if (next === 'gap') return false
  useTopicStore.setState(next)
  return true
}

function nextState(state: TopicState, event: NodeEvent): Partial<TopicState> | 'gap' {
  const put = <T extends Topic>(topic: T, view: TopicView<T> | 'gap') =>
    view === 'gap' ? view : { [topic]: view }
  switch (event.topic) {
    case 'node':
      return put('node', applyEvent(state.node, event))
    case 'links':
      return put('links', applyEvent(state.links, event))
    case 'members':
      return put('members', applyEvent(state.members, event))
    case 'services':
      return put('services', applyEvent(state.services, event))
    case 'forwards':
      return put('forwards', applyEvent(state.forwards, event))
    case 'socks':
      return put('socks', applyEvent(state.socks, event))
    case 'flows':
      return put('flows', applyEvent(state.flows, event))
    case 'incidents':
      return put('incidents', applyEvent(state.incidents, event))
  }
}

export function forgetTopics(): void {
  useTopicStore.setState(NOTHING)
}

/** The items of a topic as a list that is the same object while nothing changes; undefined until they were heard. */
export function useTopic<T extends Topic>(topic: T): readonly TopicItem<T>[] | undefined {
  const view = useTopicStore((state) => state[topic])
  return useMemo(() => listOf(view), [view])
}

function listOf<I>(view: { readonly items: ReadonlyMap<string, I> } | undefined): readonly I[] | undefined {
  return view === undefined ? undefined : [...view.items.values()]
}

/** The one item of the topic `node`. */
export function useSelf(): TopicItem<'node'> | undefined {
  return useTopic('node')?.[0]
}
