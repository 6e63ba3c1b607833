import { join } from 'node:path'
import { app, ipcMain, Menu, safeStorage, type Tray } from 'electron'
import { defaultHome, ensureHome, homePaths } from '../../node-core/platform/home.ts'
import { createTray } from '../tray/tray.ts'
import { LINK_SCHEME, readWords } from './arguments.ts'
import { confineEveryPage, serveOurFilesOnly } from './confine.ts'
import { type ConsoleWindow, createConsoleWindow } from './console-window.ts'
import { type CoreProcess, createCoreProcess } from './core-process.ts'
import { isOwnFrame } from './hardening.ts'
import { runHeadless } from './headless.ts'
import { keptPassphrase } from './keystore-seal.ts'

/** The main process is bundled into dist/electron/main.js. */
const DIST = join(import.meta.dirname, '..')
/** Holds `dist` and `node_modules`: the project's folder, or their copies beside the asar. */
const ROOT = app.isPackaged ? join(process.resourcesPath, 'core') : join(DIST, '..')
const TRAY_ICON = join(DIST, '../resources/tray.png')

const words = readWords(process.argv.slice(1))
let window: ConsoleWindow | undefined
let tray: Tray | undefined

function makeCore(): CoreProcess {
  const paths = homePaths(defaultHome(process.env))
  return createCoreProcess({
    ...{ home: paths.root, root: ROOT },
    passphrase() {
      ensureHome(paths)
      return keptPassphrase(paths, safeStorage)
    },
    onState() {},
    onFacts() {},
  })
}

function answerTheWindow(core: CoreProcess): void {
  ipcMain.on('node:connect', (event, ...rest: unknown[]) => {
    const frame = event.senderFrame
    if (frame === null || !isOwnFrame(frame) || rest.length > 0) return
    frame.postMessage('node:port', null, [core.line()])
  })
}

async function run(): Promise<void> {
  await app.whenReady()
  serveOurFilesOnly(join(DIST, 'renderer'))
  const core = makeCore()
  answerTheWindow(core)
  core.start()
  const shown = createConsoleWindow()
  window = shown
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }]),
  )
  tray = createTray(TRAY_ICON, { open: () => shown.open(), quit: () => app.quit() })
  endInOrder(core)
  if (!words.hidden) shown.open()
}

/** A node that this app hosts ends with it, in good order, before the app does. */
function endInOrder(core: CoreProcess): void {
  let ended = false
  app.on('before-quit', (event) => {
    if (ended) return
    event.preventDefault()
    void core.stop().finally(() => {
      ended = true
      tray?.destroy()
      app.quit()
    })
  })
}

function fail(error: unknown): void {
  process.stderr.write(`x0tta6bl4 cannot start: ${String(error)}\n`)
  app.exit(1)
}

if (words.headless) {
  // Without this, Electron ends where there is no screen.
  app.commandLine.appendSwitch('ozone-platform', 'headless')
  runHeadless(ROOT).then((code) => app.exit(code), fail)
} else {
  confineEveryPage()
  if (app.requestSingleInstanceLock()) {
    app.setAsDefaultProtocolClient(LINK_SCHEME)
    app.on('second-instance', () => window?.open())
    app.on('activate', () => window?.open())
    // The tray stays.
    app.on('window-all-closed', () => {})
    run().catch(fail)
  } else {
    app.quit()
  }
}
