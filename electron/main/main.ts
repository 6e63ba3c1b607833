import { join } from 'node:path'
import { app, dialog, ipcMain, Notification, safeStorage } from 'electron'
import { defaultHome, ensureHome, homePaths } from '../../node-core/platform/home.ts'
import type { Facts, NodeState } from '../core/messages.ts'
import { createNotices, type Notice } from '../tray/notices.ts'
import { createTray, type TrayIcon } from '../tray/tray.ts'
import type { TrayAction } from '../tray/tray-view.ts'
import { type Words, wordsFor } from '../tray/words.ts'
import { setAppMenu } from './app-menu.ts'
import { LINK_SCHEME, readWords } from './arguments.ts'
import { startAtLogin } from './autostart.ts'
import { confineEveryPage, serveOurFilesOnly } from './confine.ts'
import { type ConsoleWindow, createConsoleWindow } from './console-window.ts'
import { type CoreProcess, createCoreProcess } from './core-process.ts'
import { type DesktopSettings, desktopSettingsSchema } from './desktop-settings.ts'
import { isOwnFrame } from './hardening.ts'
import { runHeadless } from './headless.ts'
import { followJoinLink } from './join-link.ts'
import { keptPassphrase } from './keystore-seal.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

/** The main process is bundled into dist/electron/main.js. */
const DIST = join(import.meta.dirname, '..')
/** Holds `dist` and `node_modules`: the project's folder, or their copies beside the asar. */
const ROOT = app.isPackaged ? join(process.resourcesPath, 'core') : join(DIST, '..')
const ICONS = join(DIST, '../resources')

const words = readWords(process.argv.slice(1))

/** The running app. */
interface Desktop {
  openWindow(): void
  followLink(link: string): void
}
let desktop: Desktop | undefined

function makeCore(
  onState: (state: NodeState) => void,
  onFacts: (facts: Facts | undefined) => void,
): CoreProcess {
  const paths = homePaths(defaultHome(process.env))
  return createCoreProcess({
    ...{ home: paths.root, root: ROOT, onState, onFacts },
    passphrase() {
      ensureHome(paths)
      return keptPassphrase(paths, safeStorage)
    },
  })
}

function answerTheWindow(core: CoreProcess): void {
  ipcMain.on('node:connect', (event, ...rest: unknown[]) => {
    const frame = event.senderFrame
    if (frame === null || !isOwnFrame(frame) || rest.length > 0) return
    frame.postMessage('node:port', null, [core.line()])
  })
}

/** Shows the node in the tray, and tells of what is news. */
function createTeller(
  words: Words,
  tray: TrayIcon,
  settings: () => DesktopSettings,
  open: (page: string) => void,
) {
  const notices = createNotices(words)
  /** A notification that is collected cannot be clicked any more. */
  const shown: Notification[] = []
  let state: NodeState = { kind: 'starting' }
  let facts: Facts | undefined

  const notify = ({ title, body, page, urgent }: Notice): void => {
    if (!Notification.isSupported()) return
    const notification = new Notification({ title, body, urgency: urgent ? 'critical' : 'normal' })
    notification.on('click', () => open(page))
    shown.push(notification)
    if (shown.length > 20) shown.shift()
    notification.show()
  }
  const tell = (): void => {
    tray.show(state, facts)
    const now = new Date()
    const moment = { atMs: now.getTime(), hour: now.getHours() }
    for (const notice of notices.take(state, facts, settings().notices, moment)) notify(notice)
  }
  return {
    onState(next: NodeState): void {
      state = next
      // What was known is of the node that was there before.
      if (next.kind !== 'up') facts = undefined
      tell()
    },
    onFacts(next: Facts | undefined): void {
      facts = next
      tell()
    },
  }
}

async function question(
  window: ConsoleWindow,
  { message, detail, buttons }: Parameters<Parameters<typeof followJoinLink>[1]['question']>[0],
): Promise<number> {
  const options = {
    type: 'question' as const,
    message,
    detail,
    buttons: [...buttons],
    defaultId: 0,
    cancelId: 0,
  }
  const parent = window.current()
  const { response } =
    parent === undefined ? await dialog.showMessageBox(options) : await dialog.showMessageBox(parent, options)
  return response
}

async function run(): Promise<Desktop> {
  await app.whenReady()
  serveOurFilesOnly(join(DIST, 'renderer'))
  const settingsFile = join(app.getPath('userData'), 'desktop.json')
  let settings = readStateFile(settingsFile, desktopSettingsSchema) ?? desktopSettingsSchema.parse({})
  const window = createConsoleWindow()

  const act = (action: TrayAction): void => {
    switch (action.what) {
      case 'open':
        window.open(action.page)
        break
      case 'start-node':
        core.wake()
        break
      case 'pause-healing':
        core.ask({ what: 'pause-healing', paused: action.paused }).catch(report)
        break
      case 'quit':
        app.quit()
        break
    }
  }
  const said = wordsFor(app.getLocale())
  const tray = createTray(said, ICONS, act)
  const teller = createTeller(
    said,
    tray,
    () => settings,
    (page) => window.open(page),
  )
  const core = makeCore(teller.onState, teller.onFacts)
  answerTheWindow(core)
  core.start()

  const showMenu = (): void =>
    setAppMenu({
      words: said,
      settings: () => settings,
      change(next) {
        if (next.startAtLogin !== settings.startAtLogin) startAtLogin(next.startAtLogin)
        settings = next
        writeStateFile(settingsFile, next)
        showMenu()
      },
      open: (page) => window.open(page),
      startNode: () => core.wake(),
      quit: () => app.quit(),
    })
  showMenu()
  endInOrder(core, tray)
  if (!words.hidden) window.open()
  const ask = core.ask
  return {
    openWindow: () => window.open(),
    followLink(link) {
      window.open()
      const deps = {
        ask,
        question: question.bind(undefined, window),
        onJoined: () => window.open('overview'),
      }
      followJoinLink(link, deps).catch(report)
    },
  }
}

/** A node that this app hosts ends with it, in good order, before the app does. */
function endInOrder(core: CoreProcess, tray: TrayIcon): void {
  let ended = false
  app.on('before-quit', (event) => {
    if (ended) return
    event.preventDefault()
    void core.stop().finally(() => {
      ended = true
      tray.destroy()
      app.quit()
    })
  })
}

const report = (error: unknown): void => void process.stderr.write(`${String(error)}\n`)

function fail(error: unknown): void {
  report(`x0tta6bl4 cannot start: ${String(error)}`)
  app.exit(1)
}

function startDesktop(): void {
  let link = words.link
  app.setAsDefaultProtocolClient(LINK_SCHEME)
  app.on('second-instance', (_event, argv: readonly string[]) => {
    const other = readWords(argv.slice(1))
    if (other.link !== undefined) desktop?.followLink(other.link)
    else if (!other.hidden) desktop?.openWindow()
  })
  // On macOS links come this way, and may come before there is anything to follow them with.
  app.on('open-url', (event, url: string) => {
    event.preventDefault()
    if (desktop === undefined) link = url
    else desktop.followLink(url)
  })
  app.on('activate', () => desktop?.openWindow())
  // The tray stays.
  app.on('window-all-closed', () => {})
  run().then((started) => {
    desktop = started
    if (link !== undefined) started.followLink(link)
  }, fail)
}

if (words.headless) {
  // Without this, Electron ends where there is no screen.
  app.commandLine.appendSwitch('ozone-platform', 'headless')
  runHeadless(ROOT).then((code) => app.exit(code), fail)
} else {
  confineEveryPage()
  if (app.requestSingleInstanceLock()) startDesktop()
  else app.quit()
}
