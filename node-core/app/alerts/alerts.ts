import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { ChannelSettings } from '../config/alert-schema.ts'
import type { HealthBoard } from '../health-board.ts'
import type { AlertCenter } from './alert-center.ts'
import type { AlertFeed, TestOutcome } from './alert-feed.ts'
import type { ChannelState } from './channel-queue.ts'

export interface AlertsDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly health: HealthBoard
  readonly feed: AlertFeed
}

export interface AlertsOptions {
  /** Of the home. */
  readonly root: string
  readonly channels: readonly ChannelSettings[]
}

export type AlertsFault = { readonly code: 'UNKNOWN_CHANNEL'; readonly name: string }

/** Tells people by the channels of `x0t.yaml`. Without any it loads nothing and listens to nothing. */
export interface Alerts extends Lifecycle {
  list(): readonly (ChannelState & { readonly settings: ChannelSettings })[]
  /** @throws FaultError UNKNOWN_CHANNEL */
  test(name: string, signal: AbortSignal): Promise<TestOutcome>
  /** Other channels than before take the place of all of them; what waited is forgotten. In force once it resolves. */
  configure(channels: readonly ChannelSettings[]): Promise<void>
}

const IDLE: ChannelState = { waiting: 0, sentAt: undefined, lost: 0, problem: undefined }

export function createAlerts(deps: AlertsDeps, options: AlertsOptions): Alerts {
  const { clock, health } = deps
  const log = deps.logger.child({ component: 'alerts' })
  let { channels } = options
  let center: AlertCenter | undefined
  let isRunning = false
  /** One opening or closing after the other. */
  let turn = Promise.resolve()

  const refit = (): Promise<void> => {
    turn = turn
      .then(async () => {
        await center?.stop()
        center = undefined
        if (!isRunning || channels.length === 0) return
        const { openAlertCenter } = await import('./alert-center.ts')
        center = openAlertCenter({ ...deps, logger: log }, { root: options.root, channels })
      })
      .catch((error: unknown) => log.error('the channels could not be opened', { reason: messageOf(error) }))
    return turn
  }

  const list: Alerts['list'] = () =>
    channels.map((settings) => ({
      ...(center?.queues.find((queue) => queue.settings === settings)?.state() ?? IDLE),
      settings,
    }))

  health.addSource(() => {
    const failing = list().flatMap(({ settings, problem }) =>
      problem === undefined ? [] : `${settings.name}: ${problem}`,
    )
    if (failing.length === 0) return []
    const title = `People cannot be told of faults by every channel. ${failing.join('; ')}. Try one: x0t alert test NAME.`
    return [{ code: 'alert-channel-failing', severity: 'warning', title, impactsConnectivity: false }]
  })

  return {
    list,
    start() {
      isRunning = true
      return refit()
    },
    stop() {
      isRunning = false
      return refit()
    },
    async test(name, signal) {
      const channel = channels.find((one) => one.name === name)
      if (channel === undefined) {
        throw new FaultError<AlertsFault>(
          { code: 'UNKNOWN_CHANNEL', name },
          `x0t.yaml has no alert channel ${name}`,
          { hint: 'x0t alert list shows those it has; docs/operations.md says how one is set up.' },
        )
      }
      const { tryChannel } = await import('./alert-center.ts')
      return tryChannel({ clock, feed: deps.feed }, options.root, channel, signal)
    },
    configure(next) {
      if (isDeepStrictEqual(next, channels)) return turn
      channels = next
      return refit()
    },
  }
}
