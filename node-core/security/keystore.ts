import { mkdir, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { bytesOf, bytesUpTo, decodeStrict, encodeStrict } from './codec.ts'
import type { SecurityFault } from './faults.ts'
import { type HybridSecretSeeds, secretSeeds, wipeSeeds } from './hybrid-key.ts'
import { hideSecrets } from './redact.ts'
import {
  ARGON2_BOUNDS,
  type Argon2Cost,
  BOX_KEY_BYTES,
  BOX_NONCE_BYTES,
  DEFAULT_ARGON2_COST,
  deriveBoxKey,
  openBox,
  sealBox,
} from './secret-box.ts'
import { isMissing, readSecretFile, writeSecretFile } from './secret-file.ts'

const SALT_BYTES = 16
const MAX_KEYSTORE_BYTES = 4 * 1024

export type KeystoreKind = 'passphrase' | 'keyfile'

/** The secrets of a home. Hidden from `JSON.stringify` and `inspect`. */
export interface KeystoreSecrets {
  readonly node: HybridSecretSeeds
  /** Only in a home that holds the mesh authority. */
  readonly authority?: HybridSecretSeeds
}

/** What opens a keystore. The passphrase is UTF-8 bytes so that its owner can wipe it. */
export type KeystoreLock =
  | { readonly kind: 'passphrase'; readonly passphrase: Uint8Array }
  | { readonly kind: 'keyfile' }

export interface Keystore {
  /** How the keystore on disk is locked; `undefined` when there is none. Throws like `open` for what cannot be read. */
  kind(): Promise<KeystoreKind | undefined>
  /** Seals secrets into a new keystore. Throws KEYSTORE_EXISTS rather than overwrite one, and EMPTY_PASSPHRASE. */
  create(secrets: KeystoreSecrets, lock: KeystoreLock): Promise<void>
  /** Replaces the keystore in one step, by other secrets or under another lock. Throws KEYSTORE_MISSING. */
  replace(secrets: KeystoreSecrets, lock: KeystoreLock): Promise<void>
  /**
   * Throws KEYSTORE_MISSING, KEYSTORE_WRONG_LOCK (the other kind of lock is needed), KEYSTORE_EXPOSED (others can read a file),
   * KEYSTORE_DAMAGED (not a keystore), KEYSTORE_LOCKED (wrong passphrase or key, or a changed byte: they cannot be told apart).
   */
  open(lock: KeystoreLock): Promise<KeystoreSecrets>
}

const bounded = (bounds: { readonly min: number; readonly max: number }): z.ZodType<number> =>
  z.int().min(bounds.min).max(bounds.max)

const headerSchema = z.strictObject({
  format: z.literal('x0t-keystore'),
  v: z.literal(1),
  lock: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('passphrase'),
      salt: bytesOf(SALT_BYTES),
      memoryKiB: bounded(ARGON2_BOUNDS.memoryKiB),
      passes: bounded(ARGON2_BOUNDS.passes),
      lanes: bounded(ARGON2_BOUNDS.lanes),
    }),
    z.strictObject({ kind: z.literal('keyfile') }),
  ]),
  nonce: bytesOf(BOX_NONCE_BYTES),
})
type Header = z.infer<typeof headerSchema>

const fileSchema = z.strictObject({ header: headerSchema, sealed: bytesUpTo(MAX_KEYSTORE_BYTES) })

/** The sealed plain text: a version byte, then 64 bytes of seeds for the node and, if it is there, for the authority. */
const PLAIN_VERSION = 1
const SEEDS_BYTES = 64

/** Makes the secrets of a home from seeds; both are hidden from whatever walks objects. */
export function keystoreSecrets(node: HybridSecretSeeds, authority?: HybridSecretSeeds): KeystoreSecrets {
  return authority === undefined
    ? hideSecrets('keystore secrets', { node }, ['node'])
    : hideSecrets('keystore secrets', { node, authority }, ['node', 'authority'])
}

export function wipeSecrets(secrets: KeystoreSecrets | undefined): void {
  wipeSeeds(secrets?.node)
  wipeSeeds(secrets?.authority)
}

