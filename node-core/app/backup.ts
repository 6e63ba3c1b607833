import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { copyStore } from '../knowledge/copy.ts'
import { takeHomeLock } from '../knowledge/home-lock.ts'
import { type Knowledge, openKnowledge } from '../knowledge/knowledge.ts'
import { setAsideStore } from '../knowledge/set-aside.ts'
import { loadLine, saveLine } from '../mesh/membership/authority-book.ts'
import type { Clock } from '../platform/clock.ts'
import { FaultError } from '../platform/error.ts'
import { ensureHome, type HomePaths, homePaths } from '../platform/home.ts'
import type { Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { decodeAuditEntry } from '../security/audit-entry.ts'
import { type BackupAbout, MAX_BACKUP_BYTES, openBackup, sealBackup } from '../security/backup-file.ts'
import { createIdentity } from '../security/identity.ts'
import { createKeystore, type KeystoreKind, wipeSecrets } from '../security/keystore.ts'
import { readSecretFile, writeSecretFile } from '../security/secret-file.ts'
import { loadMeshFacts, noMesh } from './mesh-facts.ts'
import { openSecrets, withLock } from './open-home.ts'
import { markRestored } from './restored.ts'

interface Deps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export type BackupFault =
  | { code: 'FILE_EXISTS'; path: string }
  | { code: 'NO_BACKUP'; path: string }
  | { code: 'OTHER_NODE'; home: string }

export interface SealedFile {
  readonly path: string
  readonly passphrase: string
}

/** Seals all that the node of a home is into one file, also while it runs. Series of samples are not in it. */
export async function backUp(
  deps: Deps,
  home: string,
  passphrase: string | undefined,
  file: SealedFile,
): Promise<BackupAbout & { readonly sizeBytes: number; readonly authority: boolean }> {
  const paths = homePaths(home)
  if (existsSync(file.path)) throw fileExists(file.path)
  const keystore = createKeystore(deps, paths)
  if (!existsSync(paths.database) || (await keystore.kind()) === undefined) throw noMesh(paths.root)
  const { secrets } = await openSecrets(keystore, passphrase)
  const identity = createIdentity(secrets.node)
  const key = new TextEncoder().encode(file.passphrase)
  try {
    const database = copyStore(paths.database, `${paths.database}.backup`)
    const { facts } = factsOf(deps, paths, database)
    const about: BackupAbout = {
      ...{ meshId: facts.meshId, meshName: facts.name.slice(0, 63), node: facts.nodeName },
      ...{ peerId: identity.peerId, at: deps.clock.now() },
    }
    const config = existsSync(paths.config) ? readFileSync(paths.config, 'utf8') : null
    const bytes = await sealBackup(deps, about, { secrets, database, config }, key)
    await writeSecretFile(deps, file.path, bytes)
    return { ...about, sizeBytes: bytes.length, authority: secrets.authority !== undefined }
  } finally {
    wipe(key)
    identity.wipe()
    wipeSecrets(secrets)
  }
}

/** Reads a copy of a store: the facts of its mesh. A copy is worked on, never the store that a node may have open. */
function factsOf(deps: Deps, paths: HomePaths, database: Uint8Array) {
  const path = `${paths.database}.look`
  writeFileSync(path, database, { mode: 0o600 })
  try {
    const knowledge = openKnowledge(deps, { path })
    const facts = loadMeshFacts(knowledge.meta)
    knowledge.close()
    if (facts === undefined) throw noMesh(paths.root)
    return { facts }
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
  }
}

export interface RestoreOptions {
  readonly file: SealedFile
  /** Of the keystore from now on; a key file without it. */
  readonly passphrase: string | undefined
  /** Nobody is left who could say what happened since: what the backup says of who belongs to the mesh counts. */
  readonly trustBackup: boolean
}

/**
 * Makes a home the node of a backup: an empty one, or the home of the same node. What that knows of revocations, policies
 * and time is taken over, so that it never goes back behind them; what only other members know is waited for at the next
 * start, see restored.ts.
 *
 * @throws FaultError NO_BACKUP, OTHER_NODE, KEYSTORE_LOCKED, KEYSTORE_DAMAGED, HOME_..., STORE_...
 */
export async function restore(
  deps: Deps,
  home: string,
  { file, passphrase, trustBackup }: RestoreOptions,
): Promise<BackupAbout & { readonly keystore: KeystoreKind; readonly setAside: string | null }> {
  const paths = homePaths(home)
  const bytes = await readSecretFile(file.path, MAX_BACKUP_BYTES)
  if (bytes === undefined) throw noBackup(file.path)
  const key = new TextEncoder().encode(file.passphrase)
  const { about, content } = await openBackup(file.path, bytes, key).finally(() => wipe(key))
  try {
    ensureHome(paths)
    const lock = takeHomeLock(deps, paths.lock)
    try {
      const setAside = putStore(deps, paths, about, { database: content.database, trustBackup })
      const keystore = createKeystore(deps, paths)
      const kind = await withLock(passphrase, async (sealed) => {
        const isThere = (await keystore.kind()) !== undefined
        await (isThere ? keystore.replace(content.secrets, sealed) : keystore.create(content.secrets, sealed))
        return sealed.kind
      })
      if (content.config !== null && !existsSync(paths.config)) {
        writeFileSync(paths.config, content.config, { mode: 0o600 })
      }
      return { ...about, keystore: kind, setAside: setAside ?? null }
    } finally {
      lock.release()
    }
  } finally {
    wipeSecrets(content.secrets)
  }
}

/** Puts the store of a backup into a home. Returns where the one went that was there. */
function putStore(
  deps: Deps,
  paths: HomePaths,
  about: BackupAbout,
  { database, trustBackup }: { readonly database: Uint8Array; readonly trustBackup: boolean },
): string | undefined {
  const path = `${paths.database}.restored`
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
  writeFileSync(path, database, { mode: 0o600 })
  const next = openKnowledge(deps, { path })
  const present = existsSync(paths.database) ? openKnowledge(deps, { path: paths.database }) : undefined
  try {
    const there = present && loadMeshFacts(present.meta)
    if (present !== undefined && there !== undefined) {
      if (there.meshId !== about.meshId || there.nodeName !== about.node) throw otherNode(paths.root)
      next.atomic(() => keepAhead(next, present))
    }
    if (!trustBackup) markRestored(next.meta, deps.clock.now())
  } finally {
    present?.close()
    // Closing the last connection writes the log into the file.
    next.close()
  }
  const setAside = present === undefined ? undefined : setAsideStore(deps, paths.database, 'left')
  renameSync(path, paths.database)
  return setAside
}

/** Marks that only ever rise. */
const RISING = ['clock-floor', 'incarnation'] as const

/** What the home knows beyond the backup of who is out, which policy counts and how late it is. */
function keepAhead(next: Knowledge, present: Knowledge): void {
  for (const row of present.revocations.all()) next.revocations.append(row)
  for (const row of present.heads.all()) next.heads.put(row)
  for (const row of [...present.policies.history(500)].reverse()) next.policies.append(row)
  const known = new Map(next.certificates.all().map((row) => [`${row.peer} ${row.rank}`, row]))
  for (const row of present.certificates.all()) {
    if (row.generation > (known.get(`${row.peer} ${row.rank}`)?.generation ?? 0)) next.certificates.put(row)
    for (const held of present.heldAuditHeads.of(row.peer)) next.heldAuditHeads.put(held)
  }
  keepNewerLine(next, present)
  continueAudit(next, present)
  for (const key of RISING) {
    const [one, other] = [Number(next.meta.get(key) ?? 0), Number(present.meta.get(key) ?? 0)]
    if (other > one) next.meta.set(key, String(other))
  }
}

/** Who replaced the authority since the backup was made: a key that was replaced never counts again. */
function keepNewerLine(next: Knowledge, present: Knowledge): void {
  const facts = loadMeshFacts(present.meta)
  if (facts === undefined) return
  const anchor = { meshId: facts.meshId, publicKey: facts.authority }
  const [then, now] = [loadLine(next.meta, anchor), loadLine(present.meta, anchor)]
  if (now !== undefined && now.successors.length > (then?.successors.length ?? 0)) saveLine(next.meta, now)
}

/** The log of the home, where it goes on from the one in the backup: nothing of it is lost then. */
function continueAudit({ audit }: Knowledge, { audit: there }: Knowledge): void {
  const last = audit.last()
  const same = last && there.get(last.seq)
  const head = there.head()
  if (last === undefined || same === undefined || head === undefined) return
  if (!Buffer.from(same.entry).equals(last.entry)) return
  for (let after = last.seq; ; ) {
    const rows = there.after(after, 500)
    for (const row of rows) {
      const entry = decodeAuditEntry(row.entry)
      if (entry === undefined) return
      const { at, operation, actor, correlation } = entry
      audit.append(
        { ...row, at, operation, actor: `${actor.kind} ${actor.name}`, correlation },
        head,
        undefined,
      )
      after = row.seq
    }
    if (rows.length === 0) return
  }
}

const fileExists = (path: string): FaultError<BackupFault> =>
  new FaultError<BackupFault>({ code: 'FILE_EXISTS', path }, `there is a file ${path} already`, {
    hint: 'Name another one: a backup is never written over.',
  })
const noBackup = (path: string): FaultError<BackupFault> =>
  new FaultError<BackupFault>({ code: 'NO_BACKUP', path }, `there is no file ${path}`, {
    hint: 'Give the file that x0t backup has written.',
  })
const otherNode = (home: string): FaultError<BackupFault> =>
  new FaultError<BackupFault>({ code: 'OTHER_NODE', home }, `${home} is the home of another node or mesh`, {
    hint: 'Restore into an empty --home.',
  })
