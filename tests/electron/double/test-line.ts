/** How the test reaches into the stand-in: one answer for each command, over the IPC channel of the process. */
import type { EventEmitter } from 'node:events'
import { serve } from './protocol.ts'
import { calls, setAnswer } from './record.ts'
import { killUtility } from './utility-process.ts'

export type TestCommand =
  | { readonly what: 'calls' }
  | { readonly what: 'answer'; readonly name: string; readonly value: unknown }
  /** Picks an entry of the tray's or the application's menu by its label. */
  | { readonly what: 'pick'; readonly menu: 'trayMenu' | 'appMenu'; readonly label: string }
  | { readonly what: 'click-notification' }
  | { readonly what: 'kill-core' }
  /** A message that claims to come from a page. @returns how many ports it was given */
  | { readonly what: 'connect-as'; readonly url: string; readonly inner: boolean }
  | { readonly what: 'emit'; readonly event: string; readonly args: readonly unknown[] }
  | { readonly what: 'serve'; readonly url: string }
  | { readonly what: 'quit' }

interface Entry {
  readonly label?: string
  readonly click?: () => void
  readonly submenu?: readonly Entry[]
}

interface Reachable {
  readonly app: EventEmitter & { quit(): void }
  readonly ipcMain: EventEmitter
  readonly live: {
    readonly trayMenu: { readonly items: readonly Entry[] } | undefined
    readonly appMenu: { readonly items: readonly Entry[] } | undefined
    readonly notifications: readonly EventEmitter[]
  }
}

const flat = (entries: readonly Entry[]): readonly Entry[] =>
  entries.flatMap((entry) => [entry, ...flat(entry.submenu ?? [])])

export function serveTest({ app, ipcMain, live }: Reachable): void {
  const answer = async (command: TestCommand): Promise<unknown> => {
    switch (command.what) {
      case 'calls':
        return calls
      case 'answer':
        return setAnswer(command.name, command.value)
      case 'pick': {
        const entry = flat(live[command.menu]?.items ?? []).find(({ label }) => label === command.label)
        if (entry?.click === undefined) return false
        entry.click()
        return true
      }
      case 'click-notification':
        return live.notifications.at(-1)?.emit('click')
      case 'kill-core':
        return killUtility()
      case 'connect-as': {
        const given: unknown[] = []
        const senderFrame = {
          url: command.url,
          parent: command.inner ? {} : null,
          postMessage: (_channel: string, _message: unknown, ports: unknown[]) => given.push(...ports),
        }
        ipcMain.emit('node:connect', { senderFrame })
        return given.length
      }
      case 'emit':
        return app.emit(command.event, { preventDefault() {} }, ...command.args)
      case 'serve':
        return serve(command.url, 'GET').then(({ status, headers }) => ({
          status,
          policy: headers['content-security-policy'] ?? '',
        }))
      case 'quit':
        return app.quit()
    }
  }
  process.on('message', ({ id, command }: { id: number; command: TestCommand }) => {
    void answer(command).then((value) => process.send?.({ id, value: value ?? null }))
  })
}
