import { execFile } from 'node:child_process'

/** Tells systemd how the service is. Without systemd it does nothing. */
export interface ServiceNotifier {
  ready(status: string): void
  stopping(): void
  /** Says that the service lives for as long as `isAlive` answers true; without a word systemd starts it again. */
  watch(isAlive: () => Promise<boolean>): void
  stop(): void
}

const SILENT: ServiceNotifier = { ready() {}, stopping() {}, watch() {}, stop() {} }

/**
 * sd_notify(3): the socket that NOTIFY_SOCKET names takes datagrams, which Node.js cannot send to a path. systemd brings
 * a program that can.
 */
export function createServiceNotifier(env: Readonly<Record<string, string | undefined>>): ServiceNotifier {
  if (env['NOTIFY_SOCKET'] === undefined || env['NOTIFY_SOCKET'] === '') return SILENT
  const limitMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1_000
  let timer: NodeJS.Timeout | undefined
  const say = (...words: readonly string[]): void => {
    execFile('systemd-notify', words, { env: { ...env }, timeout: 10_000 }, () => {
      // A missing word shows by itself: systemd ends what did not say that it is ready or alive.
    })
  }
  return {
    ready: (status) => say('--ready', `--status=${status}`),
    stopping: () => say('STOPPING=1'),
    watch(isAlive) {
      if (!(limitMs > 0)) return
      // sd_watchdog_enabled(3) asks for half of the limit.
      timer = setInterval(() => {
        isAlive().then(
          (alive) => alive && say('WATCHDOG=1'),
          () => undefined,
        )
      }, limitMs / 2)
    },
    stop() {
      clearInterval(timer)
    },
  }
}
