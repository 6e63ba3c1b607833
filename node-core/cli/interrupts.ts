import { cliFault } from './fault.ts'

export type InterruptSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'
const SIGNALS: readonly InterruptSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Ctrl-C and its relatives. The first one aborts the signal with a fault; every one is told to the listeners. */
export interface Interrupts {
  readonly signal: AbortSignal
  /** Adds a listener; the returned function removes it. */
  on(listener: (signal: InterruptSignal) => void): () => void
  stop(): void
}

export function listenForInterrupts(): Interrupts {
  const controller = new AbortController()
  const listeners = new Set<(signal: InterruptSignal) => void>()
  const handle = (signal: NodeJS.Signals): void => {
    const known = SIGNALS.find((name) => name === signal)
    if (known === undefined) return
    controller.abort(cliFault({ code: 'INTERRUPTED' }, `interrupted by ${known}`))
    for (const listener of [...listeners]) listener(known)
  }
  for (const signal of SIGNALS) process.on(signal, handle)
  return {
    signal: controller.signal,
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop() {
      for (const signal of SIGNALS) process.off(signal, handle)
    },
  }
}
