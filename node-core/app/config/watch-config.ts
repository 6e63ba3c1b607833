import { statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { loadConfig } from './config.ts'
import type { ConfigProblem } from './parse-config.ts'
import type { Config } from './schema.ts'

export type ConfigChange =
  /** The file has other settings than before, or is right again after it was not. */
  | { readonly kind: 'changed'; readonly config: Config }
  /** The file is wrong now; the settings of before stay in force. */
  | { readonly kind: 'rejected'; readonly problems: readonly ConfigProblem[] }

export interface WatchConfigDeps {
  readonly clock: Clock
  readonly logger: Logger
}

export interface WatchConfigOptions {
  readonly path: string
  /** What is in force. */
  readonly config: Config
  readonly pollMs?: number
}

const DEFAULT_POLL_MS = 1_000
/** A file that never stops changing is read all the same after this many looks. */
const MAX_UNSETTLED_POLLS = 5

/**
 * Follows `x0t.yaml` while the node runs; the returned function ends it. A change is taken once two looks in a row see
 * the same file, because editors write in several steps.
 *
 * It looks at the file's status instead of asking the system for events: those are lost on network file systems, and
 * an editor that replaces the file takes the watched one away.
 */
export function watchConfig(
  deps: WatchConfigDeps,
  options: WatchConfigOptions,
  onChange: (change: ConfigChange) => void,
): () => void {
  const pollMs = options.pollMs ?? DEFAULT_POLL_MS
  let inForce = options.config
  let rejected = false
  // The first look reads the file, whatever it finds: it may have changed since the settings in force were read.
  let taken = ''
  let seen = fingerprint(options.path)
  let unsettled = 0
  let cancel = deps.clock.after(pollMs, look)

  function look(): void {
    cancel = deps.clock.after(pollMs, look)
    const now = fingerprint(options.path)
    const settled = now === seen
    seen = now
    if (now === taken) {
      unsettled = 0
      return
    }
    unsettled += 1
    if (!settled && unsettled < MAX_UNSETTLED_POLLS) return
    unsettled = 0
    taken = now
    take()
  }

  function take(): void {
    const result = loadConfig(options.path)
    if (!result.ok) {
      rejected = true
      tell({ kind: 'rejected', problems: result.problems })
    } else if (rejected || !isDeepStrictEqual(result.config, inForce)) {
      rejected = false
      inForce = result.config
      tell({ kind: 'changed', config: result.config })
    }
  }

  function tell(change: ConfigChange): void {
    try {
      onChange(change)
    } catch (error) {
      deps.logger.error('a change of the configuration could not be applied', { error: messageOf(error) })
    }
  }

  return () => cancel()
}

/** Tells one state of the file from another without reading it. */
function fingerprint(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
    return `${ino}/${size}/${mtimeNs}/${ctimeNs}`
  } catch {
    // Missing, or not to be reached now: that too is a state, and reading it says which.
    return 'unreadable'
  }
}
