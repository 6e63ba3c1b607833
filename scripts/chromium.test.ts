import { expect, it } from 'vitest'
import { type ChromiumDeps, findChromium } from './chromium.ts'

const OWN = '/cache/playwright/chrome'

function world(files: readonly string[], over: Partial<ChromiumDeps> = {}) {
  const there = new Set(files)
  const said: string[] = []
  const deps: ChromiumDeps = {
    env: { PATH: '/usr/local/bin:/usr/bin' },
    playwrightPath: OWN,
    canRun: (file) => there.has(file),
    say: (line) => said.push(line),
    install: () => false,
    ...over,
  }
  return { deps, said, there }
}

it('takes the one that CHROMIUM_PATH names before all others', () => {
  const { deps } = world(['/opt/mine', '/usr/bin/chromium', OWN], {
    env: { PATH: '/usr/bin', CHROMIUM_PATH: '/opt/mine' },
  })
  expect(findChromium(deps)).toBe('/opt/mine')
})

it("takes the system's before Playwright's own", () => {
  expect(findChromium(world(['/usr/bin/google-chrome', OWN]).deps)).toBe('/usr/bin/google-chrome')
  expect(findChromium(world([OWN]).deps)).toBe(OWN)
})

it('says so when CHROMIUM_PATH names none, and looks on', () => {
  const { deps, said } = world([OWN], { env: { CHROMIUM_PATH: '/gone' } })
  expect(findChromium(deps)).toBe(OWN)
  expect(said.join()).toContain('/gone')
})

it('installs one where there is none, says so, and takes that', () => {
  const { deps, said, there } = world([])
  const install = (): boolean => there.add('/usr/bin/chromium') !== undefined
  expect(findChromium({ ...deps, install })).toBe('/usr/bin/chromium')
  expect(said.join()).toContain('installing one')
})

it('finds none where nothing could be installed', () => {
  expect(findChromium(world([]).deps)).toBeUndefined()
})
