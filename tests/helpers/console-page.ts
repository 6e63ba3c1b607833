import { copyFileSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { requireChromium } from '../../scripts/chromium.ts'
import { x0t } from './x0t.ts'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** Where the pictures of a run stay, for people to look at. */
const PICTURES = resolve(import.meta.dirname, '../../test-results/console')
/** Those that docs/guide.md shows, put there by a run with X0T_GUIDE_PICTURES=1. */
const GUIDE = resolve(import.meta.dirname, '../../docs/pictures')
const IN_GUIDE: ReadonlySet<string> = new Set(
  process.env['X0T_GUIDE_PICTURES'] === '1'
    ? ['setup-light-en-1280', 'topology-cut', 'incident-waiting-light-en-1280']
    : [],
)
/** On a busy machine a first page takes its time. */
const PATIENCE_MS = 20_000

export async function startBrowser(): Promise<Browser> {
  const executablePath = requireChromium(console.log)
  return await chromium.launch({ executablePath, args: FLAGS })
}

export interface ConsolePage {
  readonly context: BrowserContext
  readonly page: Page
  /** What the browser complained about: refused styles and scripts, exceptions. */
  readonly complaints: string[]
  /** Goes to `#/links` and the like, and waits until the page of it is there. */
  open(address: string): Promise<void>
  look(theme: 'light' | 'dark', language: 'en' | 'ru'): Promise<void>
  picture(name: string): Promise<void>
  /** What axe finds, all of its rules on. */
  axe(): Promise<string[]>
}

/** A one-time link to the console of the node that lives in that home. */
export async function consoleLink(home: string): Promise<string> {
  const { stdout, stderr } = await x0t(['--home', home, 'console', '--print', '--json'])
  const answer: unknown = JSON.parse(stdout)
  if (typeof answer !== 'object' || answer === null || !('url' in answer) || typeof answer.url !== 'string') {
    throw new Error(`x0t console gave no link: ${stdout}${stderr}`)
  }
  return answer.url
}

/** A new tab, not signed in anywhere. */
export async function openTab(browser: Browser, width = 1280): Promise<ConsolePage> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    locale: 'en',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return {
    context,
    page,
    complaints,
    async open(address) {
      await page.evaluate(`window.location.hash = ${JSON.stringify(address)}`)
      await page.locator('main h1').first().waitFor()
      await page.locator('main .skeleton').first().waitFor({ state: 'detached' })
    },
    async look(theme, language) {
      await page.evaluate(
        `localStorage.setItem('x0t.theme', '${theme}'); localStorage.setItem('x0t.language', '${language}')`,
      )
      await page.reload()
      await page.locator('main h1').first().waitFor()
    },
    async picture(name) {
      mkdirSync(PICTURES, { recursive: true })
      const path = join(PICTURES, `${name}.png`)
      await page.screenshot({ path, fullPage: true })
      if (!IN_GUIDE.has(name)) return
      mkdirSync(GUIDE, { recursive: true })
      copyFileSync(path, join(GUIDE, `${name}.png`))
    },
    async axe() {
      const { violations } = await new AxeBuilder({ page }).analyze()
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
      )
    },
  }
}
