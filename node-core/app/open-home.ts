import { takeHomeLock } from '../knowledge/home-lock.ts'
import { type Knowledge, openKnowledge } from '../knowledge/knowledge.ts'
import { finishRenewal, renewKnowledge } from '../knowledge/renew.ts'
import { setAsideStore } from '../knowledge/set-aside.ts'
import type { Clock } from '../platform/clock.ts'
import { hasCode, messageOf } from '../platform/error.ts'
import { ensureHome, type HomePaths, homePaths } from '../platform/home.ts'
import type { Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import {
  createKeystore,
  type Keystore,
  type KeystoreKind,
  type KeystoreLock,
  type KeystoreSecrets,
} from '../security/keystore.ts'
import { loadMeshFacts } from './mesh-facts.ts'

/** What every entry starts from: a home that is ours alone, and its store. */
export interface OpenHome {
  readonly paths: HomePaths
  readonly knowledge: Knowledge
  readonly keystore: Keystore
  /** Where a damaged store went that this one was begun in place of. */
  readonly setAside: string | undefined
  /** Closes the store, then lets the home go. Can be called twice. */
  close(): void
}

interface OpenHomeDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/**
 * Makes or checks the home, takes it for this process and opens its store.
 *
 * @throws FaultError HOME_UNUSABLE, HOME_IN_USE, HOME_LOCK_FAILED, or a STORE_... fault
 */
export function openHome(deps: OpenHomeDeps, home: string): OpenHome {
  const paths = homePaths(home)
  ensureHome(paths)
  const lock = takeHomeLock(deps, paths.lock)
  try {
    const { knowledge, setAside } = openStore(deps, paths.database)
    return assemble(paths, knowledge, createKeystore(deps, paths), lock, setAside)
  } catch (error) {
    lock.release()
    throw error
  }
}

/** The store, or a new one in place of a damaged one whose trust can be taken over whole. */
function openStore(deps: OpenHomeDeps, path: string): { knowledge: Knowledge; setAside: string | undefined } {
  finishRenewal(path)
  try {
    return { knowledge: openKnowledge(deps, { path }), setAside: undefined }
  } catch (error) {
    if (!hasCode(error, 'STORE_CORRUPT')) throw error
    deps.logger.error('the store is damaged', { error: messageOf(error) })
    return renewKnowledge(deps, path)
  }
}

/**
 * Opens a home in which a membership is to begin. Without a keystore, nothing in its store belongs to anybody: what an
 * attempt that broke off, or a keystore that was lost, has left there is set aside, or it would mix with the new mesh.
 *
 * @throws FaultError as `openHome`, or KEYSTORE_... for a keystore that cannot be read
 */
export async function openHomeToBegin(deps: OpenHomeDeps, home: string): Promise<OpenHome> {
  const { paths, knowledge, keystore, setAside, close } = openHome(deps, home)
  const options = { path: paths.database }
  try {
    if ((await keystore.kind()) !== undefined || isEmpty(knowledge)) {
      return { paths, knowledge, keystore, setAside, close }
    }
    knowledge.close()
    setAsideStore(deps, paths.database, 'left')
    return assemble(paths, openKnowledge(deps, options), keystore, { release: close })
  } catch (error) {
    close()
    throw error
  }
}

function assemble(
  paths: HomePaths,
  knowledge: Knowledge,
  keystore: Keystore,
  lock: { release(): void },
  setAside?: string,
): OpenHome {
  return {
    ...{ paths, knowledge, keystore, setAside },
    close() {
      knowledge.close()
      lock.release()
    },
  }
}

/** No mesh has written into it, not even the first half of one. */
const isEmpty = ({ meta, policies, certificates }: Knowledge): boolean =>
  loadMeshFacts(meta) === undefined && policies.latest() === undefined && certificates.all().length === 0

/** How a keystore is locked: by the passphrase if one was given, else by a key file beside it. */
function lockOf(passphrase: string | undefined): KeystoreLock {
  return passphrase === undefined
    ? { kind: 'keyfile' }
    : { kind: 'passphrase', passphrase: new TextEncoder().encode(passphrase) }
}

/** Runs `use` with the lock and wipes the passphrase in it afterwards. */
export async function withLock<T>(
  passphrase: string | undefined,
  use: (lock: KeystoreLock) => Promise<T>,
): Promise<T> {
  const lock = lockOf(passphrase)
  try {
    return await use(lock)
  } finally {
    if (lock.kind === 'passphrase') wipe(lock.passphrase)
  }
}

/** Opens the home's keystore; says which kind of lock it has. */
export async function openSecrets(
  keystore: Keystore,
  passphrase: string | undefined,
): Promise<{ secrets: KeystoreSecrets; kind: KeystoreKind }> {
  return withLock(passphrase, async (lock) => ({ secrets: await keystore.open(lock), kind: lock.kind }))
}
