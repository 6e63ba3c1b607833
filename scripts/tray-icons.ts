/**
 * Draws resources/tray-*.png from the shapes below with a Chromium, at 22 and 44 pixels. Run it after a change:
 * `node scripts/tray-icons.ts`. Each state has a shape of its own: colour alone would not tell everybody.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { chromium } from 'playwright'
import { requireChromium } from './chromium.ts'
import { ROOT } from './paths.ts'

const STROKE = 'fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"'

/** On a field of 22 by 22. The dark edge keeps them visible on a light panel and on a dark one. */
const SHAPES: Readonly<Record<string, string>> = {
  // A full disc with a tick.
  healthy: `<circle cx="11" cy="11" r="9" fill="#1b7f4d" stroke="#0b3b24"/><path d="M7 11.2l2.8 2.8L15.2 8.4" ${STROKE}/>`,
  // A rhombus with a dash.
  degraded: `<path d="M11 1.4L20.6 11 11 20.6 1.4 11z" fill="#a35a00" stroke="#4d2a00" stroke-linejoin="round"/><path d="M7.4 11h7.2" ${STROKE}/>`,
  // A triangle with an exclamation mark.
  fault: `<path d="M11 1.8L21 19.6H1z" fill="#b3261e" stroke="#5a0f0b" stroke-linejoin="round"/><path d="M11 8v5" ${STROKE}/><circle cx="11" cy="16.4" r="1.3" fill="#fff"/>`,
  // A square with two bars.
  paused: `<rect x="2" y="2" width="18" height="18" rx="3" fill="#3b5bad" stroke="#1a2b57"/><path d="M8.4 7v8M13.6 7v8" ${STROKE}/>`,
  // A ring with nothing in it.
  off: `<circle cx="11" cy="11" r="8" fill="none" stroke="#000" stroke-width="4"/><circle cx="11" cy="11" r="8" fill="none" stroke="#9aa0a6" stroke-width="2.4"/>`,
}

const executablePath = requireChromium(console.log)
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
for (const [scale, suffix] of [
  [1, ''],
  [2, '@2x'],
] as const) {
  const context = await browser.newContext({ viewport: { width: 22, height: 22 }, deviceScaleFactor: scale })
  const page = await context.newPage()
  for (const [state, shape] of Object.entries(SHAPES)) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="22" height="22" viewBox="0 0 22 22">${shape}</svg>`
    await page.setContent(`<style>body{margin:0}svg{display:block}</style>${svg}`)
    const file = resolve(ROOT, `resources/tray-${state}${suffix}.png`)
    writeFileSync(file, await page.screenshot({ omitBackground: true }))
  }
}
await browser.close()
