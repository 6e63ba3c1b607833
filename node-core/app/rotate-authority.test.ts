import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { seededRandom } from '../../tests/helpers/security-world.ts'
import { nodeNameSchema } from '../contract/schemas.ts'
import { loadLine } from '../mesh/membership/authority-book.ts'
import { silentLogger } from '../platform/logger.ts'
import { decodeAuditEntry } from '../security/audit-entry.ts'
import { currentKey } from '../security/authority-succession.ts'
import { decodeChain } from '../security/chain.ts'
import { createHybridKey } from '../security/hybrid-key.ts'
import { wipeSecrets } from '../security/keystore.ts'
import { exportAuthority, importAuthority, removeAuthority, resealHome } from './home-keys.ts'
import { initMesh } from './init-mesh.ts'
import { loadMeshFacts, type MeshFacts } from './mesh-facts.ts'
import { type OpenHome, openHomeToBegin, openSecrets } from './open-home.ts'
import { markRestored } from './restored.ts'
import { rotateAuthority } from './rotate-authority.ts'

const clock = createManualClock()
const deps = { clock, random: seededRandom(6), logger: silentLogger }
const DAY_MS = 86_400_000

let dir: string
let home: OpenHome
let facts: MeshFacts
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'x0t-rotate-'))
  home = await openHomeToBegin(deps, join(dir, 'home'))
  const name = nodeNameSchema.parse('laptop')
  await initMesh(deps, home, { mesh: 'home', name, passphrase: undefined, certificateLifeMs: 7 * DAY_MS })
  const known = loadMeshFacts(home.knowledge.meta)
  if (known === undefined) throw new Error('the home has a mesh')
  facts = known
})
afterEach(() => {
  home.close()
  rmSync(dir, { recursive: true })
})

const fileAt = (name: string) => ({ path: join(dir, name), passphrase: 'three words and 7' })
const rotate = (name: string, changes: Partial<Parameters<typeof rotateAuthority>[3]> = {}) =>
  rotateAuthority(deps, home, undefined, {
    ...{ file: fileAt(name), overlapMs: 14 * DAY_MS, handOver: false, issuingMs: 90 * DAY_MS, dryRun: false },
    ...changes,
  })
const line = () => {
  const known = loadLine(home.knowledge.meta, { meshId: facts.meshId, publicKey: facts.authority })
  if (known === undefined) throw new Error('the founder knows its authority')
  return known
}
async function held() {
  const { secrets } = await openSecrets(home.keystore, undefined)
  const key = secrets.authority && createHybridKey(secrets.authority)
  wipeSecrets(secrets)
  return key?.publicKey
}
const entries = () => home.knowledge.audit.after(0, 50).flatMap(({ entry }) => decodeAuditEntry(entry) ?? [])
const operations = () => entries().map(({ operation, outcome }) => `${operation} ${outcome}`)

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}

describe('replacing the authority', () => {
  it('puts the new key into the home and a file, lets the old one vouch for it, and enters it in the audit log', async () => {
    const done = await rotate('second')
    expect(done).toMatchObject({ meshId: facts.meshId, mesh: 'home', number: 1, certificates: 1 })
    expect(done.overlapUntil).toBe(clock.now() + 14 * DAY_MS)
    expect(line().successors).toHaveLength(1)
    expect(await held()).toEqual(currentKey(line()))
    expect(currentKey(line())).not.toEqual(facts.authority)
    expect(existsSync(fileAt('second').path)).toBe(true)
    expect(operations()).toEqual(['audit.begun done', 'authority.rotate done'])
    expect(entries().at(-1)?.actor).toMatchObject({ kind: 'person', via: 'offline' })
  })

  it('changes nothing in a rehearsal, nor where the file is there already', async () => {
    expect(await rotate('second', { dryRun: true })).toMatchObject({ authority: null, number: 1 })
    await exportAuthority(deps, home, undefined, fileAt('first'))
    expect(await codeOf(rotate('first'))).toBe('FILE_EXISTS')
    expect(line().successors).toHaveLength(0)
    expect(await held()).toEqual(facts.authority)
    expect(existsSync(fileAt('second').path)).toBe(false)
  })

  it('hands the mesh over: the key is in the file alone, and this node goes on issuing under it', async () => {
    const { issuesUntil } = await rotate('anna', { handOver: true })
    expect(issuesUntil).toBe(clock.now() + 90 * DAY_MS)
    expect(await held()).toBeUndefined()
    const own = home.knowledge.certificates.all().flatMap(({ chain }) => decodeChain(chain)?.leaf ?? [])[0]
    expect(own).toMatchObject({ issuing: true, expiresAt: issuesUntil, generation: 2 })
    expect(await codeOf(rotate('again'))).toBe('NO_AUTHORITY')
    await importAuthority(deps, home, undefined, fileAt('anna'))
    expect(await held()).toEqual(currentKey(line()))
  })

  it('takes a key that was replaced for nothing any more', async () => {
    await exportAuthority(deps, home, undefined, fileAt('first'))
    await rotate('second')
    expect(await codeOf(removeAuthority(deps, home, undefined, fileAt('first'), DAY_MS))).toBe(
      'AUTHORITY_REPLACED',
    )
    await removeAuthority(deps, home, undefined, fileAt('second'), DAY_MS)
    expect(await codeOf(importAuthority(deps, home, undefined, fileAt('first')))).toBe('AUTHORITY_REPLACED')
    await importAuthority(deps, home, undefined, fileAt('second'))
    expect(await held()).toEqual(currentKey(line()))
    expect(operations().slice(1)).toEqual([
      'authority.export done',
      'authority.rotate done',
      'authority.remove done',
      'authority.import done',
    ])
  })

  it('waits for the end of the overlap, and for what a restored home may not know', async () => {
    await rotate('second')
    expect(await codeOf(rotate('third'))).toBe('OVERLAP_RUNNING')
    clock.advance(14 * DAY_MS)
    markRestored(home.knowledge.meta, clock.now())
    expect(await codeOf(rotate('third'))).toBe('LOG_BEHIND')
    home.knowledge.meta.set('restored-at', '')
    home.knowledge.meta.set('clock-floor', String(clock.now() + DAY_MS))
    expect(await codeOf(rotate('third'))).toBe('CLOCK_BEHIND')
    home.knowledge.meta.set('clock-floor', '0')
    expect(await rotate('third')).toMatchObject({ number: 2 })
    expect(line().successors.map(({ number }) => number)).toEqual([1, 2])
  })
})

describe('what is done to the keys of a home while its node does not run', () => {
  it('leaves a signed entry, also when it fails', async () => {
    await exportAuthority(deps, home, undefined, fileAt('first'))
    await resealHome(deps, home, undefined, 'a passphrase')
    const [, exported, resealed] = entries()
    expect(exported).toMatchObject({ operation: 'authority.export', outcome: 'done', role: 'owner' })
    expect(JSON.parse(exported?.input ?? '')).toEqual({ file: fileAt('first').path })
    expect(resealed).toMatchObject({ operation: 'keystore.reseal', outcome: 'done' })
    expect(JSON.stringify(entries())).not.toContain('passphrase"')
    const nowhere = { path: join(dir, 'no', 'such', 'folder'), passphrase: 'x' }
    expect(await codeOf(exportAuthority(deps, home, 'a passphrase', nowhere))).toBeDefined()
    expect(operations().at(-1)).toBe('authority.export failed')
  })
})
