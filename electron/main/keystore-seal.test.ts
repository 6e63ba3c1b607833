import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HomePaths, homePaths } from '../../node-core/platform/home.ts'
import { keptPassphrase, type SafeStorage } from './keystore-seal.ts'

let folder: string
let paths: HomePaths

/** Turns every byte around, which is enough to see whether the secret itself lies in the file. */
const turned = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0xff))

function keychain(backend = 'gnome_libsecret', available = true): SafeStorage {
  return {
    isEncryptionAvailable: () => available,
    encryptString: (plain) => turned(Buffer.from(plain)),
    decryptString: (sealed) => turned(sealed).toString(),
    getSelectedStorageBackend: () => backend,
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-seal-'))
  paths = homePaths(folder)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the passphrase that the system keeps', () => {
  it('is made once, lies sealed in a private file, and comes back', () => {
    const made = keptPassphrase(paths, keychain(), 'linux')
    expect(made).toMatch(/^[\w-]{43}$/)
    const file = join(folder, 'keystore.sealed')
    expect(readFileSync(file, 'utf8')).not.toContain(made)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    writeFileSync(paths.keystore, 'sealed with it')
    expect(keptPassphrase(paths, keychain(), 'linux')).toBe(made)
  })

  it.each([
    ['only hides it behind a password of its own source', keychain('basic_text'), 'linux'],
    ['does not say how it seals', keychain('unknown'), 'linux'],
    ['has no keychain', keychain('gnome_libsecret', false), 'linux'],
    ['has no keychain', keychain('', false), 'darwin'],
  ])('is none where the system %s', (_why, storage, platform) => {
    expect(keptPassphrase(paths, storage, platform)).toBeNull()
  })

  it('is none for a keystore that was made with a key file, or with a passphrase that a person knows', () => {
    writeFileSync(paths.keystore, 'of a person')
    expect(keptPassphrase(paths, keychain(), 'linux')).toBeNull()
    writeFileSync(paths.keyFile, 'key')
    expect(keptPassphrase(paths, keychain(), 'linux')).toBeNull()
  })

  it('is none when the keychain no longer opens it: a wrong one would be worse', () => {
    keptPassphrase(paths, keychain(), 'linux')
    const locked: SafeStorage = {
      ...keychain(),
      decryptString: () => {
        throw new Error('another user')
      },
    }
    expect(keptPassphrase(paths, locked, 'linux')).toBeNull()
  })
})
