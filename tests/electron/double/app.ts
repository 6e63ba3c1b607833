import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { closeBrowser } from './browser.ts'
import { preventable, record, strict } from './record.ts'

const DATA = process.env['X0T_DOUBLE_DATA'] ?? ''

class App extends EventEmitter {
  readonly isPackaged = false
  readonly commandLine = { appendSwitch: (...args: string[]) => void record('app.appendSwitch', ...args) }
  #ready: Promise<void> | undefined

  whenReady(): Promise<void> {
    this.#ready ??= new Promise((resolve) => setImmediate(resolve))
    return this.#ready
  }
  getPath(name: string): string {
    return join(DATA, name)
  }
  getLocale(): string {
    return 'en-US'
  }
  getVersion(): string {
    return '0.0.0'
  }
  requestSingleInstanceLock(): boolean {
    record('app.requestSingleInstanceLock')
    return true
  }
  enableSandbox(): void {
    if (this.#ready !== undefined) throw new Error('app.enableSandbox() is for before the app is ready')
    record('app.enableSandbox')
  }
  setAsDefaultProtocolClient(scheme: string): boolean {
    record('app.setAsDefaultProtocolClient', scheme)
    return true
  }
  setLoginItemSettings(settings: object): void {
    record('app.setLoginItemSettings', settings)
  }
  getLoginItemSettings(): { openAtLogin: boolean } {
    return { openAtLogin: false }
  }
  quit(): void {
    record('app.quit')
    const event = preventable({})
    this.emit('before-quit', event)
    if (event.defaultPrevented) return
    this.emit('will-quit', event)
    this.exit(0)
  }
  exit(code: number): void {
    void closeBrowser().finally(() => process.exit(code))
  }
}
export const app = strict('app', new App())
