import { useEffect } from 'react'
import { useStore } from 'zustand'
import { createStore, type StoreApi } from 'zustand/vanilla'
import { type NodeClient, type Problem, problemOf } from '../bridge/line.ts'
import { currentClient, useLineStore } from './line-store.ts'

/** What is known of something that the page asks the node for. */
export interface Known<T> {
  /** As last read; undefined before that. */
  readonly value: T | undefined
  readonly readAt: number | undefined
  /** Why the last reading failed; what was read before stays. */
  readonly problem: Problem | undefined
}

interface ResourceOptions {
  /** How often it is read while it is on the page. */
  readonly everyMs?: number
  /** Calls back when it has probably changed: it is read at once then. The returned function ends that. */
  readonly wake?: (changed: () => void) => () => void
}

export interface Resource<T> {
  readonly store: StoreApi<Known<T>>
  /** Reads it again and again until the returned function is called. */
  look(): () => void
  /** Reads it now: after a change that this page made. */
  refresh(): Promise<void>
}

const EVERY_MS = 3_000
const ANSWER_WITHIN_MS = 10_000

const NEVER_READ = { value: undefined, readAt: undefined, problem: undefined }

/** Something that is read from the node again and again for as long as somebody looks at it, once for all who do. */
export function createResource<T>(
  read: (client: NodeClient, signal: AbortSignal) => Promise<T>,
  { everyMs = EVERY_MS, wake }: ResourceOptions = {},
): Resource<T> {
  const store = createStore<Known<T>>()(() => NEVER_READ)
  let lookers = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let reading: Promise<void> | undefined
  let unwake = (): void => {}

  async function readOnce(): Promise<void> {
    const client = currentClient()
    if (client === undefined) return
    try {
      const value = await read(client, AbortSignal.timeout(ANSWER_WITHIN_MS))
      store.setState({ value, readAt: Date.now(), problem: undefined })
    } catch (error) {
      store.setState({ problem: problemOf(error) })
    }
  }

  function refresh(): Promise<void> {
    reading ??= readOnce().finally(() => {
      reading = undefined
    })
    return reading
  }

  /** One that is under way may have been answered before the change. */
  async function again(): Promise<void> {
    await reading
    await refresh()
  }

  function turn(): void {
    clearTimeout(timer)
    void refresh().finally(() => {
      clearTimeout(timer)
      if (lookers > 0) timer = setTimeout(turn, everyMs)
    })
  }

  function look(): () => void {
    lookers += 1
    if (lookers === 1) {
      turn()
      unwake = wake?.(() => void again()) ?? unwake
    }
    const off = useLineStore.subscribe((now, before) => {
      if (now.state.kind === 'open' && before.state.kind !== 'open') turn()
    })
    return () => {
      off()
      lookers -= 1
      if (lookers > 0) return
      clearTimeout(timer)
      unwake()
    }
  }

  return {
    store,
    look,
    refresh: again,
  }
}

/** What is known of it, read for as long as the component is on the page. */
export function useKnown<T>({ store, look }: Resource<T>): Known<T> {
  useEffect(look, [look])
  return useStore(store)
}

const MAX_OF_A_FAMILY = 64

/** The same for each of many: a node, an incident. The least recently wanted are forgotten. */
export function createResources<T>(
  read: (client: NodeClient, id: string, signal: AbortSignal) => Promise<T>,
  options: ResourceOptions = {},
): (id: string) => Resource<T> {
  const held = new Map<string, Resource<T>>()
  return (id) => {
    const found = held.get(id) ?? createResource((client, signal) => read(client, id, signal), options)
    held.delete(id)
    held.set(id, found)
    for (const oldest of held.keys()) {
      if (held.size <= MAX_OF_A_FAMILY) break
      held.delete(oldest)
    }
    return found
  }
}
