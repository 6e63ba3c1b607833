import { create } from 'zustand'

const TICK_MS = 1_000

const useNowStore = create<{ readonly now: number }>()(() => ({ now: Date.now() }))

/** The time, once a second: ages on the page grow by it. */
export const useNow = (): number => useNowStore(({ now }) => now)

export function startTicking(): void {
  setInterval(() => useNowStore.setState({ now: Date.now() }), TICK_MS)
}
