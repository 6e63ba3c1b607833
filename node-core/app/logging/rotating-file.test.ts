import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createRotatingFile, type RotatingFile } from './rotating-file.ts'

const clock = createManualClock()
let folder = ''
let dir = ''
let path = ''
let undo: (() => void)[] = []
const note = (lines: number): string => `lost ${lines}\n`
const create = (maxBytes: number, keep: number): RotatingFile => {
  const file = createRotatingFile({ clock }, { path, maxBytes, keep }, note)
  undo.push(() => file.close())
  return file
}
const line = (n: number): string => `${String(n).padStart(9, '0')}\n`

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-log-'))
  dir = join(folder, 'logs')
  path = join(dir, 'x0t.log')
})
afterEach(() => {
  for (const step of undo.toReversed()) step()
  undo = []
  rmSync(folder, { recursive: true, force: true })
})

describe('createRotatingFile', () => {
  it('keeps the newest lines in a bounded number of bounded files', () => {
    const file = create(100, 3)
    for (let n = 0; n < 95; n += 1) file.write(line(n))
    expect(readdirSync(dir).sort()).toEqual(['x0t.log', 'x0t.log.1', 'x0t.log.2'])
    const all = ['x0t.log.2', 'x0t.log.1', 'x0t.log']
      .map((name) => readFileSync(join(dir, name), 'utf8'))
      .join('')
    expect(all).toBe(Array.from({ length: 25 }, (_, index) => line(70 + index)).join(''))
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).size).toBeLessThanOrEqual(100)
  })

  it('goes on where it was after a restart, and turns a file that is full already', () => {
    create(100, 3).write(line(1))
    create(100, 3).write(line(2))
    expect(readFileSync(path, 'utf8')).toBe(line(1) + line(2))
    create(15, 3).write(line(3))
    expect(readFileSync(path, 'utf8')).toBe(line(3))
  })

  it('is readable for its user alone', () => {
    create(100, 3).write(line(1))
    expect([statSync(dir).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600])
  })

  it('follows new limits at once', () => {
    const file = create(20, 5)
    for (let n = 0; n < 20; n += 1) file.write(line(n))
    expect(readdirSync(dir)).toHaveLength(5)
    file.setLimits(1_000, 2)
    expect(readdirSync(dir).sort()).toEqual(['x0t.log', 'x0t.log.1'])
    for (let n = 0; n < 20; n += 1) file.write(line(n))
    expect(readFileSync(path, 'utf8').length).toBeGreaterThan(200)
  })

  it('drops what comes after its end', () => {
    const file = create(100, 3)
    file.write(line(1))
    file.close()
    file.close()
    file.write(line(2))
    expect(readFileSync(path, 'utf8')).toBe(line(1))
  })
})

describe('a file that cannot be written', () => {
  it('costs lines and nothing else, and the number is in the file once it works again', () => {
    writeFileSync(dir, 'in the way')
    const file = create(1_000, 3)
    for (let n = 0; n < 5; n += 1) file.write(line(n))
    expect(file.lostLines()).toBe(5)
    rmSync(dir)
    file.write(line(5))
    expect(file.lostLines()).toBe(6)
    clock.advance(1_000)
    file.write(line(6))
    file.write(line(7))
    expect(readFileSync(path, 'utf8')).toBe(`lost 6\n${line(6)}${line(7)}`)
  })

  it('on a full disk does not throw, and never glues two lines together', () => {
    let mounted = false
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', folder], { stdio: 'ignore' })
      undo.unshift(() => void execFileSync('umount', ['-l', folder]))
      mounted = true
    } catch {
      // An ordinary user: the device that is always full, which has no recovery.
      execFileSync('mkdir', ['-m', '700', dir])
      symlinkSync('/dev/full', path)
    }
    const file = create(1_000_000, 3)
    const long = `${'x'.repeat(2_998)}.\n`
    if (mounted) writeFileSync(join(folder, 'ballast'), new Uint8Array(30_000))
    for (let n = 0; n < 30; n += 1) file.write(long)
    expect(file.lostLines()).toBeGreaterThan(5)
    if (!mounted) return
    rmSync(join(folder, 'ballast'))
    const lost = file.lostLines()
    file.write(long)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines.at(-2)).toBe(`lost ${lost}`)
    expect(lines.at(-1)).toBe(long.trimEnd())
    expect(lines.filter((text) => text.length > 2_999)).toEqual([])
  })
})
