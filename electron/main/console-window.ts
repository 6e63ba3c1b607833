import { join } from 'node:path'
import { app, BrowserWindow, screen } from 'electron'
import { APP_URL } from './hardening.ts'
import { readStateFile, writeStateFile } from './state-file.ts'
import { LEAST, placeOf, windowStateSchema } from './window-state.ts'

export interface ConsoleWindow {
  /** Shows it, on a page of the console if one is named. */
  open(page?: string): void
  current(): BrowserWindow | undefined
}

/** The one window. Closed, it leaves the app in the tray. */
export function createConsoleWindow(): ConsoleWindow {
  const file = join(app.getPath('userData'), 'window.json')
  let window: BrowserWindow | undefined

  function make(page: string): void {
    const kept = readStateFile(file, windowStateSchema)
    const areas = screen.getAllDisplays().map(({ workArea }) => workArea)
    const made = new BrowserWindow({
      ...placeOf(kept, areas),
      minWidth: LEAST.width,
      minHeight: LEAST.height,
      show: false,
      title: 'x0tta6bl4',
      webPreferences: {
        preload: join(import.meta.dirname, 'preload.cjs'),
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        spellcheck: false,
        devTools: !app.isPackaged,
      },
    })
    window = made
    if (kept?.maximized === true) made.maximize()
    made.once('ready-to-show', () => made.show())
    made.on('close', () => {
      writeStateFile(file, { ...made.getNormalBounds(), maximized: made.isMaximized() })
    })
    made.once('closed', () => {
      window = undefined
    })
    made.loadURL(`${APP_URL}${page}`).catch((error: unknown) => {
      process.stderr.write(`the console cannot be shown: ${String(error)}\n`)
    })
  }

  return {
    current: () => window,
    open(page) {
      if (window === undefined) {
        make(page === undefined ? '' : `#/${page}`)
        return
      }
      if (window.isMinimized()) window.restore()
      window.show()
      window.focus()
      if (page !== undefined) void window.loadURL(`${APP_URL}#/${page}`)
    },
  }
}
