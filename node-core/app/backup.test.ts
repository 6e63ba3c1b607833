import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { seededRandom } from '../../tests/helpers/security-world.ts'
import { nodeNameSchema } from '../contract/schemas.ts'
import { homePaths } from '../platform/home.ts'
import { silentLogger } from '../platform/logger.ts'
import { createIdentity } from '../security/identity.ts'
import { wipeSecrets } from '../security/keystore.ts'
import { createAuditLog } from './audit/audit-log.ts'
import { backUp, restore, type SealedFile } from './backup.ts'
import { createHealthBoard } from './health-board.ts'
import { initMesh } from './init-mesh.ts'
import { loadMeshFacts } from './mesh-facts.ts'
import { type OpenHome, openHome, openHomeToBegin, openSecrets } from './open-home.ts'
import { createCatchingUp } from './restored.ts'

const deps = { clock: createManualClock(), random: seededRandom(4), logger: silentLogger }
const LAPTOP = nodeNameSchema.parse('laptop')

let dir: string
let file: SealedFile
let home: OpenHome
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'x0t-backup-'))
  file = { path: join(dir, 'laptop.backup'), passphrase: 'three words and 7' }
  home = await openHomeToBegin(deps, join(dir, 'home'))
  await found(home)
})
afterEach(() => {
  home.close()
  rmSync(dir, { recursive: true })
})

const found = (at: OpenHome) =>
  initMesh(deps, at, { mesh: 'home', name: LAPTOP, passphrase: undefined, certificateLifeMs: 604_800_000 })

async function auditOf(at: OpenHome) {
  const { secrets } = await openSecrets(at.keystore, undefined)
  const identity = createIdentity(secrets.node)
  wipeSecrets(secrets)
  const meshId = loadMeshFacts(at.knowledge.meta)?.meshId
  if (meshId === undefined) throw new Error('the home has a mesh')
  const log = createAuditLog({ ...deps, knowledge: at.knowledge, identity }, { meshId, nodeName: LAPTOP })
  await log.start()
  return { log, peer: identity.peerId }
}

const revocation = (seq: number) => ({
  ...{ issuer: 'authority', seq, hash: String(seq).padStart(64, '0'), entry: Uint8Array.of(seq) },
  subject: home.knowledge.certificates.all()[0]?.peer ?? ('' as never),
})

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}

const restored = (at: string, trustBackup = false) =>
  restore(deps, at, { file, passphrase: undefined, trustBackup })

