/** What holds for the window whatever draws it. Each of these turns red when the line that it is about is taken out. */
import type { Page } from 'playwright'
import { beforeAll, expect, it } from 'vitest'
import type { Shell } from './driver.ts'

const EVIL = 'https://evil.invalid/'
/** For what is only seen by not happening: long enough for a window to open or a page to go. */
const SETTLE_MS = 400
const settle = (page: Page): Promise<void> => page.waitForTimeout(SETTLE_MS)

export function shellSpecs(appOf: () => Shell): void {
  let app: Shell
  let page: Page
  beforeAll(async () => {
    app = appOf()
    page = await app.page()
  })

  it('shows the page nothing of Node.js or Electron, and one frozen function of ours', async () => {
    const found = await page.evaluate(`(() => {
      const shape = (value) => typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.keys(value).map((key) => [key, shape(value[key])])) : typeof value
      const fixed = Object.entries(Object.getOwnPropertyDescriptors(window))
        .filter(([, one]) => 'value' in one && one.enumerable && !one.writable && !one.configurable)
      const names = ['require', 'process', 'module', 'Buffer', 'global', 'ipcRenderer', 'electron']
      return {
        exposed: Object.fromEntries(fixed.map(([name, one]) => [name, shape(one.value)])),
        frozen: Object.isFrozen(window.x0t),
        leaked: names.filter((name) => name in window),
      }
    })()`)
    expect(found).toEqual({ exposed: { x0t: { connect: 'function' } }, frozen: true, leaked: [] })
  })

  it('answers its own top page alone, and no other page or frame that asks for a line', async () => {
    expect(await app.connectAs('app://console/', false)).toBe(1)
    expect(await app.connectAs('app://console/', true)).toBe(0)
    for (const url of [EVIL, 'app://console.evil.invalid/', 'file:///etc/passwd', 'about:blank', '']) {
      expect(await app.connectAs(url, false)).toBe(0)
    }
    // The line that was just given away took the place of the page's.
    await page.getByRole('alert').waitFor({ state: 'detached' })
  })

  it('runs no inline script, no text as script, and connects to nobody', async () => {
    const violations = await page.evaluate(`(async () => {
      const seen = []
      document.addEventListener('securitypolicyviolation', (e) => seen.push(e.effectiveDirective))
      const inline = document.createElement('script')
      try { inline.textContent = 'window.taken = 1'; document.head.append(inline) } catch { seen.push('trusted-types') }
      const frame = document.createElement('iframe')
      frame.src = '${EVIL}'
      document.body.append(frame)
      const image = new Image()
      image.src = '${EVIL}x.png'
      const style = document.createElement('link')
      Object.assign(style, { rel: 'stylesheet', href: '${EVIL}x.css' })
      document.head.append(style)
      await fetch('${EVIL}').catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 200))
      const evaluated = await Promise.resolve().then(() => new Function('return 1')()).catch(() => 'refused')
      for (const one of [frame, style, inline]) one.remove()
      return { taken: window.taken ?? null, evaluated, seen: [...new Set(seen)].sort() }
    })()`)
    expect(violations).toMatchObject({ taken: null, evaluated: 'refused' })
    const seen = JSON.stringify(violations)
    for (const directive of ['connect-src', 'frame-src', 'img-src', 'style-src-elem', 'trusted']) {
      expect(seen).toContain(directive)
    }
  })

  it('says so to the browser in a policy without an exception', async () => {
    const { policy } = await app.answerAt('app://console/')
    expect(policy).toMatch(/^default-src 'none'; /)
    expect(policy).toContain("require-trusted-types-for 'script'")
    expect(policy).not.toMatch(/unsafe|https?:|data:|blob:|\*/)
  })

  it('goes nowhere: not by a link, not by a script, not by a file that is dropped', async () => {
    const before = page.url()
    for (const go of [
      `(() => { const a = document.createElement('a'); a.href = '${EVIL}'; document.body.append(a); a.click(); a.remove() })()`,
      `(() => { location.href = '${EVIL}' })()`,
      `(() => { location.assign('/index.html?other') })()`,
    ]) {
      await page.evaluate(go).catch(() => {})
      await settle(page)
      expect(page.url()).toBe(before)
    }
    await page.getByRole('heading', { name: 'Harbour' }).waitFor()
  })

  it.each([
    EVIL,
    'app://console/',
    'https://nodejs.org/',
    'https://nodejs.org/dist/setup.exe',
    'file:///usr/bin/setup.exe',
  ])('opens no second window for %s', async (url) => {
    const address = url === 'app://console/' ? await page.evaluate('location.href') : url
    await page.evaluate(`void window.open(${JSON.stringify(address)})`)
    await settle(page)
    expect(app.windows()).toBe(1)
  })

  it.each([
    '/..%2f..%2fpackage.json',
    '/..%2f..%2fdist%2felectron%2fmain.js',
    '/assets/..%2f..%2felectron%2fmain.js',
    '/..%5c..%5cpackage.json',
  ])('serves nothing that lies outside of its folder: %s', async (path) => {
    expect((await app.answerAt('app://console/index.html')).status).toBe(200)
    expect((await app.answerAt(`app://console${path}`)).status).toBe(403)
    expect((await app.answerAt(`app://other${path}`)).status).not.toBe(200)
  })

  it('grants the page no permission', async () => {
    const states = await page.evaluate(`Promise.all(
      ['geolocation', 'notifications'].map(async (name) => (await navigator.permissions.query({ name })).state))`)
    expect(states).not.toContain('granted')
  })
}
