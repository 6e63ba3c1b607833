import { useCallback, useState } from 'react'
import { create } from 'zustand'
import { type NodeClient, type Problem, problemOf } from '../bridge/line.ts'
import { currentClient } from './line-store.ts'

export interface Toast {
  readonly id: number
  readonly tone: 'good' | 'bad'
  readonly text: string
  readonly hint: string
}

const MAX_TOASTS = 4

interface ToastStore {
  readonly toasts: readonly Toast[]
  readonly next: number
}

export const useToasts = create<ToastStore>()(() => ({ toasts: [], next: 1 }))

export function showToast(tone: Toast['tone'], text: string, hint = ''): void {
  useToasts.setState(({ toasts, next }) => ({
    toasts: [...toasts, { id: next, tone, text, hint }].slice(-MAX_TOASTS),
    next: next + 1,
  }))
}

export function dropToast(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }))
}

const OFFLINE: Problem = { code: 'NODE_NOT_REACHED', message: '', hint: '' }

export interface Action {
  readonly busy: boolean
  readonly problem: Problem | undefined
  /** @returns true when it was done */
  run(act: (client: NodeClient) => Promise<unknown>): Promise<boolean>
  clear(): void
}

/** One thing that a person asks the node to do: it is asked once, and what came of it is on the page. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const run = useCallback(async (act: (client: NodeClient) => Promise<unknown>) => {
    const client = currentClient()
    if (client === undefined) {
      setProblem(OFFLINE)
      return false
    }
    setBusy(true)
    setProblem(undefined)
    try {
      await act(client)
      return true
    } catch (error) {
      setProblem(problemOf(error))
      return false
    } finally {
      setBusy(false)
    }
  }, [])
  const clear = useCallback(() => setProblem(undefined), [])
  return { busy, problem, run, clear }
}
