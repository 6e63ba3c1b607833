import { create } from 'zustand'
import { type Role, roleAtLeast } from '../../node-core/domain/role.ts'
import type { Line, NodeClient, Problem, SignedOut } from '../bridge/line.ts'

export type SetupState = Awaited<ReturnType<NodeClient['setup']['state']>>

export type LineState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly line: Line }
  /** There is a line, and behind it a machine that belongs to no mesh yet. */
  | { readonly kind: 'setup'; readonly line: Line; readonly setup: SetupState }
  /** What was last seen stays on the page, with its age. */
  | { readonly kind: 'lost'; readonly problem: Problem; readonly sinceAt: number }
  | { readonly kind: 'signed-out'; readonly why: SignedOut }

interface LineStore {
  readonly state: LineState
  /** When the node last gave a sign of life here, ms since the Unix epoch. */
  readonly heardAt: number | undefined
}

export const useLineStore = create<LineStore>()(() => ({ state: { kind: 'connecting' }, heardAt: undefined }))

export const currentClient = (): NodeClient | undefined => {
  const { state } = useLineStore.getState()
  return state.kind === 'open' || state.kind === 'setup' ? state.line.client : undefined
}

export const useIsLive = (): boolean => useLineStore(({ state }) => state.kind === 'open')

/** Whether the one before this screen may do what needs that role. The node decides; this only spares a refusal. */
export function useMay(needed: Role): boolean {
  return useLineStore(({ state }) => state.kind === 'open' && roleAtLeast(state.line.role, needed))
}
