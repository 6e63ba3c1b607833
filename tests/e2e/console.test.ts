import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Lab } from '../../node-core/lab/lab.ts'
import { type ConsolePage, consoleLink, openTab, startBrowser } from '../helpers/console-page.ts'
import { curl } from '../helpers/curl.ts'
import { type HttpSite, startHttpSite } from '../helpers/http-site.ts'
import { makeLab, nodeName } from '../helpers/lab.ts'
import { type Shop, startShop } from '../helpers/shop.ts'
import { x0t } from '../helpers/x0t.ts'

const [n1, n2, n4] = [nodeName('n1'), nodeName('n2'), nodeName('n4')]
const STARTS_MS = 120_000
/** Many pages, one after the other: minutes on a machine that does much else. */
const ALL_PAGES_MS = 400_000
const PAGES = [
  'overview',
  'topology/n4',
  'nodes',
  'nodes/n1',
  'nodes/n4',
  'links',
  'services',
  'incidents',
  'playbooks',
  'playbooks/move-off-a-dead-link',
  'slo',
  'policy',
  'audit',
  'settings',
]
const ALL_PICTURES = process.env['X0T_ALL_PICTURES'] === '1'
/** From the cut to the page, over the node's own notice of it. */
const REACTS_MS = 1_000
/** In the page: the moment at which the link to n2 no longer stands there as up. It may be let go of at once. */
const WATCH_N2 = `new Promise((resolve) => {
  const look = () => {
    const row = [...document.querySelectorAll('tbody tr')].find((one) => /^n2/.test(one.textContent))
    if (row === undefined || !/Up/.test(row.textContent)) resolve(Date.now())
    else requestAnimationFrame(look)
  }
  look()
})`

