import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startInline } from '../../tests/helpers/inline-process.ts'
import type { PeerId } from '../domain/ids.ts'
import { systemClock } from '../platform/clock.ts'
import { FaultError } from '../platform/error.ts'
import { silentLogger } from '../platform/logger.ts'
import { type Knowledge, type KnowledgeOptions, openKnowledge } from './knowledge.ts'
import { setAsideStore } from './set-aside.ts'

let folder = ''
let path = ''
let undo: (() => void | Promise<void>)[] = []
const open = (options: Partial<KnowledgeOptions> = {}): Knowledge => {
  const knowledge = openKnowledge({ logger: silentLogger }, { path, ...options })
  undo.push(() => knowledge.close())
  return knowledge
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-fault-'))
  path = join(folder, 'knowledge.db')
})
afterEach(async () => {
  for (const step of undo.toReversed()) await step()
  undo = []
  rmSync(folder, { recursive: true, force: true })
})

function faultOf(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof FaultError) return error.fault
    throw error
  }
}
const codeOf = (work: () => unknown): unknown => (faultOf(work) as { code: string } | undefined)?.code

const PEER = `12D3KooW${'A'.repeat(44)}` as PeerId

/** Writes until the store refuses; the last `seq` that it took. */
function fill(knowledge: Knowledge): { readonly kept: number; readonly fault: unknown } {
  let kept = 0
  const fault = faultOf(() => {
    for (let seq = 1; seq < 10_000; seq += 1) {
      const entry = new Uint8Array(4096)
      knowledge.revocations.append({ issuer: 'authority', seq, hash: `${seq}`, subject: PEER, entry })
      kept = seq
    }
  })
  return { kept, fault }
}

/** A file system of 1 MiB where this user may mount one. */
function mountSmallDisk(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', folder], { stdio: 'ignore' })
    undo.unshift(() => void execFileSync('umount', ['-l', folder]))
    return true
  } catch {
    return false
  }
}

describe('a full disk', () => {
  it('is a fault of its own that keeps everything before it, and passes when there is space again', () => {
    const ballast = join(folder, 'ballast')
    const real = mountSmallDisk()
    const knowledge = open(real ? {} : { maxSizeBytes: 512 * 1024 })
    if (real) writeFileSync(ballast, new Uint8Array(300 * 1024))
    const { kept, fault } = fill(knowledge)
    expect(fault).toEqual({ code: 'STORE_FULL', path })
    expect(kept).toBeGreaterThan(10)
    expect(knowledge.revocations.all()).toHaveLength(kept)
    // Without the real disk the limit is lifted by opening the store again.
    if (real) rmSync(ballast)
    else knowledge.close()
    const again = real ? knowledge : open()
    again.meta.set('after', 'it writes again')
    expect(again.revocations.all()).toHaveLength(kept)
  })

  it('is told apart when the store cannot even be made', () => {
    if (mountSmallDisk()) {
      const ballast = openSync(join(folder, 'ballast'), 'w')
      expect(() => {
        for (;;) writeSync(ballast, new Uint8Array(4096))
      }).toThrow('ENOSPC')
      closeSync(ballast)
      expect(codeOf(() => open())).toBe('STORE_FULL')
    } else {
      expect(codeOf(() => open({ maxSizeBytes: 4096 }))).toBe('STORE_FULL')
    }
  })
})

describe('a locked store', () => {
  it('is waited for only as long as was said', () => {
    const knowledge = open({ lockWaitMs: 50 })
    const other = new Database(path)
    undo.push(() => void other.close())
    other.exec('BEGIN IMMEDIATE')
    const before = performance.now()
    expect(faultOf(() => knowledge.meta.set('a', 'b'))).toEqual({ code: 'STORE_LOCKED', path })
    expect(performance.now() - before).toBeLessThan(1_000)
    // Reading goes on.
    expect(knowledge.meta.get('a')).toBeUndefined()
    other.exec('ROLLBACK')
    knowledge.meta.set('a', 'b')
    expect(knowledge.meta.get('a')).toBe('b')
  })
})

