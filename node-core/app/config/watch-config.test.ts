import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { loadConfig } from './config.ts'
import { type ConfigChange, watchConfig } from './watch-config.ts'

let folder = ''
let path = ''
const clock = createManualClock()
let changes: ConfigChange[] = []
let stop = (): void => {}

function watch(onChange = (change: ConfigChange): void => void changes.push(change)): void {
  const loaded = loadConfig(path)
  if (!loaded.ok) throw new Error('the first configuration is wrong')
  stop = watchConfig({ clock, logger: silentLogger }, { path, config: loaded.config }, onChange)
}
const seconds = (count: number): void => clock.advance(count * 1_000)
const levels = (): unknown[] =>
  changes.map((change) => (change.kind === 'changed' ? change.config.log.level : change.kind))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-watch-'))
  path = join(folder, 'x0t.yaml')
  writeFileSync(path, 'log: {level: info}')
  changes = []
})
afterEach(() => {
  stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('watchConfig', () => {
  it('tells of new settings within three looks, once', () => {
    watch()
    seconds(5)
    expect(changes).toEqual([])
    writeFileSync(path, 'log: {level: debug}')
    seconds(3)
    expect(levels()).toEqual(['debug'])
    seconds(10)
    expect(levels()).toEqual(['debug'])
  })

  it('reports a bad edit, keeps the old settings, and says when the file is right again', () => {
    watch()
    seconds(2)
    writeFileSync(path, 'log: {level: loud}')
    seconds(3)
    expect(changes).toMatchObject([{ kind: 'rejected', problems: [{ line: 1, key: 'log.level' }] }])
    writeFileSync(path, 'log: {level: info}')
    seconds(3)
    expect(levels()).toEqual(['rejected', 'info'])
  })

  it('waits for an editor that writes in steps, but not for ever', () => {
    watch()
    seconds(2)
    writeFileSync(path, 'log: {level: ')
    seconds(1)
    appendFileSync(path, 'debug}')
    seconds(3)
    expect(levels()).toEqual(['debug'])
    for (let n = 0; n < 6; n += 1) {
      writeFileSync(path, `log: {level: warn} # ${'x'.repeat(n)}`)
      seconds(1)
    }
    expect(levels()).toEqual(['debug', 'warn'])
  })

  it('follows a file that is replaced, removed and made again', () => {
    watch()
    writeFileSync(`${path}.new`, 'log: {level: error}')
    renameSync(`${path}.new`, path)
    seconds(3)
    rmSync(path)
    seconds(3)
    writeFileSync(path, 'log: {level: trace}')
    seconds(3)
    expect(levels()).toEqual(['error', 'info', 'trace'])
  })

  it('is silent about an edit that changes no setting', () => {
    watch()
    writeFileSync(path, '# a comment\nlog: {level: info}')
    seconds(5)
    expect(changes).toEqual([])
  })

  it('sees an edit made between reading the file and watching it', () => {
    const loaded = loadConfig(path)
    writeFileSync(path, 'log: {level: warn}')
    if (loaded.ok) {
      const onChange = (change: ConfigChange): void => void changes.push(change)
      stop = watchConfig({ clock, logger: silentLogger }, { path, config: loaded.config }, onChange)
    }
    seconds(3)
    expect(levels()).toEqual(['warn'])
  })

  it('lives through a listener that throws, and ends when it is told to', () => {
    watch((change) => {
      changes.push(change)
      throw new Error('cannot be applied')
    })
    writeFileSync(path, 'log: {level: debug}')
    seconds(3)
    writeFileSync(path, 'log: {level: warn}')
    seconds(3)
    expect(levels()).toEqual(['debug', 'warn'])
    stop()
    expect(clock.timers).toBe(0)
  })
})