describe('the console of a node, in a real Chromium, on a lab of six', () => {
  let lab: Lab
  let browser: Browser
  let site: HttpSite
  let shop: Shop
  let tab: ConsolePage

  beforeAll(async () => {
    lab = await makeLab('ring:6')
    ;[browser, site, shop] = await Promise.all([
      startBrowser(),
      startHttpSite(2_000),
      startShop(),
      lab.start(),
    ])
    await lab.linked()
    await writeFile(join(lab.home(n1), 'heal-commands.yaml'), shop.commands, { mode: 0o600 })
    const open = ['expose', 'shop', '--to', shop.target, '--check', 'http:/']
    expect((await x0t(['--home', lab.home(n1), ...open])).code).toBe(0)
    const args = ['expose', 'wiki', '--to', site.target, '--check', 'http:/']
    expect((await x0t(['--home', lab.home(n4), ...args])).code).toBe(0)
    tab = await openTab(browser)
    await tab.page.goto(await consoleLink(lab.home(n1)))
    await tab.page.getByRole('heading', { name: 'lab' }).waitFor()
  }, STARTS_MS)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
    await shop?.close()
    await lab?.stop()
    await rm(lab.dir, { recursive: true, force: true })
  }, STARTS_MS)

  it('signs in by a link, and takes the secret out of the address at once', async () => {
    expect(tab.page.url()).toMatch(/#\/overview$/)
    await tab.page.getByText(/^All is well|degraded/).waitFor()
    await tab.page.getByText(/^Live, heard/).waitFor()
  })

  it('shows how to get a link where nobody is signed in, refuses a used one, and returns to the address', async () => {
    const link = await consoleLink(lab.home(n1))
    const wanted = `${new URL(link).origin}/#/links?state=up`
    const stranger = await openTab(browser, 360)
    const { page } = stranger
    await page.goto(wanted)
    await page.getByText('x0t console', { exact: true }).waitFor()
    await stranger.picture('sign-in-light-en-360')
    expect(await stranger.axe()).toEqual([])
    await page.getByLabel('Or paste a sign-in link').fill(link)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Links', exact: true }).waitFor()
    expect(page.url()).toBe(wanted)

    const late = await openTab(browser)
    await late.page.goto(link)
    await late.page.getByText('That link was used already').waitFor()
    await Promise.all([stranger.context.close(), late.context.close()])
  })

  it('says so when a session is over, and asks for a new link', async () => {
    const other = await openTab(browser)
    const client = lab.client(n1)
    const before = new Set((await client.console.sessions()).items.map(({ id }) => id))
    await other.page.goto(await consoleLink(lab.home(n1)))
    await other.page.getByRole('heading', { name: 'lab' }).waitFor()
    for (const { id } of (await client.console.sessions()).items) {
      if (!before.has(id)) await client.console.signOut({ id })
    }
    await other.page.getByText('Your session has ended').waitFor()
    await other.context.close()
  })

  it('signs out: the tab and its token are worth nothing afterwards', async () => {
    const other = await openTab(browser)
    await other.page.goto(await consoleLink(lab.home(n1)))
    await other.page.getByRole('button', { name: 'Sign out' }).click()
    await other.page.getByRole('heading', { name: 'Sign in to this node' }).waitFor()
    await other.page.reload()
    await other.page.getByRole('heading', { name: 'Sign in to this node' }).waitFor()
    await other.context.close()
  })

  it('sets a playbook to ask, and keeps one of a person that is checked as it is typed', async () => {
    await tab.open('#/playbooks')
    const { page } = tab
    await page.getByLabel('Mode of restart-a-service').selectOption('ask')
    await page.getByText('restart-a-service is set.').waitFor()
    // It would be tried as well, and which of the two comes first is drawn.
    await lab.client(n1).playbooks.set({ playbook: 'use-another-provider', enabled: false })
    // From here on the shop does not answer; the node takes its time to be sure of that.
    shop.shut()
    await page.getByRole('link', { name: 'New playbook' }).click()
    const editor = page.getByRole('textbox', { name: 'Playbook (YAML)' })
    const text = await editor.inputValue()
    await editor.fill(text.replace('risk: low', 'risk: none'))
    await page.getByText(/editor:8:7: risk/).waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await editor.fill(text)
    await page.getByText('It can be used').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL(/#\/playbooks\/my-redial$/)
    expect(await readFile(join(lab.home(n1), 'playbooks/my-redial.yaml'), 'utf8')).toBe(text)
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('my-redial is removed.').waitFor()
  })

  it('opens a port to a service of another node from a form, and what comes through is the service', async () => {
    await tab.open('#/services')
    const { page } = tab
    await page.getByRole('button', { name: 'Forward a port to wiki at n4' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Forward', exact: true }).click()
    const address = await page.getByRole('dialog').locator('code').innerText()
    await page.getByRole('button', { name: 'Copy the address', exact: true }).click()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(address)
    const { code, sha256 } = await curl(`http://${address}${site.path}`)
    expect([code, sha256]).toEqual([0, site.sha256])
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('row', { name: new RegExp(`${address}.*wiki@n4.*Listening`) }).waitFor()
    await page.getByRole('button', { name: 'Open one' }).click()
    const socks = page.getByRole('table', { name: 'SOCKS5 ports' }).locator('code')
    const proxied = await curl(`http://wiki.mesh${site.path}`, [
      '--socks5-hostname',
      await socks.first().innerText(),
    ])
    expect([proxied.code, proxied.sha256]).toEqual([0, site.sha256])
  })

  it('exports the configuration, shows what a changed file would do, applies it, and goes back', async () => {
    await tab.open('#/settings')
    const { page } = tab
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export JSON' }).click(),
    ])
    const text = await readFile(await download.path(), 'utf8')
    const wiki = { name: 'notes', target: '127.0.0.1:9' }
    const changed: unknown = { ...JSON.parse(text), services: [wiki] }
    const choose = async (content: string): Promise<void> => {
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('button', { name: 'Import a file' }).click(),
      ])
      await chooser.setFiles({ name: 'x0t.json', mimeType: 'application/json', buffer: Buffer.from(content) })
    }
    await choose('{"nonsense": ')
    await page.getByText('The file cannot be used, and nothing was changed.').waitFor()
    await page.keyboard.press('Escape')
    await choose(JSON.stringify(changed))
    const dialog = page.getByRole('dialog')
    await dialog.getByText('127.0.0.1:9').waitFor()
    await dialog.getByRole('button', { name: 'Apply all of it' }).click()
    await page.getByText('The configuration is applied.').waitFor()
    await page
      .getByRole('button', { name: /Go back to version/ })
      .first()
      .click()
    await dialog.getByRole('button', { name: 'Go back' }).click()
    await page.getByText(/is in force again/).waitFor()
  })

  it('is walked on the map with the arrow keys alone, from neighbour to neighbour', async () => {
    await tab.open('#/topology')
    const map = tab.page.getByRole('listbox')
    await map.focus()
    await tab.page.keyboard.press('ArrowDown')
    await tab.page.waitForURL(/#\/topology\/n1$/)
    const neighbours = new Set<string>()
    for (const key of ['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown']) {
      await tab.page.keyboard.press(key)
      const [, at = ''] = /topology\/(n\d)/.exec(tab.page.url()) ?? []
      if (at !== 'n1') neighbours.add(at)
      await tab.open('#/topology/n1')
      await map.focus()
    }
    expect([...neighbours].sort()).toEqual(['n2', 'n6'].filter((name) => neighbours.has(name)))
    expect(neighbours.size).toBeGreaterThan(0)
    await tab.page.keyboard.press('Enter')
    await tab.page.getByRole('heading', { name: 'n1', exact: true }).waitFor()
  })

  it('reaches every page by the keyboard', async () => {
    await tab.open('#/overview')
    await tab.page.locator('body').press('Tab')
    for (const name of ['Topology', 'Nodes', 'Links', 'Services', 'Settings']) {
      const link = tab.page.getByRole('navigation').getByRole('link', { name })
      await link.focus()
      await tab.page.keyboard.press('Enter')
      await tab.page.getByRole('heading', { level: 1, name }).waitFor()
      expect(await tab.page.evaluate('document.activeElement.tagName')).toBe('H1')
    }
  })

  it('shows a cut within a second, in the list of links and on the map', async () => {
    await tab.open('#/links')
    const { page } = tab
    const row = page.getByRole('row', { name: /^n2/ })
    await row.getByText('Up', { exact: true }).waitFor()
    const shownAt = page.evaluate<number>(WATCH_N2)
    const cutAt = Date.now()
    await lab.impair(n1, n2, { kind: 'cut' })
    expect((await shownAt) - cutAt).toBeLessThan(REACTS_MS)
    await tab.open('#/topology')
    await tab.page.getByRole('row', { name: /n1 n2 Up|n2 n1 Up/ }).waitFor({ state: 'detached' })
    await tab.picture('topology-cut')
  })

  it('opens an incident for the cut, with its evidence and its repair, and keeps what a person says of it', async () => {
    await tab.open('#/incidents?which=all')
    const { page } = tab
    await page.getByRole('link', { name: /^The link between n[12] and n[12] is down$/ }).click()
    await page.getByRole('heading', { name: 'Timeline' }).waitFor()
    await page.getByRole('heading', { name: 'Evidence' }).waitFor()
    await page.getByRole('button', { name: 'Add a note' }).click()
    await page.getByRole('dialog').getByLabel('Note').fill('the cable again')
    await page.getByRole('button', { name: 'Add it' }).click()
    await page.getByRole('heading', { name: 'Notes' }).waitFor()
    await page.getByText('the cable again').first().waitFor()
    expect(await tab.axe()).toEqual([])
    await tab.picture('incident-light-en-1280')
  })

  it('repairs what waits for a person once that person says so in the page, and not before', async () => {
    await tab.open('#/incidents?which=all')
    const { page } = tab
    await page.getByRole('link', { name: 'The service shop at n1 is down' }).click({ timeout: 90_000 })
    await page.getByText('Your decision').waitFor({ timeout: 60_000 })
    await tab.picture('incident-waiting-light-en-1280')
    expect(await tab.axe()).toEqual([])
    await page.getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByRole('button', { name: 'I take care of it' }).click()
    await page.getByRole('button', { name: 'Give it back' }).waitFor()
    await page.getByRole('button', { name: 'Silence for an hour' }).click()
    await page.getByRole('button', { name: 'End the silence' }).waitFor()
    expect(shop.isOpen()).toBe(false)
    await page.getByLabel('Comment').fill('open it')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('Succeeded', { exact: true }).waitFor({ timeout: 60_000 })
    await page.getByText('Resolved', { exact: true }).first().waitFor()
    await page
      .getByText(/Approved by n1/)
      .first()
      .waitFor()
    expect(shop.isOpen()).toBe(true)
  })

  it('says what a policy would change before it is signed, signs it, and answers who may do what', async () => {
    await tab.open('#/policy')
    const { page } = tab
    const editor = page.getByRole('textbox', { name: 'Document in force' })
    const text = await editor.inputValue()
    await editor.fill(`${text}nonsense: 1\n`)
    await page.getByText('It cannot be applied').waitFor()
    expect(await page.getByRole('button', { name: 'Sign and apply' }).isDisabled()).toBe(true)
    await editor.fill(`${text}# looked through\n`)
    await page.getByText('Nobody gains or loses anything.').waitFor()
    await page.getByRole('button', { name: 'Sign and apply' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Sign and apply' }).click()
    await page.getByText('Policy 2 is in force.').waitFor()
    await page.getByRole('button', { name: 'Look, and go back to version 1' }).click()
    await page.getByRole('heading', { name: 'Version 1, to go back to' }).waitFor()
    expect(await page.getByRole('textbox', { name: 'Document in force' }).inputValue()).toBe(text)
    await page.getByRole('button', { name: 'Discard' }).click()
    await page.getByLabel('Who', { exact: true }).selectOption('n2')
    await page.getByLabel('Service', { exact: true }).fill('wiki')
    await page.getByLabel('Where', { exact: true }).selectOption('n4')
    await page.getByRole('button', { name: 'Ask', exact: true }).click()
    await page.getByText('Allowed', { exact: true }).waitFor()
    await tab.open('#/audit')
    await page
      .getByRole('row', { name: /policy\.apply/ })
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText(/^The log of n1 is whole/).waitFor({ timeout: 60_000 })
  })

  it.each(['light', 'dark'] as const)(
    'has nothing that axe objects to on any page in the %s theme',
    async (theme) => {
      await tab.look(theme, 'en')
      for (const address of PAGES) {
        await tab.open(`#/${address}`)
        expect(await tab.axe(), `${address} in ${theme}`).toEqual([])
      }
    },
    ALL_PAGES_MS,
  )

  it(
    'fits on a wide screen and on a telephone, in both languages and both themes',
    async () => {
      const looks = ALL_PICTURES
        ? (['light', 'dark'] as const).flatMap((theme) =>
            (['en', 'ru'] as const).flatMap((language) =>
              [1280, 1920, 360].map((width) => ({ theme, language, width })),
            ),
          )
        : ([
            { theme: 'light', language: 'en', width: 1280 },
            { theme: 'dark', language: 'ru', width: 360 },
          ] as const)
      for (const { theme, language, width } of looks) {
        await tab.page.setViewportSize({ width, height: 900 })
        await tab.look(theme, language)
        for (const address of PAGES) {
          await tab.open(`#/${address}`)
          await tab.picture(`${address.replace('/', '-')}-${theme}-${language}-${width}`)
          const wider = await tab.page.evaluate<number>(
            'document.documentElement.scrollWidth - document.documentElement.clientWidth',
          )
          expect(wider, `${address} at ${width} in ${language}`).toBeLessThanOrEqual(0)
        }
      }
    },
    ALL_PAGES_MS,
  )

  it('gave the browser nothing to complain about: no refused style, no error', () => {
    expect(tab.complaints).toEqual([])
  })
})
