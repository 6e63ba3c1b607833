/**
 * `npm run bench:console`: what a person waits for. The console of a node in a Chromium that has nothing of it yet: from
 * the address to the first figures on the page, and what is loaded until then. `--n` is the number of first visits.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { startBrowser } from '../helpers/console-page.ts'
import { startConsoleWorld } from './console-world.ts'
import { runBench } from './harness.ts'

const PAGE = resolve(import.meta.dirname, '../../dist/renderer')
/** In the page, before its own scripts: the moment at which a card of the overview shows a number. */
const WATCH = `window.shownAtMs = new Promise((shown) => {
  new MutationObserver((_, observer) => {
    const isThere = [...document.querySelectorAll('.card-count')].some((one) => /\\d/.test(one.textContent))
    if (!isThere) return
    observer.disconnect()
    // What is in the document is on the screen with the frame after the next.
    requestAnimationFrame(() => requestAnimationFrame(() => shown(performance.now())))
  }).observe(document, { childList: true, subtree: true, characterData: true })
})`

/** What a first visit loads, compressed as a server would. */
function gzipBytes(addresses: readonly string[]): number {
  const paths = new Set(addresses.map((address) => new URL(address).pathname))
  const sizes = [...paths].map((path) => {
    const file = join(PAGE, path === '/' ? 'index.html' : path)
    // A font is compressed already.
    return file.endsWith('.woff2') ? readFileSync(file).length : gzipSync(readFileSync(file)).length
  })
  return sizes.reduce((sum, one) => sum + one, 0)
}

await runBench({ name: 'console', defaultN: 10, warmup: 1 }, async () => {
  const world = await startConsoleWorld(0)
  const browser = await startBrowser()
  return {
    cases: [
      {
        ...{ metric: 'first meaningful paint, nothing cached', unit: 'ms' as const },
        further: [
          { metric: 'first load, compressed', unit: 'bytes' as const },
          { metric: 'first load, compressed, without fonts', unit: 'bytes' as const },
        ],
        async sample() {
          const context = await browser.newContext({ viewport: { width: 1_280, height: 900 } })
          try {
            const page = await context.newPage()
            await page.addInitScript(WATCH)
            await page.goto(world.link())
            const shownAtMs = await page.evaluate<number>('window.shownAtMs')
            const loaded = await page.evaluate<string[]>(
              `[location.origin + '/', ...performance.getEntriesByType('resource').filter((one) => /\\.(js|css|woff2)$/.test(one.name)).map((one) => one.name)]`,
            )
            return [shownAtMs, gzipBytes(loaded), gzipBytes(loaded.filter((one) => !one.endsWith('.woff2')))]
          } finally {
            await context.close()
          }
        },
      },
    ],
    async close() {
      await browser.close()
      await world.close()
    },
  }
})