/** `paths.keystore` is the sealed file; `paths.keyFile` lies beside it when there is no passphrase. */
export function createKeystore(
  deps: { readonly random: Random },
  paths: { readonly keystore: string; readonly keyFile: string },
  options: { readonly argon2?: Argon2Cost } = {},
): Keystore {
  const cost = options.argon2 ?? DEFAULT_ARGON2_COST
  const path = paths.keystore

  async function read(): Promise<{ header: Header; sealed: Uint8Array } | undefined> {
    const bytes = await readSecretFile(path, MAX_KEYSTORE_BYTES)
    if (bytes === undefined) return undefined
    const file = decodeStrict(fileSchema, bytes, MAX_KEYSTORE_BYTES)
    if (file === undefined) throw damaged(path)
    return file
  }

  async function write(
    secrets: KeystoreSecrets,
    lock: KeystoreLock,
    before: Header | undefined,
  ): Promise<void> {
    if (lock.kind === 'passphrase' && lock.passphrase.length === 0) throw emptyPassphrase()
    const header = newHeader(deps.random, lock.kind, cost)
    const key =
      lock.kind === 'passphrase' ? await passphraseKey(header, lock.passphrase) : await ownKeyFile(before)
    const plain = plainOf(secrets)
    try {
      const sealed = sealBox(key, header.nonce, encodeStrict(header), plain)
      await writeSecretFile(deps, path, encodeStrict({ header, sealed }))
      if (lock.kind === 'passphrase') await removeIfThere(paths.keyFile)
    } finally {
      wipe(key, plain)
    }
  }

  /** The key must be on disk before the keystore that needs it, and one that the present keystore needs is never replaced. */
  async function ownKeyFile(before: Header | undefined): Promise<Uint8Array> {
    if (before?.lock.kind === 'keyfile') return readKeyFile()
    const key = deps.random.bytes(BOX_KEY_BYTES)
    await writeSecretFile(deps, paths.keyFile, key)
    return key
  }

  async function readKeyFile(): Promise<Uint8Array> {
    const key = await readSecretFile(paths.keyFile, BOX_KEY_BYTES)
    if (key === undefined) throw missingKeyFile(paths.keyFile)
    if (key.length !== BOX_KEY_BYTES) throw damaged(paths.keyFile)
    return key
  }

  async function keyFor(header: Header, lock: KeystoreLock): Promise<Uint8Array> {
    if (header.lock.kind !== lock.kind) throw wrongLock(path, header.lock.kind)
    return lock.kind === 'passphrase' ? passphraseKey(header, lock.passphrase) : readKeyFile()
  }

  return {
    kind: async () => (await read())?.header.lock.kind,
    async create(secrets, lock) {
      if ((await readSecretFile(path, MAX_KEYSTORE_BYTES)) !== undefined) throw exists(path)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await write(secrets, lock, undefined)
    },
    async replace(secrets, lock) {
      const file = await read()
      if (file === undefined) throw missing(path)
      await write(secrets, lock, file.header)
    },
    async open(lock) {
      const file = await read()
      if (file === undefined) throw missing(path)
      const key = await keyFor(file.header, lock)
      const plain = openBox(key, file.header.nonce, encodeStrict(file.header), file.sealed)
      wipe(key)
      if (plain === undefined) throw locked(path, lock.kind)
      return secretsOf(plain, path)
    },
  }
}

/** Not CBOR: encoders leave copies of what they write, and these bytes must be wiped to the last one. */
function plainOf(secrets: KeystoreSecrets): Uint8Array {
  const { node, authority } = secrets
  const parts = [
    node.ed25519,
    node.mldsa,
    ...(authority === undefined ? [] : [authority.ed25519, authority.mldsa]),
  ]
  const plain = new Uint8Array(1 + parts.length * (SEEDS_BYTES / 2))
  plain[0] = PLAIN_VERSION
  for (const [index, part] of parts.entries()) plain.set(part, 1 + index * (SEEDS_BYTES / 2))
  return plain
}

/** Copies the seeds out of the opened box and wipes it. */
function secretsOf(plain: Uint8Array, path: string): KeystoreSecrets {
  try {
    const pairs = (plain.length - 1) / SEEDS_BYTES
    if (plain[0] !== PLAIN_VERSION || (pairs !== 1 && pairs !== 2)) throw damaged(path)
    const take = (at: number): HybridSecretSeeds =>
      secretSeeds(plain.subarray(at, at + 32), plain.subarray(at + 32, at + SEEDS_BYTES))
    return keystoreSecrets(take(1), pairs === 2 ? take(1 + SEEDS_BYTES) : undefined)
  } finally {
    wipe(plain)
  }
}

function newHeader(random: Random, kind: KeystoreKind, cost: Argon2Cost): Header {
  const lock: Header['lock'] =
    kind === 'keyfile' ? { kind } : { kind, salt: random.bytes(SALT_BYTES), ...cost }
  return { format: 'x0t-keystore', v: 1, lock, nonce: random.bytes(BOX_NONCE_BYTES) }
}

async function passphraseKey(header: Header, passphrase: Uint8Array): Promise<Uint8Array> {
  if (header.lock.kind !== 'passphrase') throw new TypeError('a key file needs no passphrase')
  const { salt, memoryKiB, passes, lanes } = header.lock
  return deriveBoxKey(passphrase, salt, { memoryKiB, passes, lanes })
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

const emptyPassphrase = (): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>({ code: 'EMPTY_PASSPHRASE' }, 'the passphrase is empty', {
    hint: 'Give one of at least a few words, or none at all: then a key file is made beside the keystore.',
  })

const damaged = (path: string): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>({ code: 'KEYSTORE_DAMAGED', path }, `${path} is damaged or not a keystore`, {
    hint: 'Restore the home from a backup, or join the mesh anew with a new home.',
  })

const missing = (path: string): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>({ code: 'KEYSTORE_MISSING', path }, `there is no ${path}`, {
    hint: 'Make a mesh with `x0t init`, or join one with `x0t join`; or give the right --home.',
  })

const missingKeyFile = (path: string): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>({ code: 'KEYSTORE_MISSING', path }, `the key file ${path} is gone`, {
    hint: 'Restore it from a backup: nothing else opens the keystore beside it.',
  })

const exists = (path: string): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>({ code: 'KEYSTORE_EXISTS', path }, `there is a keystore at ${path} already`, {
    hint: 'Use another --home, or `x0t leave` first.',
  })

const wrongLock = (path: string, needs: KeystoreKind): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>(
    { code: 'KEYSTORE_WRONG_LOCK', path, needs },
    needs === 'passphrase' ? `${path} is locked by a passphrase` : `${path} is locked by a key file`,
    {
      hint:
        needs === 'passphrase'
          ? 'Give it with --passphrase-file, X0T_PASSPHRASE_FILE or at the prompt.'
          : 'Run without a passphrase: the key file lies beside it.',
    },
  )

const locked = (path: string, kind: KeystoreKind): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>(
    { code: 'KEYSTORE_LOCKED', path },
    kind === 'passphrase'
      ? `${path} does not open: the passphrase is wrong, or the file was changed`
      : `${path} does not open: the key file is not its own, or a file was changed`,
    { hint: 'Check the passphrase or the key file; if it is right, restore the home from a backup.' },
  )
