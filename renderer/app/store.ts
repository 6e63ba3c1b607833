import { create } from 'zustand'
import type { NodeStatus } from '../bridge/status.ts'
import type { Reading } from '../bridge/watch.ts'

/** What was last heard of the node, and when, in milliseconds since the Unix epoch. */
export interface Seen {
  readonly status: NodeStatus
  readonly atMs: number
}

export type View =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live'; readonly seen: Seen }
  /** The node does not answer; what was last seen of it stays on the page, with its age. */
  | {
      readonly kind: 'lost'
      readonly problem: string
      readonly hint: string
      readonly seen: Seen | undefined
    }
  | { readonly kind: 'no-line' }

/** The view after one more reading. */
export function nextView(view: View, reading: Reading, nowMs: number): View {
  switch (reading.kind) {
    case 'read':
      return { kind: 'live', seen: { status: reading.status, atMs: nowMs } }
    case 'failed': {
      const seen = view.kind === 'live' || view.kind === 'lost' ? view.seen : undefined
      return { kind: 'lost', problem: reading.problem, hint: reading.hint, seen }
    }
    case 'no-line':
      return { kind: 'no-line' }
  }
}

interface ConsoleState {
  readonly view: View
  /** Moves once a second, so that ages on the page grow. */
  readonly nowMs: number
  hear(reading: Reading): void
  tick(): void
}

export const useConsole = create<ConsoleState>()((set) => ({
  view: { kind: 'connecting' },
  nowMs: Date.now(),
  hear: (reading) => set(({ view }) => ({ view: nextView(view, reading, Date.now()), nowMs: Date.now() })),
  tick: () => set({ nowMs: Date.now() }),
}))
