import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { app, BrowserWindow, ipcMain, Menu, MessageChannelMain, protocol, session, type Tray } from 'electron'
import { defaultHome, homePaths } from '../../node-core/platform/home.ts'
import { createTray } from '../tray/tray.ts'
import { APP_SCHEME, APP_URL, assetHeaders, isOwnFrame, resolveAsset } from './hardening.ts'
import { createNodeBridge } from './node-bridge.ts'
import { createNodeClient } from './node-client.ts'

/** The main process is bundled into dist/electron/main.js. */
const DIST = join(import.meta.dirname, '..')
const RENDERER = join(DIST, 'renderer')
const TRAY_ICON = join(DIST, '../resources/tray.png')

let window: BrowserWindow | undefined
let tray: Tray | undefined

const bridge = createNodeBridge(createNodeClient(homePaths(defaultHome(process.env))))

/** Answers `app://` with the files of the console and with nothing else. */
async function serveAsset(request: Request): Promise<Response> {
  const file = request.method === 'GET' ? resolveAsset(RENDERER, request.url) : undefined
  if (file === undefined) return new Response(null, { status: 403 })
  try {
    return new Response(new Uint8Array(await readFile(file)), { headers: assetHeaders(file) })
  } catch {
    return new Response(null, { status: 404 })
  }
}

/** Holds for every page there could ever be, not only for the window made below. */
function confineEveryPage(): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-navigate', (event) => event.preventDefault())
    contents.on('will-redirect', (event) => event.preventDefault())
    contents.on('will-frame-navigate', (event) => event.preventDefault())
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  })
}

function denyEveryPermission(): void {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  session.defaultSession.setPermissionCheckHandler(() => false)
  session.defaultSession.setDevicePermissionHandler(() => false)
}

function answerTheWindow(): void {
  ipcMain.on('node:connect', (event) => {
    const frame = event.senderFrame
    if (frame === null || !isOwnFrame(frame)) return
    const { port1, port2 } = new MessageChannelMain()
    bridge.serve(port1)
    frame.postMessage('node:port', null, [port2])
  })
}

async function openWindow(): Promise<void> {
  if (window !== undefined) {
    if (window.isMinimized()) window.restore()
    window.show()
    return
  }
  const opened = new BrowserWindow({
    width: 960,
    height: 680,
    minWidth: 360,
    minHeight: 400,
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
  window = opened
  opened.once('ready-to-show', () => opened.show())
  opened.once('closed', () => {
    window = undefined
    bridge.close()
  })
  await opened.loadURL(APP_URL)
}

async function run(): Promise<void> {
  await app.whenReady()
  protocol.handle(APP_SCHEME, serveAsset)
  denyEveryPermission()
  answerTheWindow()
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }]),
  )
  tray = createTray(TRAY_ICON, { open: () => void openWindow(), quit: () => app.quit() })
  await openWindow()
}

app.enableSandbox()
confineEveryPage()
protocol.registerSchemesAsPrivileged([
  { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
])
if (app.requestSingleInstanceLock()) {
  app.on('second-instance', () => void openWindow())
  app.on('activate', () => void openWindow())
  app.on('window-all-closed', () => app.quit())
  app.on('will-quit', () => tray?.destroy())
  run().catch((error: unknown) => {
    process.stderr.write(`x0tta6bl4 cannot start: ${String(error)}\n`)
    app.exit(1)
  })
} else {
  app.quit()
}
