import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createNodeClient } from '../../node-core/cli/client/node-client.ts'
import { homePaths } from '../../node-core/platform/home.ts'
import { x0t } from '../helpers/x0t.ts'
import { type Double, launchDouble, launchReal, realElectron, type Shell } from './driver.ts'
import { shellSpecs } from './shell-specs.ts'

let folder: string
let home: string

const pidOf = async (of: string): Promise<number | undefined> => {
  const client = createNodeClient(homePaths(of), { timeoutMs: 2_000, signal: new AbortController().signal })
  return (await client.node.version().catch(() => undefined))?.pid
}

async function until<T>(what: string, look: () => Promise<T | undefined>, limitMs = 30_000): Promise<T> {
  const end = Date.now() + limitMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`did not happen within ${limitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-desktop-'))
  home = join(folder, 'home')
  mkdirSync(join(folder, 'userData'))
  const made = await x0t(['--home', home, 'init', '--mesh', 'Harbour', '--name', 'berlin'])
  expect([made.code, made.stderr]).toEqual([0, expect.any(String)])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const nodeShown = (page: Page): Promise<void> => page.getByRole('heading', { name: 'Harbour' }).waitFor()

describe('the desktop app on the stand-in for Electron', () => {
  let app: Double
  let page: Page

  beforeAll(async () => {
    app = await launchDouble({ home, data: folder })
    page = await app.page()
  })
  afterAll(async () => app?.quit())

  it('runs a node and shows it, over a port alone', async () => {
    await nodeShown(page)
    expect(await pidOf(home)).toBeGreaterThan(0)
    expect(await app.calls('network')).toEqual([])
    const said = (await app.calls('console')).filter(({ args }) =>
      JSON.stringify(args).startsWith('["error"'),
    )
    expect(said).toEqual([])
  })

  shellSpecs(() => app)

  it('says that the node died, starts it again and shows it, by itself', async () => {
    const before = await pidOf(home)
    expect(before).toBeGreaterThan(0)
    process.kill(Number(before), 'SIGKILL')
    await page.getByText('Disconnected').waitFor()
    await page.getByText('Disconnected').waitFor({ state: 'detached' })
    expect(await until('another node', () => pidOf(home))).not.toBe(before)
  })

  it('told of it in the tray and in a notification, and a click on that opens the console', async () => {
    const images = (await app.calls('Tray.setImage')).map(({ args }) => JSON.stringify(args))
    expect(images.some((image) => image.includes('tray-fault.png'))).toBe(true)
    const [notice] = await app.calls('Notification.show')
    expect(JSON.stringify(notice)).toContain('The node ended by SIGKILL.')
    const loads = (await app.calls('loaded')).length
    await app.tell({ what: 'click-notification' })
    await until('the page of it', async () => ((await app.calls('loaded')).length > loads ? true : undefined))
    await nodeShown(page)
  })

  it('opens nothing outside but what its texts lead to', async () => {
    const opened = (await app.calls('shell.openExternal')).map(({ args }) => args)
    expect(opened).toEqual([['https://nodejs.org/']])
  })

  it('never joins over its home by a link, whatever is pressed', async () => {
    await app.tell({ what: 'answer', name: 'dialog.showMessageBox', value: 1 })
    await app.tell({
      what: 'emit',
      event: 'second-instance',
      args: [['x0t', `x0t://join/x0t1${'a'.repeat(40)}`]],
    })
    const asked = await until('a question', async () => (await app.calls('dialog.showMessageBox'))[0])
    expect(JSON.stringify(asked)).toContain('This machine belongs to a mesh already')
  })

  it('pauses healing from the tray, shows it, and resumes', async () => {
    const pick = async (label: string) =>
      (await app.tell({ what: 'pick', menu: 'trayMenu', label })) === true ? true : undefined
    const shows = async (label: string) => {
      const [last] = (await app.calls('Tray.setContextMenu')).slice(-1)
      return JSON.stringify(last).includes(label) ? true : undefined
    }
    await until('the entry', () => pick('Pause healing'))
    await until('the other entry', () => shows('Resume healing'))
    await until('that entry', () => pick('Resume healing'))
    await until('the first entry', () => shows('Pause healing'))
  })

  it('keeps what is chosen in its menu, for the next time', async () => {
    expect(await app.tell({ what: 'pick', menu: 'appMenu', label: 'Warnings' })).toBe(true)
    const kept: unknown = JSON.parse(readFileSync(join(folder, 'userData/desktop.json'), 'utf8'))
    expect(kept).toMatchObject({ notices: { warning: false, critical: true } })
  })

  it('says so when the core itself dies, and comes back', async () => {
    const forks = (await app.calls('utilityProcess.fork')).length
    await app.tell({ what: 'kill-core' })
    await page.getByText('Disconnected').waitFor()
    await page.getByText('Disconnected').waitFor({ state: 'detached' })
    expect((await app.calls('utilityProcess.fork')).length).toBeGreaterThan(forks)
  })

  it('ends its node when it ends', async () => {
    await app.quit()
    expect(await pidOf(home)).toBeUndefined()
  })
})

