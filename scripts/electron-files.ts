/** Electron's own program. Loading its package would download it, so its files are looked for. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ROOT } from './paths.ts'

export interface ElectronFiles {
  /** Holds the program and all that belongs to it. */
  readonly folder: string
  readonly program: string
}

/** Where the program lies in its folder, by system. */
const PROGRAMS: Readonly<Record<string, string>> = {
  win32: 'electron.exe',
  darwin: 'Electron.app/Contents/MacOS/Electron',
}

/** @returns the files, or the path at which there is no program */
export function findElectron(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
  exists: (path: string) => boolean = existsSync,
): ElectronFiles | { readonly missing: string } {
  const named = env['ELECTRON_OVERRIDE_DIST_PATH']
  const folder =
    named === undefined || named === '' ? resolve(ROOT, 'node_modules/electron/dist') : resolve(named)
  const program = resolve(folder, PROGRAMS[platform] ?? 'electron')
  return exists(program) ? { folder, program } : { missing: program }
}