describe('a store that cannot be written', () => {
  it('is refused at the start, when its user may not write it', async () => {
    open().close()
    chmodSync(path, 0o444)
    chmodSync(folder, 0o555)
    expect(await openAsOrdinaryUser()).toBe('STORE_READ_ONLY')
    chmodSync(folder, 0o700)
  })

  it('is refused when it is not a file, and when its directory is missing', () => {
    mkdirSync(join(folder, 'directory'))
    expect(codeOf(() => open({ path: join(folder, 'directory') }))).toBe('STORE_UNREADABLE')
    expect(codeOf(() => open({ path: join(folder, 'missing', 'knowledge.db') }))).toBe('STORE_UNREADABLE')
  })

  /** Permissions mean nothing to root, so a process of another user tries it. */
  async function openAsOrdinaryUser(): Promise<unknown> {
    if (process.getuid?.() !== 0) return codeOf(() => open())
    const imports = {
      openKnowledge: new URL('./knowledge.ts', import.meta.url),
      silentLogger: new URL('../platform/logger.ts', import.meta.url),
    }
    const code = `
      try {
        openKnowledge({ logger: silentLogger }, { path: process.argv[1] }).close()
        console.log('opened')
      } catch (error) {
        console.log(error.code)
      }`
    return await startInline(imports, code, [path], { uid: 65_534 }).line()
  }
})

describe('a damaged store', () => {
  const damage = (from: number, length: number): void => {
    const file = openSync(path, 'r+')
    writeSync(file, new Uint8Array(length).fill(0xa5), 0, length, from)
    closeSync(file)
  }

  it('is recognised at the start, wherever the damage is', () => {
    const knowledge = open()
    for (let n = 0; n < 200; n += 1) knowledge.meta.set(`key-${n}`, 'x'.repeat(500))
    knowledge.close()
    const whole = readFileSync(path)
    damage(0, 100)
    expect(codeOf(() => open())).toBe('STORE_CORRUPT')
    // The pages behind the first; a tree may start in any of them.
    let found = 0
    for (let page = 1; page < whole.length / 4096; page += 1) {
      writeFileSync(path, whole)
      damage(page * 4096, 200)
      if (codeOf(() => open().close()) === 'STORE_CORRUPT') found += 1
    }
    expect(found).toBe(whole.length / 4096 - 1)
    writeFileSync(path, whole.subarray(0, whole.length / 2))
    expect(codeOf(() => open())).toBe('STORE_CORRUPT')
  })

  it('is recognised when a row holds what no program of ours writes', () => {
    const knowledge = open()
    const other = new Database(path)
    undo.push(() => void other.close())
    other.prepare('INSERT INTO services (name, host, port) VALUES (?, ?, ?)').run('Not A Name', 'h', 1)
    expect(codeOf(() => knowledge.services.list())).toBe('STORE_CORRUPT')
  })

  it('is set aside with all that belongs to it, and a new one begun', () => {
    const clock = { ...systemClock, now: () => Date.UTC(2026, 10, 21, 8, 30, 5, 7) }
    for (const round of [1, 2]) {
      writeFileSync(path, `damaged ${round}`)
      writeFileSync(`${path}-wal`, 'its log')
      const target = setAsideStore({ clock }, path, 'corrupt')
      expect(readFileSync(target, 'utf8')).toBe(`damaged ${round}`)
      expect(readFileSync(`${target}-wal`, 'utf8')).toBe('its log')
      expect(existsSync(path) || existsSync(`${path}-wal`)).toBe(false)
    }
    expect(readdirSync(folder)).toContain('knowledge.db.corrupt-20261121T083005-007Z')
    open().meta.set('a', 'b')
    expect(statSync(path).size).toBeGreaterThan(0)
  })
})