describe('the desktop app beside a node that runs already', () => {
  it('uses it, and leaves it running', async () => {
    const up = await x0t(['--home', home, 'up'])
    expect(up.code).toBe(0)
    const pid = await pidOf(home)
    const app = await launchDouble({ home, data: folder })
    try {
      await nodeShown(await app.page())
      expect(await pidOf(home)).toBe(pid)
    } finally {
      await app.quit()
    }
    expect(await pidOf(home)).toBe(pid)
    await x0t(['--home', home, 'down'])
  })
})

describe.skipIf(realElectron() === undefined)('the desktop app on a real Electron', () => {
  let app: Shell

  beforeAll(async () => {
    app = await launchReal({ home, data: folder })
    await nodeShown(await app.page())
  })
  afterAll(async () => app?.quit())

  shellSpecs(() => app)
})

describe('the desktop app on a machine without a mesh', () => {
  let app: Double
  let empty: string

  beforeAll(async () => {
    empty = join(folder, 'empty')
    app = await launchDouble({ home: empty, data: folder, keychain: 'gnome_libsecret', args: ['--hidden'] })
  })
  afterAll(async () => app?.quit())

  it('starts in the tray, with no window, when it is told to', async () => {
    await until('a node', () => pidOf(empty))
    expect(await app.calls('Tray')).toHaveLength(1)
    expect(await app.calls('BrowserWindow')).toEqual([])
  })

  it('asks before it follows a link, shows the fingerprint, and does nothing when it is closed', async () => {
    const { stdout } = await x0t(['--home', home, 'up', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ foreground: false })
    const invite = await x0t(['--home', home, 'invite', '--role', 'viewer', '--json'])
    const { token, fingerprint } = inviteSchema.parse(JSON.parse(invite.stdout))
    const link = `x0t://join/${token}`
    await app.tell({ what: 'emit', event: 'second-instance', args: [['x0t', link]] })
    const asked = await until('a question', async () => (await app.calls('dialog.showMessageBox'))[0])
    expect(JSON.stringify(asked).replaceAll(/\\n|\s/g, '')).toContain(fingerprint)
    expect(existsSync(homePaths(empty).keystore)).toBe(false)

    await app.tell({ what: 'answer', name: 'dialog.showMessageBox', value: 1 })
    await app.tell({ what: 'emit', event: 'second-instance', args: [['x0t', link]] })
    await until('the keystore', async () => (existsSync(homePaths(empty).keystore) ? true : undefined))
    await nodeShown(await app.page())
  })

  it('has sealed the new keystore with what the keychain keeps, and opens it again with that', async () => {
    expect(existsSync(homePaths(empty).keyFile)).toBe(false)
    expect(existsSync(join(empty, 'keystore.sealed'))).toBe(true)
    const before = await until('the node', () => pidOf(empty))
    process.kill(before, 'SIGKILL')
    expect(await until('another node', async () => other(await pidOf(empty), before))).not.toBe(before)
    await x0t(['--home', home, 'down'])
  })
})

const other = (pid: number | undefined, before: number): number | undefined =>
  pid === before ? undefined : pid
const inviteSchema = z.object({ token: z.string(), fingerprint: z.string() })
