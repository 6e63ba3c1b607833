/**
 * `npm start`: the desktop app where Electron and a screen are there, else the node of this user with its console in the
 * browser. Ctrl-C ends it.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ROOT } from './paths.ts'

/** Electron's own program. Loading the package would download it, so its files are looked for. */
function electronProgram(): string | undefined {
  const folder = resolve(ROOT, 'node_modules/electron')
  const named = process.env['ELECTRON_OVERRIDE_DIST_PATH']
  try {
    const path = readFileSync(resolve(folder, 'path.txt'), 'utf8').trim()
    const program = resolve(named ?? resolve(folder, 'dist'), path)
    return existsSync(program) ? program : undefined
  } catch {
    return undefined
  }
}

const hasScreen = (): boolean =>
  process.platform !== 'linux' ||
  process.env['DISPLAY'] !== undefined ||
  process.env['WAYLAND_DISPLAY'] !== undefined

const electron = hasScreen() ? electronProgram() : undefined
const words = process.argv.slice(2)
const windows = process.platform === 'win32'
const [program, args] =
  electron === undefined
    ? [resolve(ROOT, windows ? 'dist/x0t.cmd' : 'dist/x0t'), ['up', '--foreground', '--console', ...words]]
    : [electron, [resolve(ROOT, 'dist/electron/main.js'), ...words]]

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