describe('a backup', () => {
  it('is made while the node runs, and makes an empty home the same node', async () => {
    writeFileSync(home.paths.config, 'log:\n  level: debug\n')
    const { peer } = await auditOf(home)
    const made = await backUp(deps, home.paths.root, undefined, file)
    expect(made).toMatchObject({ node: 'laptop', meshName: 'home', peerId: peer, authority: true })
    expect(statSync(file.path).mode & 0o777).toBe(0o600)
    // Neither the store nor the settings can be read in it.
    expect(readFileSync(file.path).includes('SQLite format')).toBe(false)
    expect(readFileSync(file.path).includes('level: debug')).toBe(false)
    expect(await codeOf(backUp(deps, home.paths.root, undefined, file))).toBe('FILE_EXISTS')

    const root = join(dir, 'other')
    expect(await restored(root)).toMatchObject({ peerId: peer, keystore: 'keyfile', setAside: null })
    expect(readFileSync(homePaths(root).config, 'utf8')).toBe('log:\n  level: debug\n')
    const other = openHome(deps, root)
    expect(loadMeshFacts(other.knowledge.meta)).toEqual(loadMeshFacts(home.knowledge.meta))
    expect((await auditOf(other)).peer).toBe(peer)
    const { secrets } = await openSecrets(other.keystore, undefined)
    expect(secrets.authority).toBeDefined()
    wipeSecrets(secrets)
    other.close()
    expect(existsSync(`${home.paths.database}.backup`)).toBe(false)
  })

  it('opens with its passphrase alone, and no byte of it can be changed', async () => {
    await backUp(deps, home.paths.root, undefined, file)
    const root = join(dir, 'other')
    const wrong = {
      file: { ...file, passphrase: 'something else' },
      passphrase: undefined,
      trustBackup: false,
    }
    expect(await codeOf(restore(deps, root, wrong))).toBe('KEYSTORE_LOCKED')
    const bytes = readFileSync(file.path)
    bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1
    writeFileSync(file.path, bytes)
    expect(await codeOf(restored(root))).toBe('KEYSTORE_LOCKED')
    writeFileSync(file.path, bytes.subarray(1))
    expect(await codeOf(restored(root))).toBe('KEYSTORE_DAMAGED')
    expect(existsSync(homePaths(root).keystore)).toBe(false)
  })

  it('never takes its home back behind what that has seen meanwhile', async () => {
    const { log } = await auditOf(home)
    home.knowledge.revocations.append(revocation(1))
    home.knowledge.meta.set('clock-floor', '1000')
    await backUp(deps, home.paths.root, undefined, file)
    home.knowledge.revocations.append(revocation(2))
    home.knowledge.heads.put({ issuer: 'authority', seq: 2, at: 5, head: Uint8Array.of(2) })
    home.knowledge.meta.set('clock-floor', '2000')
    home.knowledge.meta.set('incarnation', '7')
    log.append({
      actor: { kind: 'node', name: 'laptop', via: 'itself', peer: null },
      ...{ role: 'none', operation: 'test', correlation: 'cor-1', input: null, before: null, after: null },
      ...{ outcome: 'done', detail: null },
    })
    expect(await codeOf(restored(home.paths.root))).toBe('HOME_IN_USE')
    home.close()
    const { setAside } = await restored(home.paths.root)
    expect(setAside !== null && existsSync(setAside)).toBe(true)
    home = openHome(deps, home.paths.root)
    const { knowledge } = home
    expect(knowledge.revocations.all().map(({ seq }) => seq)).toEqual([1, 2])
    expect(knowledge.heads.all()).toMatchObject([{ seq: 2 }])
    expect([knowledge.meta.get('clock-floor'), knowledge.meta.get('incarnation')]).toEqual(['2000', '7'])
    expect(knowledge.audit.last()?.seq).toBe(2)
  })

  it('is not put into the home of another mesh', async () => {
    await backUp(deps, home.paths.root, undefined, file)
    const root = join(dir, 'foreign')
    const foreign = await openHomeToBegin(deps, root)
    await found(foreign)
    const before = loadMeshFacts(foreign.knowledge.meta)
    foreign.close()
    expect(await codeOf(restored(root))).toBe('OTHER_NODE')
    const after = openHome(deps, root)
    expect(loadMeshFacts(after.knowledge.meta)).toEqual(before)
    after.close()
  })
})

describe('a restored node', () => {
  const other = { peer: 'other' as never, standing: 'member' as const }
  function catchingUp(at: OpenHome) {
    const health = createHealthBoard()
    const rechecks: string[] = []
    const part = createCatchingUp({
      ...{ logger: silentLogger, meta: at.knowledge.meta, health },
      onCaughtUp: () => rechecks.push('now'),
    })
    const members = (more: readonly object[]) => ({
      self: 'self' as never,
      members: () => [{ peer: 'self', standing: 'member' }, ...more] as never,
    })
    return { part, health, rechecks, members }
  }

  it('trusts nobody until a member holds the same, over a restart too', async () => {
    await backUp(deps, home.paths.root, undefined, file)
    home.close()
    await restored(home.paths.root)
    home = openHome(deps, home.paths.root)
    const first = catchingUp(home)
    await first.part.following(first.members([other])).start()
    expect(first.part.isBehind).toBe(true)
    expect(first.health.items().map(({ code }) => code)).toEqual(['restored-behind'])
    const second = catchingUp(home)
    expect(second.part.isBehind).toBe(true)
    second.part.caughtUp()
    expect([second.part.isBehind, second.rechecks, second.health.items()]).toEqual([false, ['now'], []])
    expect(catchingUp(home).part.isBehind).toBe(false)
  })

  it('goes on at once where nobody else is, or where it is told that nobody is left', async () => {
    await backUp(deps, home.paths.root, undefined, file)
    home.close()
    await restored(home.paths.root)
    home = openHome(deps, home.paths.root)
    const alone = catchingUp(home)
    await alone.part.following(alone.members([{ ...other, standing: 'revoked' }])).start()
    expect(alone.part.isBehind).toBe(false)
    home.close()
    await restored(home.paths.root, true)
    home = openHome(deps, home.paths.root)
    expect(catchingUp(home).part.isBehind).toBe(false)
  })
})
