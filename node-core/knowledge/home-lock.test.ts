import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type InlineProcess, startInline } from '../../tests/helpers/inline-process.ts'
import { systemClock } from '../platform/clock.ts'
import { FaultError } from '../platform/error.ts'
import { type HomeLockFault, takeHomeLock } from './home-lock.ts'

const deps = { clock: systemClock }
let folder = ''
let path = ''
const children: InlineProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-lock-'))
  path = join(folder, 'node.lock')
})
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()))
  rmSync(folder, { recursive: true, force: true })
})

/** A real process that takes the lock, says `held` or the code of the fault, and stays while it holds it. */
function startHolder(): InlineProcess {
  const imports = {
    takeHomeLock: new URL('./home-lock.ts', import.meta.url),
    systemClock: new URL('../platform/clock.ts', import.meta.url),
  }
  const code = `
    try {
      takeHomeLock({ clock: systemClock }, process.argv[1])
      console.log('held')
      setInterval(() => {}, 1000)
    } catch (error) {
      console.log(error.code)
    }`
  const child = startInline(imports, code, [path])
  children.push(child)
  return child
}

function faultOf(work: () => unknown): HomeLockFault | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof FaultError) return error.fault as HomeLockFault
    throw error
  }
}

describe('takeHomeLock', () => {
  it('refuses a home that another process uses, and names it', async () => {
    const holder = startHolder()
    expect(await holder.line()).toBe('held')
    const fault = faultOf(() => takeHomeLock(deps, path))
    expect(fault).toMatchObject({ code: 'HOME_IN_USE', holder: { pid: holder.pid } })
    expect(() => takeHomeLock(deps, path)).toThrow(`process ${holder.pid} already uses this home`)
  })

  it('takes over at once from a process that was killed', async () => {
    const holder = startHolder()
    expect(await holder.line()).toBe('held')
    await holder.kill()
    const lock = takeHomeLock(deps, path)
    expect(readFileSync(`${path}.holder`, 'utf8')).toContain(`${process.pid}`)
    lock.release()
  })

  it('lets exactly one of many processes win that start together', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => startHolder().line()))
    expect(answers.filter((answer) => answer === 'held')).toHaveLength(1)
    expect(answers.filter((answer) => answer === 'HOME_IN_USE')).toHaveLength(5)
  })

  it('is not fooled by what a dead holder wrote, even with the number of a living process', () => {
    writeFileSync(`${path}.holder`, JSON.stringify({ pid: 1, sinceMs: 0 }))
    takeHomeLock(deps, path).release()
  })

  it('holds within one process too, and can be taken again after release', async () => {
    const lock = takeHomeLock(deps, path)
    expect(faultOf(() => takeHomeLock(deps, path))).toMatchObject({
      code: 'HOME_IN_USE',
      holder: { pid: process.pid },
    })
    // A refused attempt must not have dropped the lock for others.
    expect(await startHolder().line()).toBe('HOME_IN_USE')
    lock.release()
    lock.release()
    takeHomeLock(deps, path).release()
  })

  it('keeps the lock file, readable for its user alone', () => {
    takeHomeLock(deps, path).release()
    expect(existsSync(path)).toBe(true)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('works when nobody can say who holds it', () => {
    const lock = takeHomeLock(deps, path)
    writeFileSync(`${path}.holder`, '{"pid":')
    expect(faultOf(() => takeHomeLock(deps, path))).toMatchObject({ code: 'HOME_IN_USE', holder: undefined })
    lock.release()
  })

  it('says so when the file cannot be a lock', () => {
    expect(faultOf(() => takeHomeLock(deps, folder))).toMatchObject({ code: 'HOME_LOCK_FAILED' })
    expect(faultOf(() => takeHomeLock(deps, join(folder, 'missing', 'lock')))).toMatchObject({
      code: 'HOME_LOCK_FAILED',
    })
    writeFileSync(path, 'x'.repeat(8192))
    expect(faultOf(() => takeHomeLock(deps, path))).toMatchObject({ code: 'HOME_LOCK_FAILED' })
  })
})
