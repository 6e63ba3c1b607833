import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findElectron } from './electron-files.ts'
import { ROOT } from './paths.ts'

describe("Electron's program", () => {
  it('is looked for where a person says, before the place of the package', () => {
    const found = findElectron({ ELECTRON_OVERRIDE_DIST_PATH: '/opt/electron' }, 'linux', () => true)
    expect(found).toEqual({ folder: '/opt/electron', program: '/opt/electron/electron' })
    expect(findElectron({}, 'linux', () => true)).toEqual({
      folder: resolve(ROOT, 'node_modules/electron/dist'),
      program: resolve(ROOT, 'node_modules/electron/dist/electron'),
    })
  })

  it('has another name on each system, and is named when it is not there', () => {
    const missing = (platform: string) =>
      findElectron({ ELECTRON_OVERRIDE_DIST_PATH: '/e' }, platform, () => false)
    expect(missing('win32')).toEqual({ missing: resolve('/e/electron.exe') })
    expect(missing('darwin')).toEqual({ missing: '/e/Electron.app/Contents/MacOS/Electron' })
  })
})
