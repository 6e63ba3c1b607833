/** Finds a Chromium for the tests of the console, and installs one where there is none. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { chromium } from 'playwright'
import { ROOT } from './paths.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] as const
const INSTALL_WITHIN_MS = 10 * 60_000

export interface ChromiumDeps {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where Playwright keeps its own. */
  readonly playwrightPath: string
  canRun(file: string): boolean
  say(line: string): void
  /** Tries to install one. @returns whether that worked */
  install(): boolean
}

/** The program to run: `CHROMIUM_PATH`, the system's, Playwright's own, or one that is installed now; undefined without any. */
export function findChromium(deps: ChromiumDeps): string | undefined {
  const { env, canRun, say, playwrightPath } = deps
  const named = env['CHROMIUM_PATH']
  if (named !== undefined && named !== '') {
    if (canRun(named)) return named
    say(`CHROMIUM_PATH names ${named}, which cannot be run: looking for another one`)
  }
  const found = onDisk(env['PATH'] ?? '', playwrightPath, canRun)
  if (found !== undefined) return found
  say('No Chromium is on this machine: installing one for the tests of the console.')
  if (!deps.install()) return undefined
  return onDisk(env['PATH'] ?? '', playwrightPath, canRun)
}

function onDisk(path: string, playwrightPath: string, canRun: (file: string) => boolean): string | undefined {
  const folders = path.split(delimiter).filter((folder) => folder !== '')
  const candidates = [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), playwrightPath]
  return candidates.find(canRun)
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Playwright's download first, because it needs no rights; then the package of a Debian, where this is root. */
function install(say: (line: string) => void): boolean {
  const run = (command: string, args: readonly string[]): boolean => {
    say(`   ${command} ${args.join(' ')}`)
    return spawnSync(command, args, { stdio: 'inherit', timeout: INSTALL_WITHIN_MS }).status === 0
  }
  if (run(process.execPath, [resolve(ROOT, 'node_modules/playwright/cli.js'), 'install', 'chromium']))
    return true
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false
  return run('/usr/bin/apt-get', ['update']) && run('/usr/bin/apt-get', ['install', '-y', 'chromium'])
}

/** @throws Error that says what to do when there is none and none could be installed */
export function requireChromium(say: (line: string) => void): string {
  const playwrightPath = chromium.executablePath()
  const found = findChromium({
    ...{ env: process.env, playwrightPath, canRun, say },
    install: () => install(say),
  })
  if (found === undefined) {
    throw new Error('no Chromium was found and none could be installed: install one, or set CHROMIUM_PATH')
  }
  return found
}
