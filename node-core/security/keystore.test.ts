import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { hasCode } from '../platform/error.ts'
import { systemRandom } from '../platform/random.ts'
import { decodeStrict, encodeStrict } from './codec.ts'
import { generateSeeds } from './hybrid-key.ts'
import {
  createKeystore,
  type KeystoreLock,
  type KeystoreSecrets,
  keystoreSecrets,
  wipeSecrets,
} from './keystore.ts'

const CHEAP = { argon2: { memoryKiB: 8 * 1024, passes: 1, lanes: 4 } }
const KEY_FILE: KeystoreLock = { kind: 'keyfile' }
const phrase = (text: string): KeystoreLock => ({
  kind: 'passphrase',
  passphrase: new TextEncoder().encode(text),
})
const RIGHT = phrase('correct horse battery staple')

let dir: string
let paths: { keystore: string; keyFile: string }
let secrets: KeystoreSecrets

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'x0t-keystore-'))
  paths = { keystore: join(dir, 'keystore.x0t'), keyFile: join(dir, 'keystore.key') }
  secrets = keystoreSecrets(generateSeeds(systemRandom), generateSeeds(systemRandom))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const keystore = () => createKeystore({ random: systemRandom }, paths, CHEAP)
const plain = ({ node, authority }: KeystoreSecrets) =>
  [node, authority].map(
    (seeds) => seeds && [seeds.ed25519, seeds.mldsa].map((seed) => Buffer.from(seed).toString('hex')),
  )
const modeOf = (path: string): number => statSync(path).mode & 0o777

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}

describe.each<[string, KeystoreLock]>([
  ['a passphrase', RIGHT],
  ['a key file', KEY_FILE],
])('a keystore under %s', (_name, lock) => {
  it('gives back the secrets, with and without an authority', async () => {
    await keystore().create(secrets, lock)
    expect(plain(await keystore().open(lock))).toEqual(plain(secrets))
    expect(await keystore().kind()).toBe(lock.kind)
    const alone = keystoreSecrets(secrets.node)
    await keystore().replace(alone, lock)
    expect(plain(await keystore().open(lock))).toEqual(plain(alone))
  })

  it('is mode 0600 whatever the umask, and leaves nothing else behind', async () => {
    const before = process.umask(0)
    try {
      await keystore().create(secrets, lock)
    } finally {
      process.umask(before)
    }
    expect(modeOf(paths.keystore)).toBe(0o600)
    const files = lock.kind === 'keyfile' ? ['keystore.key', 'keystore.x0t'] : ['keystore.x0t']
    expect(readdirSync(dir).sort()).toEqual(files)
    if (lock.kind === 'keyfile') expect(modeOf(paths.keyFile)).toBe(0o600)
  })

  it('holds no secret in the clear', async () => {
    await keystore().create(secrets, lock)
    const bytes = readFileSync(paths.keystore)
    for (const seed of plain(secrets).flat()) {
      expect(seed).toHaveLength(64)
      expect(bytes.includes(Buffer.from(seed ?? '', 'hex'))).toBe(false)
    }
  })

  it('does not open with any of its bytes changed', async () => {
    await keystore().create(keystoreSecrets(secrets.node), lock)
    const bytes = readFileSync(paths.keystore)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      writeFileSync(paths.keystore, changed)
      const error = await failure(keystore().open(lock))
      const refused = hasCode(error, 'KEYSTORE_LOCKED', 'KEYSTORE_DAMAGED', 'KEYSTORE_WRONG_LOCK')
      expect(refused, `byte ${at}: ${inspect(error)}`).toBe(true)
    }
  })

  it('is called damaged when it is cut short at any length', async () => {
    await keystore().create(secrets, lock)
    const bytes = readFileSync(paths.keystore)
    for (let length = 0; length < bytes.length; length += 3) {
      writeFileSync(paths.keystore, bytes.subarray(0, length))
      expect(await failure(keystore().open(lock))).toMatchObject({ code: 'KEYSTORE_DAMAGED' })
    }
  })

  it('is never overwritten by create', async () => {
    await keystore().create(secrets, lock)
    const bytes = readFileSync(paths.keystore)
    expect(await failure(keystore().create(secrets, lock))).toMatchObject({ code: 'KEYSTORE_EXISTS' })
    expect(readFileSync(paths.keystore)).toEqual(bytes)
  })

  it.each([0o640, 0o604, 0o622, 0o666])(
    'is refused with mode %o, with a hint that says what to do',
    async (mode) => {
      await keystore().create(secrets, lock)
      for (const path of lock.kind === 'keyfile' ? [paths.keystore, paths.keyFile] : [paths.keystore]) {
        chmodSync(path, mode)
        const error = await failure(keystore().open(lock))
        expect(error).toMatchObject({
          code: 'KEYSTORE_EXPOSED',
          hint: expect.stringContaining(`chmod 600 '${path}'`),
        })
        chmodSync(path, 0o600)
      }
      await expect(keystore().open(lock)).resolves.toBeDefined()
    },
  )

  it('keeps its secrets out of what is printed and out of every error', async () => {
    await keystore().create(secrets, lock)
    const opened = await keystore().open(lock)
    const wrong = phrase('wrong horse')
    const errors = [
      await failure(keystore().open(wrong)),
      await failure(keystore().create(secrets, lock)),
      await failure(createKeystore({ random: systemRandom }, { ...paths, keystore: dir }, CHEAP).open(lock)),
    ]
    const shown = [opened, secrets, { ...secrets }, errors]
      .flatMap((each) => [inspect(each, { depth: 9 }), JSON.stringify(each)])
      .concat(errors.map((error) => String(error)))
      .join('\n')
    for (const seed of [
      secrets.node.ed25519,
      secrets.node.mldsa,
      secrets.authority?.ed25519 ?? new Uint8Array(),
    ]) {
      expect(shown).not.toContain(Buffer.from(seed).toString('hex').slice(0, 12))
      expect(shown).not.toContain([...seed.subarray(0, 5)].join(', '))
      expect(shown).not.toContain([...seed.subarray(0, 5)].join(','))
      expect(shown).not.toContain(`"0":${seed[0]},"1":${seed[1]}`)
    }
    for (const word of ['correct horse', 'wrong horse']) {
      expect(shown).not.toContain(word)
      expect(shown).not.toContain([...Buffer.from(word)].join(', '))
    }
  })

  it('is wiped in memory when asked', async () => {
    await keystore().create(secrets, lock)
    const opened = await keystore().open(lock)
    wipeSecrets(opened)
    expect(
      plain(opened)
        .flat()
        .every((seed) => /^0+$/.test(seed ?? '')),
    ).toBe(true)
  })
})

