/** How long nothing arrived. */
export interface GapMeter {
  /** Something arrived now. */
  mark(): void
  /**
   * The longest time between two arrivals, in milliseconds, of which the later one came after `sinceMs` (on the
   * meter's clock; everything by default). While something is awaited, the time since the last arrival counts too.
   */
  longestMs(options?: { readonly sinceMs?: number; readonly isWaiting?: boolean }): number
}

/** Of a request every 20 ms this is the last half hour; what is older counts for the whole only. */
const MAX_MARKS = 100_000

export function createGapMeter(nowMs: () => number): GapMeter {
  const marks: number[] = [nowMs()]
  let forgottenMs = 0
  return {
    mark() {
      marks.push(nowMs())
      if (marks.length <= 2 * MAX_MARKS) return
      for (let at = 1; at <= MAX_MARKS; at++) {
        forgottenMs = Math.max(forgottenMs, (marks[at] ?? 0) - (marks[at - 1] ?? 0))
      }
      marks.splice(0, MAX_MARKS)
    },
    longestMs({ sinceMs = Number.NEGATIVE_INFINITY, isWaiting = false } = {}) {
      let longest = sinceMs === Number.NEGATIVE_INFINITY ? forgottenMs : 0
      for (let at = marks.length - 1; at > 0 && (marks[at] ?? 0) > sinceMs; at--) {
        longest = Math.max(longest, (marks[at] ?? 0) - (marks[at - 1] ?? 0))
      }
      return isWaiting ? Math.max(longest, nowMs() - (marks.at(-1) ?? 0)) : longest
    },
  }
}
