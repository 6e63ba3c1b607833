/**
 * Typed events for one process: `type Events = { changed: Link; closed: undefined }`.
 * A listener that throws does not keep the others from being called; `onError` hears of it.
 */
export interface Emitter<E extends object> {
  /** Adds a listener; the returned function removes it. */
  on<K extends keyof E>(event: K, listener: (value: E[K]) => void): () => void
  emit<K extends keyof E>(event: K, value: E[K]): void
}

export function createEmitter<E extends object>(onError: (error: unknown) => void): Emitter<E> {
  const listeners = new Map<keyof E, Set<(value: never) => void>>()
  return {
    on(event, listener) {
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set)
      set.add(listener)
      return () => set.delete(listener)
    },
    emit(event, value) {
      for (const listener of [...(listeners.get(event) ?? [])]) {
        try {
          listener(value as never)
        } catch (error) {
          onError(error)
        }
      }
    },
  }
}
