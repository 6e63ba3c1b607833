import type { Alert } from '../../domain/alert.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { withTimeout } from '../../platform/wait.ts'
import type { ChannelSettings } from '../config/alert-schema.ts'
import type { AlertFeed, TestOutcome } from './alert-feed.ts'
import { createAlertSource } from './alert-source.ts'
import { type ChannelQueue, createChannelQueue, DELIVERY_MS } from './channel-queue.ts'
import { deliver } from './deliver.ts'

export interface AlertCenterDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly feed: AlertFeed
}

/** The channels of a node that has some. */
export interface AlertCenter {
  readonly queues: readonly ChannelQueue[]
  stop(): Promise<void>
}

export function openAlertCenter(
  deps: AlertCenterDeps,
  { root, channels }: { readonly root: string; readonly channels: readonly ChannelSettings[] },
): AlertCenter {
  const { clock, feed } = deps
  const source = createAlertSource()
  const queues = channels.map((channel) =>
    createChannelQueue(
      {
        ...deps,
        deliver: (settings, alerts, signal) =>
          deliver({ clock, root }, settings, { ...feed.who(), alerts }, signal),
      },
      channel,
    ),
  )
  const tell = (alert: Alert | undefined): void => {
    if (alert !== undefined) for (const queue of queues) queue.add(alert)
  }
  const offs = [
    feed.incidents.events.on('changed', ({ before, after }) =>
      tell(source.ofIncident(before, after, clock.now())),
    ),
    feed.plans.on('plan', (plan) =>
      tell(source.ofPlan(plan, feed.incidents.get(plan.incident), clock.now())),
    ),
  ]
  return {
    queues,
    async stop() {
      for (const off of offs) off()
      await Promise.all(queues.map((queue) => queue.stop()))
    },
  }
}

/** At once, past throttle, quiet hours and switches: a person waits for it. Its failure is the answer. */
export async function tryChannel(
  { clock, feed }: Pick<AlertCenterDeps, 'clock' | 'feed'>,
  root: string,
  channel: ChannelSettings,
  signal: AbortSignal,
): Promise<TestOutcome> {
  const began = clock.monotonicMs()
  const alert: Alert = {
    ...{ event: 'test', severity: 'info', code: 'test', title: 'This is a test: nothing is wrong' },
    text: `Somebody tried the channel ${channel.name}.`,
    ...{ at: clock.now(), incident: undefined, plan: undefined },
  }
  const tookMs = (): number => Math.round(clock.monotonicMs() - began)
  try {
    const message = { ...feed.who(), alerts: [alert] as const }
    const work = (limited: AbortSignal) => deliver({ clock, root }, channel, message, limited)
    await withTimeout(clock, DELIVERY_MS, `the channel ${channel.name}`, work, signal)
    return { delivered: true, problem: undefined, tookMs: tookMs() }
  } catch (error) {
    return { delivered: false, problem: messageOf(error), tookMs: tookMs() }
  }
}
