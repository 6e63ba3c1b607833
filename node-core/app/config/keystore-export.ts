import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { createKeystore, wipeSecrets } from '../../security/keystore.ts'
import { type OpenHome, openSecrets, withLock } from '../open-home.ts'

export interface KeystoreExport {
  /**
   * The keystore sealed with a passphrase, as base64. Where the keystore has a passphrase already, it has to be that one.
   *
   * @throws FaultError KEYSTORE_...
   */
  sealed(passphrase: string): Promise<string>
}

/** Seals the node's keys for an export, through a file of the keystore's own form that only this user can read. */
export function createKeystoreExport(
  deps: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
  { paths, keystore }: Pick<OpenHome, 'paths' | 'keystore'>,
): KeystoreExport {
  return {
    async sealed(passphrase) {
      const kind = await keystore.kind()
      const { secrets } = await openSecrets(keystore, kind === 'passphrase' ? passphrase : undefined)
      // In the home, which is 0700 and on a disk that holds the keystore anyway.
      const folder = await mkdtemp(join(paths.root, '.export-'))
      try {
        const copy = createKeystore(deps, {
          keystore: join(folder, 'keystore'),
          keyFile: join(folder, 'key'),
        })
        await withLock(passphrase, (lock) => copy.create(secrets, lock))
        return (await readFile(join(folder, 'keystore'))).toString('base64')
      } finally {
        wipeSecrets(secrets)
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}
