import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Lab } from '../lab.ts'
import { checkAdmission } from './admission.ts'
import type { Violation } from './violation.ts'

export interface InvariantWatch extends Lifecycle {
  /** How often everything was looked at. */
  checks(): number
  /** Each finding once. */
  violations(): readonly Violation[]
}

export interface WatchOptions {
  /** Between two looks. Default 2 s. */
  readonly everyMs?: number
}

const EVERY_MS = 2_000
const MAX_FINDINGS = 100

/** Looks at a lab as long as it runs: what must hold at every moment, whatever is broken in it. */
export function createInvariantWatch(
  { clock, onError }: { readonly clock: Clock; readonly onError?: (message: string) => void },
  lab: Pick<Lab, 'topology' | 'client' | 'status'>,
  { everyMs = EVERY_MS }: WatchOptions = {},
): InvariantWatch {
  const found = new Map<string, Violation>()
  let checks = 0
  let isRunning = false
  let cancel = (): void => {}

  const look = async (): Promise<void> => {
    try {
      for (const violation of await checkAdmission(lab, () => clock.monotonicMs())) {
        const key = `${violation.kind} ${violation.detail}`
        if (!found.has(key) && found.size < MAX_FINDINGS) found.set(key, violation)
      }
      checks += 1
    } catch (error) {
      // A node that dies while it is asked is what labs are for.
      onError?.(messageOf(error))
    }
    if (isRunning) cancel = clock.after(everyMs, () => void look())
  }

  return {
    checks: () => checks,
    violations: () => [...found.values()],
    async start() {
      if (isRunning) return
      isRunning = true
      void look()
    },
    async stop() {
      isRunning = false
      cancel()
    },
  }
}
