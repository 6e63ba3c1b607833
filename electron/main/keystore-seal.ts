/** The passphrase of a keystore, kept where the system keeps the secrets of a user. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HomePaths } from '../../node-core/platform/home.ts'

/** The part of Electron's `safeStorage` that is used here. */
export interface SafeStorage {
  isEncryptionAvailable(): boolean
  encryptString(plain: string): Buffer
  decryptString(sealed: Buffer): string
  /** On Linux alone. */
  getSelectedStorageBackend?(): string
}

/** `basic_text` seals with a password that is in Electron's own source: whoever reads the file reads the secret. */
const WORTHLESS = ['basic_text', 'unknown']

function canSeal(storage: SafeStorage, platform: string): boolean {
  if (!storage.isEncryptionAvailable()) return false
  return platform !== 'linux' || !WORTHLESS.includes(storage.getSelectedStorageBackend?.() ?? 'unknown')
}

/**
 * What opens the keystore of this home, or will seal one that is not there yet; null where the keystore has a key file, or
 * a passphrase that only a person knows, or where the system cannot seal.
 */
export function keptPassphrase(
  paths: HomePaths,
  storage: SafeStorage,
  platform: string = process.platform,
): string | null {
  if (existsSync(paths.keystore) && existsSync(paths.keyFile)) return null
  if (!canSeal(storage, platform)) return null
  const file = join(paths.root, 'keystore.sealed')
  if (existsSync(file)) return unsealed(file, storage)
  if (existsSync(paths.keystore)) return null
  const made = randomBytes(32).toString('base64url')
  writeFileSync(`${file}.new`, storage.encryptString(made), { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
  return made
}

function unsealed(file: string, storage: SafeStorage): string | null {
  try {
    return storage.decryptString(readFileSync(file))
  } catch {
    return null
  }
}