describe('a keystore', () => {
  it('says what is wrong: missing, wrong passphrase, wrong kind of lock', async () => {
    expect(await keystore().kind()).toBeUndefined()
    expect(await failure(keystore().open(RIGHT))).toMatchObject({ code: 'KEYSTORE_MISSING' })
    expect(await failure(keystore().replace(secrets, RIGHT))).toMatchObject({ code: 'KEYSTORE_MISSING' })
    expect(await failure(keystore().create(secrets, phrase('')))).toMatchObject({ code: 'EMPTY_PASSPHRASE' })
    await keystore().create(secrets, RIGHT)
    expect(await failure(keystore().open(phrase('wrong')))).toMatchObject({ code: 'KEYSTORE_LOCKED' })
    expect(await failure(keystore().open(phrase('')))).toMatchObject({ code: 'KEYSTORE_LOCKED' })
    expect(await failure(keystore().open(KEY_FILE))).toMatchObject({
      fault: { code: 'KEYSTORE_WRONG_LOCK', path: paths.keystore, needs: 'passphrase' },
      hint: expect.stringContaining('--passphrase-file'),
    })
  })

  it('says so when the key file is gone, short or another one', async () => {
    await keystore().create(secrets, KEY_FILE)
    const key = readFileSync(paths.keyFile)
    for (const [bytes, code] of [
      [key.subarray(1), 'KEYSTORE_DAMAGED'],
      [Buffer.concat([key, key]), 'KEYSTORE_DAMAGED'],
      [Buffer.alloc(32, 1), 'KEYSTORE_LOCKED'],
    ] as const) {
      writeFileSync(paths.keyFile, bytes)
      expect(await failure(keystore().open(KEY_FILE))).toMatchObject({ code })
    }
    rmSync(paths.keyFile)
    expect(await failure(keystore().open(KEY_FILE))).toMatchObject({
      code: 'KEYSTORE_MISSING',
      hint: expect.any(String),
    })
  })

  it('cannot make its opener spend memory or time without bound', async () => {
    await keystore().create(secrets, RIGHT)
    const parsed = decodeStrict(
      z.looseObject({ header: z.looseObject({ lock: z.looseObject({}) }) }),
      readFileSync(paths.keystore),
      4096,
    )
    if (parsed === undefined) throw new Error('the keystore does not parse')
    const hostile = [
      { memoryKiB: 64 * 1024 * 1024 },
      { memoryKiB: 257 * 1024 },
      { memoryKiB: 8 },
      { passes: 1_000_000 },
      { passes: 0 },
      { lanes: 4_096 },
      { memoryKiB: -1 },
    ]
    for (const cost of hostile) {
      const lock = { ...parsed.header.lock, ...cost }
      writeFileSync(paths.keystore, encodeStrict({ ...parsed, header: { ...parsed.header, lock } }))
      const started = performance.now()
      expect(await failure(keystore().open(RIGHT))).toMatchObject({ code: 'KEYSTORE_DAMAGED' })
      expect(performance.now() - started).toBeLessThan(1_000)
    }
    writeFileSync(paths.keystore, Buffer.alloc(10_000_000))
    expect(await failure(keystore().open(RIGHT))).toMatchObject({
      code: 'KEYSTORE_DAMAGED',
      message: expect.stringContaining('larger than'),
    })
  })

  it('changes its lock: from key file to passphrase the key goes, and back comes another', async () => {
    await keystore().create(secrets, KEY_FILE)
    const key = readFileSync(paths.keyFile)
    await keystore().replace(secrets, RIGHT)
    expect(existsSync(paths.keyFile)).toBe(false)
    expect(plain(await keystore().open(RIGHT))).toEqual(plain(secrets))
    await keystore().replace(secrets, KEY_FILE)
    expect(readFileSync(paths.keyFile)).not.toEqual(key)
    expect(plain(await keystore().open(KEY_FILE))).toEqual(plain(secrets))
  })

  it('keeps its key file when it is replaced under it: a crash between the two files must not lose both', async () => {
    await keystore().create(secrets, KEY_FILE)
    const [key, sealed] = [readFileSync(paths.keyFile), readFileSync(paths.keystore)]
    await keystore().replace(keystoreSecrets(secrets.node), KEY_FILE)
    expect(readFileSync(paths.keyFile)).toEqual(key)
    writeFileSync(paths.keystore, sealed)
    expect(plain(await keystore().open(KEY_FILE))).toEqual(plain(secrets))
  })

  it('is not touched when the new one cannot be written', async () => {
    await keystore().create(secrets, RIGHT)
    const before = readFileSync(paths.keystore)
    const failing = {
      bytes: () => {
        throw new Error('no randomness')
      },
      unit: () => 0,
    }
    await failure(
      createKeystore({ random: failing }, paths, CHEAP).replace(keystoreSecrets(secrets.node), RIGHT),
    )
    expect(readFileSync(paths.keystore)).toEqual(before)
    expect(readdirSync(dir)).toEqual(['keystore.x0t'])
  })

  it('is read through no symbolic link, and from no pipe', async () => {
    await keystore().create(secrets, RIGHT)
    const link = join(dir, 'link.x0t')
    symlinkSync(paths.keystore, link)
    const linked = createKeystore({ random: systemRandom }, { ...paths, keystore: link }, CHEAP)
    expect(await failure(linked.open(RIGHT))).toMatchObject({ code: 'KEYSTORE_UNREADABLE' })
    const pipe = join(dir, 'pipe.x0t')
    execFileSync('mkfifo', ['-m', '600', pipe])
    const piped = createKeystore({ random: systemRandom }, { ...paths, keystore: pipe }, CHEAP)
    expect(await failure(piped.open(RIGHT))).toMatchObject({ code: 'KEYSTORE_UNREADABLE' })
  }, 5_000)
})
