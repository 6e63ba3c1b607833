import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { incidentOf } from '../../tests/helpers/healing-documents.ts'
import type { PeerId, ServiceName } from '../domain/ids.ts'
import { systemClock } from '../platform/clock.ts'
import { silentLogger } from '../platform/logger.ts'
import { openKnowledge } from './knowledge.ts'
import { finishRenewal, renewKnowledge } from './renew.ts'

const deps = { clock: systemClock, logger: silentLogger }
const PEER = `12D3KooW${'A'.repeat(44)}` as PeerId
let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-renew-'))
  path = join(folder, 'knowledge.db')
  const { meta, revocations, incidents, services, close } = openKnowledge(deps, { path })
  meta.set('mesh.id', 'abc')
  services.put({ name: 'web' as ServiceName, host: '127.0.0.1', port: 80, check: undefined })
  for (let seq = 1; seq <= 40; seq += 1) {
    const entry = new Uint8Array(2_000).fill(seq)
    revocations.append({ issuer: 'authority', seq, hash: `${seq}`, subject: PEER, entry })
    incidents.save(incidentOf(seq))
  }
  close()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Overwrites the root page of a table. */
function damage(table: string): void {
  const database = new Database(path)
  const root = database
    .prepare<[string], { rootpage: number }>('SELECT rootpage FROM sqlite_schema WHERE name = ?')
    .get(table)?.rootpage
  database.close()
  const file = openSync(path, 'r+')
  writeSync(file, new Uint8Array(4096).fill(0xa5), 0, 4096, ((root ?? 0) - 1) * 4096)
  closeSync(file)
}

describe('a new store in place of a damaged one', () => {
  it('has all that trust rests on, when the damage is elsewhere, and the old one is kept', () => {
    damage('incidents')
    expect(() => openKnowledge(deps, { path })).toThrow('damaged')
    const before = readFileSync(path)
    const { knowledge, setAside } = renewKnowledge(deps, path)
    expect(knowledge.meta.get('mesh.id')).toBe('abc')
    expect(knowledge.revocations.all().map(({ entry }) => entry[0])).toEqual(
      Array.from({ length: 40 }, (_, n) => n + 1),
    )
    expect(knowledge.services.list()).toHaveLength(1)
    expect(knowledge.incidents.recent(100)).toEqual([])
    knowledge.close()
    expect(readFileSync(setAside).equals(before)).toBe(true)
    // A process that ended between the two moves.
    renameSync(path, `${path}.renewed`)
    finishRenewal(path)
    const again = openKnowledge(deps, { path })
    expect(again.meta.get('mesh.id')).toBe('abc')
    again.close()
  })

  it.each(['revocations', 'meta'])('is refused when %s is damaged, and nothing is moved', (table) => {
    damage(table)
    const before = readFileSync(path)
    expect(() => renewKnowledge(deps, path)).toThrow('trust')
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})
