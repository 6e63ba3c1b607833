/**
 * `npm start`: the desktop app where Electron and a screen are there, else the node of this user with its console in the
 * browser. Ctrl-C ends it.
 */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { findElectron } from './electron-files.ts'
import { ROOT } from './paths.ts'

const hasScreen = (): boolean =>
  process.platform !== 'linux' ||
  process.env['DISPLAY'] !== undefined ||
  process.env['WAYLAND_DISPLAY'] !== undefined

const electron = findElectron()
const words = process.argv.slice(2)
const windows = process.platform === 'win32'
const [program, args] =
  'missing' in electron || !hasScreen()
    ? [resolve(ROOT, windows ? 'dist/x0t.cmd' : 'dist/x0t'), ['up', '--foreground', '--console', ...words]]
    : [electron.program, [ROOT, ...words]]

const child = spawn(program, args, { stdio: 'inherit', shell: windows })
// The terminal sends Ctrl-C to both; this one only waits for the other.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal)
  })
}
child.once('error', (error) => {
  console.error(`${program} cannot be started: ${error.message}. Build it with: npm run build`)
  process.exitCode = 1
})
child.once('exit', (code) => {
  process.exitCode = code ?? 1
})
