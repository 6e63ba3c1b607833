import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import type { BrowserContext, CDPSession, Page, Request as PageRequest, Route } from 'playwright'
import { app } from './app.ts'
import { openBrowser } from './browser.ts'
import { ipcMain, type PortMain } from './ipc.ts'
import { BINDING, isolatedWorld, PAGE_WORLD, WORLD } from './page-scripts.ts'
import { isServed, permits, serve, toApp, toWeb } from './protocol.ts'
import { preventable, record, strict } from './record.ts'

interface WindowOptions {
  readonly width?: number
  readonly height?: number
  readonly webPreferences: Readonly<Record<string, unknown>>
}

/** Everything else would be another app than the one that the specs are about. */
const HARDENED = {
  contextIsolation: true,
  sandbox: true,
  nodeIntegration: false,
  webSecurity: true,
  webviewTag: false,
}

class WebContents extends EventEmitter {
  decideOpen: (details: { url: string }) => { action: string } = () => ({ action: 'allow' })
  setWindowOpenHandler(decide: (details: { url: string }) => { action: string }): void {
    this.decideOpen = decide
  }
  send(channel: string, value: unknown): void {
    record('webContents.send', channel, value)
  }
}

type Packed = { readonly bytes: string } | { readonly json: unknown }
type FromPage =
  | { readonly kind: 'send'; readonly channel: string; readonly args: readonly unknown[] }
  | { readonly kind: 'port'; readonly id: number; readonly data: Packed }
  | { readonly kind: 'port-closed'; readonly id: number }

const pack = (data: unknown): Packed =>
  data instanceof Uint8Array || data instanceof ArrayBuffer
    ? { bytes: Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data).toString('base64') }
    : { json: data }
const unpack = (packed: Packed): unknown =>
  'bytes' in packed ? new Uint8Array(Buffer.from(packed.bytes, 'base64')) : packed.json

class Window extends EventEmitter {
  readonly webContents = new WebContents()
  readonly #options: WindowOptions
  readonly #page: Promise<Page>
  readonly #ports = new Map<number, PortMain>()
  #nextPort = 1
  /** The address that the app itself loads now: everything else is a navigation by the page. */
  #wanted: string | undefined
  #visible = false
  #popupsAllowed = false
  #closed = false

  constructor(options: WindowOptions) {
    super()
    for (const [name, value] of Object.entries(HARDENED)) {
      if (options.webPreferences[name] !== value) throw new Error(`webPreferences.${name} is not ${value}`)
    }
    this.#options = options
    record('BrowserWindow', options)
    app.emit('web-contents-created', preventable({}), this.webContents)
    this.#page = this.#open()
  }

  async #open(): Promise<Page> {
    const browser = await openBrowser()
    const { width = 800, height = 600 } = this.#options
    const context = await browser.newContext({ viewport: { width, height }, locale: 'en' })
    await grantAsElectronWould(context)
    const page = await context.newPage()
    await context.route('**/*', (route) => this.#serve(page, route))
    page.on('popup', (popup) => {
      if (!this.#popupsAllowed) popup.close().catch(() => {})
    })
    page.on('console', (message) => record('console', message.type(), message.text()))
    page.on('pageerror', (error) => record('console', 'error', error.message))
    await this.#bridge(page, await context.newCDPSession(page))
    return page
  }

  async #serve(page: Page, route: Route): Promise<void> {
    const request = route.request()
    const address = toApp(request.url())
    if (isOwnNavigation(page, request) && address !== this.#wanted) {
      const event = preventable({ url: address })
      this.webContents.emit('will-navigate', event, address)
      record('navigation', address, event.defaultPrevented)
      if (event.defaultPrevented) return await route.abort('aborted')
    }
    if (!isServed(address)) {
      record('network', address)
      return await route.abort('blockedbyclient')
    }
    await route.fulfill(await serve(address, request.method()))
  }

