/** `npm run pack`: an unpacked build of the desktop app in release/, where Electron's program is at hand. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { runNode } from './command.ts'
import { findElectron } from './electron-files.ts'
import { ROOT } from './paths.ts'

const electron = findElectron()
const system = process.platform === 'win32' ? 'win' : process.platform
const node = resolve(ROOT, `node_modules/node-${system}-${process.arch}`)

const missing = [
  ...('missing' in electron
    ? [
        `Electron's program: ${electron.missing}. Download it with: npx install-electron, or name a folder that holds it in ELECTRON_OVERRIDE_DIST_PATH.`,
      ]
    : []),
  ...['dist/electron/main.js', 'dist/electron/core.js', 'dist/node-core/node.js', 'dist/renderer/index.html']
    .filter((file) => !existsSync(resolve(ROOT, file)))
    .map((file) => `${file}. Build it with: npm run build`),
]

if (!existsSync(node)) {
  console.log(
    `Note: ${node} is not there, so the app will need a Node.js of 22.19 or newer on the machine that runs it.`,
  )
}
if ('missing' in electron || missing.length > 0) {
  console.error(`Nothing was packed. Missing:\n${missing.map((what) => `  ${what}`).join('\n')}`)
  process.exitCode = 1
} else {
  const builder = resolve(ROOT, 'node_modules/electron-builder/cli.js')
  const args = [builder, '--dir', `-c.electronDist=${electron.folder}`]
  const { code } = await runNode(args, { cwd: ROOT, stream: true })
  console.log(code === 0 ? `The unpacked app is in ${resolve(ROOT, 'release')}.` : 'electron-builder failed.')
  process.exitCode = code
}
