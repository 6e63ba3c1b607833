import { type Browser, chromium } from 'playwright'

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--ignore-certificate-errors'],
]

let browser: Promise<Browser> | undefined

/** The Chromium that draws the windows; the test reaches it through the port that it chose. */
export function openBrowser(): Promise<Browser> {
  const port = process.env['X0T_DOUBLE_PORT'] ?? '0'
  browser ??= chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '',
    args: [...FLAGS, `--remote-debugging-port=${port}`],
  })
  return browser
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
}
