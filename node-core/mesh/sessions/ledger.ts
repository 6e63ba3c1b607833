/** Bytes that sessions hold, within a limit per peer and one for the node. */
export interface Ledger {
  /** The books of one peer. */
  account(): Account
  readonly usedBytes: number
}

export interface Account {
  readonly usedBytes: number
  /** What this peer may hold now, `usedBytes` included. */
  readonly limitBytes: number
  /** Books bytes, also beyond the limit. */
  hold(sizeBytes: number): void
  release(sizeBytes: number): void
  /** Calls back once when there is room, at the earliest in the next microtask. The returned function takes it back. */
  whenRoom(callback: () => void): () => void
}

export interface LedgerLimits {
  readonly peerBytes: number
  readonly nodeBytes: number
}

/**
 * A peer may hold as much as is still free in the node, up to its own limit. So there is always something left: each
 * further peer that takes all it can gets half of what the one before it left (dynamic thresholds, Choudhury and
 * Hahne 1998), and a new one is never shut out by those that sit on theirs.
 */
export function createLedger({ peerBytes, nodeBytes }: LedgerLimits): Ledger {
  let total = 0
  let isWaking = false
  const waiting = new Map<() => void, () => boolean>()

  const wake = (): void => {
    if (isWaking || waiting.size === 0) return
    isWaking = true
    queueMicrotask(() => {
      isWaking = false
      for (const [callback, hasRoom] of [...waiting]) {
        if (!hasRoom()) continue
        waiting.delete(callback)
        callback()
      }
    })
  }
  return {
    get usedBytes() {
      return total
    },
    account() {
      let used = 0
      const limit = (): number => Math.min(peerBytes, nodeBytes - total)
      return {
        get usedBytes() {
          return used
        },
        get limitBytes() {
          return limit()
        },
        hold(sizeBytes) {
          used += sizeBytes
          total += sizeBytes
        },
        release(sizeBytes) {
          used -= sizeBytes
          total -= sizeBytes
          wake()
        },
        whenRoom(callback) {
          waiting.set(callback, () => used < limit())
          wake()
          return () => waiting.delete(callback)
        },
      }
    },
  }
}
