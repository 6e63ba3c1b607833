import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { HomePaths } from '../platform/home.ts'

/** What opens an address in the browser of this system; nothing where there is no screen to show it on. */
export function browserCommand(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open']
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  return env['DISPLAY'] === undefined && env['WAYLAND_DISPLAY'] === undefined ? undefined : ['xdg-open']
}

/**
 * Opens a link that holds a secret. It goes through a file that only its user can read: the arguments of a program can be
 * read by everybody on the machine.
 */
export async function openPrivately(
  url: string,
  paths: HomePaths,
  [program, ...args]: readonly [string, ...string[]],
): Promise<boolean> {
  const file = join(paths.root, 'open-console.html')
  rmSync(file, { force: true })
  writeFileSync(file, pageTo(url), { mode: 0o600, flag: 'wx' })
  return new Promise((resolve) => {
    const child = spawn(program, [...args, pathToFileURL(file).href], { detached: true, stdio: 'ignore' })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}

function pageTo(url: string): string {
  const text = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<title>x0tta6bl4</title><meta http-equiv="refresh" content="0; url=${text}"><a href="${text}">x0tta6bl4</a>
`
}
