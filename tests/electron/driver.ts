/** One way to drive the desktop app, on the stand-in for Electron and on a real one: the same specs run on both. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { _electron, type Browser, chromium, type Page } from 'playwright'
import { z } from 'zod'
import { requireChromium } from '../../scripts/chromium.ts'
import { findElectron } from '../../scripts/electron-files.ts'
import { ROOT } from '../../scripts/paths.ts'
import type { Call } from './double/record.ts'
import type { TestCommand } from './double/test-line.ts'

const MAIN = 'dist/electron/main.js'
const STARTS_MS = 40_000
const ENDS_MS = 25_000

export interface Launch {
  readonly home: string
  /** Where the app keeps what is its own. */
  readonly data: string
  readonly args?: readonly string[]
  /** Of the project, or of a copy with a fault in it. */
  readonly root?: string
  readonly keychain?: string
}

const answerSchema = z.object({ status: z.number(), policy: z.string() })
type Answer = z.infer<typeof answerSchema>

export interface Shell {
  /** The page of the window; waits for it. */
  page(): Promise<Page>
  /** Windows that are open, popups too. */
  windows(): number
  /** What a message that claims to come from that address is given: the number of ports. */
  connectAs(url: string, inner: boolean): Promise<number>
  /** What the app's own scheme answers with. */
  answerAt(url: string): Promise<Answer>
  quit(): Promise<void>
}

/** What only the stand-in can tell and do. */
export interface Double extends Shell {
  calls(name?: string): Promise<readonly Call[]>
  tell(command: TestCommand): Promise<unknown>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const ownPages = (browser: Browser): readonly Page[] =>
  browser
    .contexts()
    .flatMap((context) => context.pages())
    .filter((page) => page.url() !== 'about:blank')

export async function launchDouble(launch: Launch): Promise<Double> {
  const { home, data, args = [], root = ROOT, keychain = 'basic_text' } = launch
  const port = await freePort()
  const child = fork(join(root, MAIN), [...args], {
    execArgv: ['--import', new URL('./double/register.ts', import.meta.url).href],
    env: {
      ...process.env,
      CHROMIUM_PATH: requireChromium(console.log),
      ...{
        X0T_HOME: home,
        X0T_DOUBLE_DATA: data,
        X0T_DOUBLE_PORT: String(port),
        X0T_DOUBLE_KEYCHAIN: keychain,
      },
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const tell = lineTo(child)
  let browser: Browser | undefined
  const calls = async (name?: string): Promise<readonly Call[]> => {
    const all = (await tell({ what: 'calls' })) as readonly Call[]
    return name === undefined ? all : all.filter((call) => call.name === name)
  }
  return {
    ...{ tell, calls },
    async page() {
      const until = Date.now() + STARTS_MS
      while ((await calls('loaded')).length === 0) {
        if (Date.now() > until || child.exitCode !== null) throw new Error('the window did not come up')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      browser ??= await chromium.connectOverCDP(`http://127.0.0.1:${port}`)
      const [page] = ownPages(browser)
      if (page === undefined) throw new Error('there is no page in the window')
      page.setDefaultTimeout(20_000)
      return page
    },
    windows: () => (browser === undefined ? 0 : ownPages(browser).length),
    connectAs: async (url, inner) => Number(await tell({ what: 'connect-as', url, inner })),
    answerAt: async (url) => answerSchema.parse(await tell({ what: 'serve', url })),
    async quit() {
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      await browser?.close()
      child.send({ id: 0, command: { what: 'quit' } satisfies TestCommand })
      const insist = setTimeout(() => child.kill('SIGKILL'), ENDS_MS)
      await gone
      clearTimeout(insist)
    },
  }
}

function lineTo(child: ChildProcess): (command: TestCommand) => Promise<unknown> {
  let last = 0
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  child.on('message', ({ id, value }: { id: number; value: unknown }) => {
    waiting.get(id)?.resolve(value)
    waiting.delete(id)
  })
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the app has ended'))
  })
  return (command) => {
    last += 1
    const id = last
    return new Promise((resolve, reject) => {
      if (!child.connected) {
        reject(new Error('the app has ended'))
        return
      }
      waiting.set(id, { resolve, reject })
      child.send({ id, command })
    })
  }
}

/** The program of a real Electron, where one is named: a download by accident is not meant. */
export function realElectron(): string | undefined {
  if (process.env['ELECTRON_OVERRIDE_DIST_PATH'] === undefined) return undefined
  const found = findElectron()
  return 'missing' in found ? undefined : found.program
}

export async function launchReal({ home, data, args = [], root = ROOT }: Launch): Promise<Shell> {
  const program = realElectron()
  if (program === undefined) throw new Error('ELECTRON_OVERRIDE_DIST_PATH names no Electron')
  const app = await _electron.launch({
    executablePath: program,
    args: ['--disable-gpu', `--user-data-dir=${data}`, root, ...args],
    env: { ...process.env, X0T_HOME: home },
    timeout: STARTS_MS,
  })
  return {
    page: () => app.firstWindow(),
    windows: () => app.windows().length,
    connectAs: (url, inner) =>
      app.evaluate(
        ({ ipcMain }, claim) => {
          const given: unknown[] = []
          const postMessage = (_channel: string, _message: unknown, ports: unknown[]) => given.push(...ports)
          const senderFrame = { url: claim.url, parent: claim.inner ? {} : null, postMessage }
          ipcMain.emit('node:connect', { senderFrame })
          return given.length
        },
        { url, inner },
      ),
    answerAt: (url) =>
      app.evaluate(async ({ net }, address) => {
        const { status, headers } = await net.fetch(address)
        return { status, policy: headers.get('content-security-policy') ?? '' }
      }, url),
    quit: () => app.close(),
  }
}
