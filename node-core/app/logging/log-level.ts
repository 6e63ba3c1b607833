import type { Clock } from '../../platform/clock.ts'
import type { LogLevel } from '../../platform/logger.ts'
import type { Log } from './log.ts'

export interface LogLevelState {
  readonly level: LogLevel
  /** Of the settings. */
  readonly configured: LogLevel
  readonly until: number | undefined
}

/** The level of the log while the node runs: that of the settings, or another for a while. */
export interface LogLevelControl {
  state(): LogLevelState
  /** For so long; undefined: until the settings name another level or the node is started again. */
  set(level: LogLevel, forMs: number | undefined): LogLevelState
  /** The settings were read again. */
  configure(level: LogLevel): void
}

export function createLogLevel(
  { clock, log }: { readonly clock: Clock; readonly log: Pick<Log, 'setLevel'> },
  initial: LogLevel,
): LogLevelControl {
  let state: LogLevelState = { level: initial, configured: initial, until: undefined }
  let cancel = (): void => {}

  function take(next: LogLevelState): LogLevelState {
    cancel()
    cancel = () => {}
    state = next
    log.setLevel(next.level)
    return next
  }

  return {
    state: () => state,
    set(level, forMs) {
      const { configured } = state
      if (forMs === undefined) return take({ level, configured, until: undefined })
      const taken = take({ level, configured, until: clock.now() + forMs })
      cancel = clock.after(forMs, () =>
        take({ level: state.configured, configured: state.configured, until: undefined }),
      )
      return taken
    },
    configure(level) {
      // Another setting was changed: whoever is just looking for something goes on looking.
      if (level !== state.configured) take({ level, configured: level, until: undefined })
    },
  }
}
