import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { app } from 'electron'
import { autostartEntry } from './autostart-entry.ts'

const FILE = 'x0tta6bl4.desktop'

/** Starts the app in the tray when the person logs in, or no longer does. */
export function startAtLogin(wanted: boolean): void {
  if (process.platform !== 'linux') {
    app.setLoginItemSettings({ openAtLogin: wanted, args: ['--hidden'] })
    return
  }
  const configured = process.env['XDG_CONFIG_HOME'] ?? ''
  const folder = join(isAbsolute(configured) ? configured : join(homedir(), '.config'), 'autostart')
  if (!wanted) {
    rmSync(join(folder, FILE), { force: true })
    return
  }
  mkdirSync(folder, { recursive: true })
  // An AppImage runs from a mount that is another at each start; the variable names the file itself.
  const program = process.env['APPIMAGE'] ?? process.execPath
  const own = app.isPackaged ? [] : process.argv.slice(1, 2)
  writeFileSync(join(folder, FILE), autostartEntry(program, [...own, '--hidden']), { mode: 0o600 })
}
