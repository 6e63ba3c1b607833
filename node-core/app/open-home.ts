import { takeHomeLock } from '../knowledge/home-lock.ts'
import { type Knowledge, openKnowledge } from '../knowledge/knowledge.ts'
import { setAsideStore } from '../knowledge/set-aside.ts'
import type { Clock } from '../platform/clock.ts'
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
    const knowledge = openKnowledge(deps, { path: paths.database })
    return assemble(paths, knowledge, createKeystore(deps, paths), lock)
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * Opens a home in which a membership is to begin. Without a keystore, nothing in its store belongs to anybody: what an
 * attempt that broke off, or a keystore that was lost, has left there is set aside, or it would mix with the new mesh.
 *
 * @throws FaultError as `openHome`, or KEYSTORE_... for a keystore that cannot be read
 */
export async function openHomeToBegin(deps: OpenHomeDeps, home: string): Promise<OpenHome> {
  const { paths, knowledge, keystore, close } = openHome(deps, home)
  const options = { path: paths.database }
  try {
    if ((await keystore.kind()) !== undefined || isEmpty(knowledge)) {
      return { paths, knowledge, keystore, close }
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
): OpenHome {
  return {
    ...{ paths, knowledge, keystore },
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