  /** Asked at the call of `window.open`, as Electron does; Chromium has opened the page by then, so it is closed. */
  #decidePopup(url: string): void {
    const { action } = this.webContents.decideOpen({ url: toApp(url) })
    record('window.open', toApp(url), action)
    this.#popupsAllowed = action === 'allow'
  }

  async #bridge(page: Page, cdp: CDPSession): Promise<void> {
    const worlds = new Map<number, string>()
    cdp.on('Runtime.executionContextCreated', ({ context: { id, name, auxData } }) => {
      if (name === WORLD) worlds.set(id, String(auxData?.['frameId']))
    })
    cdp.on('Runtime.bindingCalled', ({ payload, executionContextId }) => {
      const message: FromPage = JSON.parse(payload)
      this.#take(page, cdp, executionContextId, message)
    })
    cdp.on('Page.windowOpen', ({ url }) => this.#decidePopup(url))
    await cdp.send('Page.enable')
    await cdp.send('Runtime.enable')
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source: PAGE_WORLD })
    await cdp.send('Runtime.addBinding', { name: BINDING, executionContextName: WORLD })
    const preload = readFileSync(String(this.#options.webPreferences['preload']), 'utf8')
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', {
      worldName: WORLD,
      source: isolatedWorld(preload),
    })
  }

  #take(page: Page, cdp: CDPSession, world: number, message: FromPage): void {
    const tell = (value: object): void => {
      const expression = `globalThis.__x0tTake?.(${JSON.stringify(value)})`
      cdp.send('Runtime.evaluate', { contextId: world, expression }).catch(() => {})
    }
    if (message.kind === 'port') {
      this.#ports.get(message.id)?.postMessage(unpack(message.data))
      return
    }
    if (message.kind === 'port-closed') {
      this.#ports.get(message.id)?.close()
      this.#ports.delete(message.id)
      return
    }
    record('ipc', message.channel, message.args)
    const senderFrame = {
      url: toApp(page.url()),
      parent: null,
      postMessage: (channel: string, value: unknown, ports: readonly PortMain[]) => {
        const ids = ports.map((port) => this.#adopt(port))
        tell({ kind: 'message', channel, value, ports: ids })
        for (const [at, port] of ports.entries()) this.#pump(ids[at] ?? 0, port, tell)
      },
    }
    ipcMain.emit(message.channel, { sender: this.webContents, senderFrame }, ...message.args)
  }

  #adopt(port: PortMain): number {
    const id = this.#nextPort++
    this.#ports.set(id, port)
    return id
  }

  #pump(id: number, port: PortMain, tell: (value: object) => void): void {
    port.on('message', ({ data }: { data: unknown }) => tell({ kind: 'port', id, data: pack(data) }))
    port.once('close', () => {
      this.#ports.delete(id)
      tell({ kind: 'port-closed', id })
    })
    port.start()
  }

  async loadURL(address: string): Promise<void> {
    const page = await this.#page
    this.#wanted = address.replace(/#.*$/, '')
    await page.goto(toWeb(address))
    this.#wanted = undefined
    this.emit('ready-to-show')
    record('loaded', address)
  }
  show(): void {
    this.#visible = true
    record('window.show')
  }
  hide(): void {
    this.#visible = false
  }
  focus(): void {}
  restore(): void {}
  maximize(): void {}
  isVisible(): boolean {
    return this.#visible
  }
  isMinimized(): boolean {
    return false
  }
  isMaximized(): boolean {
    return false
  }
  isDestroyed(): boolean {
    return this.#closed
  }
  getNormalBounds(): { x: number; y: number; width: number; height: number } {
    const { width = 800, height = 600 } = this.#options
    return { x: 10, y: 20, width, height }
  }
}

export const BrowserWindow = new Proxy(Window, {
  construct: (made, [options]: [WindowOptions]) => strict('BrowserWindow', new made(options)),
})

/** A request of a popup comes before its frame is there: it is none of the window's own page. */
function isOwnNavigation(page: Page, request: PageRequest): boolean {
  if (!request.isNavigationRequest()) return false
  try {
    return request.frame() === page.mainFrame()
  } catch {
    return false
  }
}

const ASKABLE = ['geolocation', 'notifications', 'clipboard-read'] as const
async function grantAsElectronWould(context: BrowserContext): Promise<void> {
  await context.grantPermissions(ASKABLE.filter((permission) => permits(permission)))
}
