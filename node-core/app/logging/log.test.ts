import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startInline } from '../../../tests/helpers/inline-process.ts'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import { FaultError } from '../../platform/error.ts'
import { createLog, type Log, type LogOptions } from './log.ts'

let clock: ManualClock
let dir = ''
let log: Log | undefined
const open = (over: Partial<LogOptions> = {}): Log => {
  log = createLog({ clock }, { dir, level: 'info', maxSizeMb: 1, keep: 2, ...over })
  return log
}
const text = (): string => readFileSync(join(dir, 'x0t.log'), 'utf8')
const lines = (): Record<string, unknown>[] =>
  text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

beforeEach(() => {
  clock = createManualClock(Date.UTC(2026, 10, 21, 9, 17, 3, 123))
  dir = mkdtempSync(join(tmpdir(), 'x0t-log-'))
})
afterEach(() => {
  log?.close()
  rmSync(dir, { recursive: true, force: true })
})

describe('createLog', () => {
  it('writes one JSON document a line, with the fields of the loggers it came through', () => {
    const { logger } = open()
    logger.child({ component: 'mesh' }).child({ peer: 'p' }).warn('link is down', { rttMs: 3 })
    expect(lines()).toEqual([
      {
        level: 'warn',
        time: '2026-11-21T09:17:03.123Z',
        component: 'mesh',
        peer: 'p',
        rttMs: 3,
        msg: 'link is down',
      },
    ])
  })

  it('changes the level at once, for loggers that exist already too', () => {
    const opened = open({ level: 'warn' })
    const child = opened.logger.child({ component: 'mesh' })
    child.info('not yet')
    opened.setLevel('trace')
    child.trace('now')
    opened.setLevel('error')
    child.warn('no more')
    expect(lines().map((line) => line['msg'])).toEqual(['now'])
  })

  it('has every line on its way before the call returns, so a killed process loses none', async () => {
    const imports = {
      createLog: new URL('./log.ts', import.meta.url),
      systemClock: new URL('../../platform/clock.ts', import.meta.url),
    }
    const code = `
      const { logger } = createLog({ clock: systemClock }, { dir: process.argv[1], level: 'info', maxSizeMb: 1, keep: 2 })
      for (let n = 1; n <= 100; n += 1) logger.info('line', { n })
      process.kill(process.pid, 'SIGKILL')`
    await expect(startInline(imports, code, [dir]).line()).rejects.toThrow('ended')
    expect(lines().at(-1)).toMatchObject({ n: 100 })
  })

  it('says in the file how much is missing from it', () => {
    const path = join(dir, 'deep')
    writeFileSync(path, 'in the way')
    const opened = open({ dir: join(path, 'logs') })
    opened.logger.error('nobody will read this')
    expect(opened.lostLines()).toBe(1)
    rmSync(path)
    clock.advance(2_000)
    opened.logger.error('but this')
    opened.flush()
    const written = readFileSync(join(path, 'logs', 'x0t.log'), 'utf8')
      .trimEnd()
      .split('\n')
    expect(written.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', lines: 1, msg: 'log lines were lost' },
      { level: 'error', msg: 'but this' },
    ])
  })
})

describe('what a line may hold', () => {
  const secret = 'correct-horse-battery-staple'

  it('is no secret, wherever it stands and however it is named', () => {
    const { logger } = open({ level: 'trace' })
    const token = `x0t1${'Qm9zZ_-'.repeat(20)}`
    logger.info('a', { passphrase: secret, nested: { list: [{ Private_Key: secret, 'api-key': secret }] } })
    logger.child({ token: secret, seeds: { ed25519: secret } }).debug('b')
    logger.error(`cannot join with ${token}`, {
      error: new Error(`bad ${token}`, { cause: new Error(token) }),
    })
    logger.warn('c', {
      key: Buffer.from(secret),
      view: new DataView(new ArrayBuffer(8)),
      args: ['join', token],
    })
    expect(text()).not.toContain(secret)
    expect(text()).not.toContain('Qm9zZ')
    expect(text()).not.toContain(Buffer.from(secret).toString('hex'))
    expect(lines()).toHaveLength(4)
    expect(lines()[3]).toMatchObject({ key: '[28 bytes]', view: '[8 bytes]' })
  })

  it('describes errors with their fault and their cause', () => {
    const { logger } = open()
    const cause = new FaultError({ code: 'STORE_FULL', path: '/p' }, 'no space')
    logger.error('failed', { error: new Error('outer', { cause }) })
    expect(lines()[0]).toMatchObject({
      error: {
        name: 'Error',
        message: 'outer',
        cause: { code: 'STORE_FULL', fault: { code: 'STORE_FULL', path: '/p' }, message: 'no space' },
      },
    })
  })

  it('is bounded, and does not take the place of the fields of the log', () => {
    const { logger } = open()
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    const throwing = {
      get field(): string {
        throw new Error('no')
      },
    }
    logger.info('big', { loop, many: Array.from({ length: 1_000 }, (_, n) => n), long: 'y'.repeat(100_000) })
    logger.info('odd', {
      level: 'x',
      time: 'x',
      msg: 'x',
      count: 10n,
      nan: Number.NaN,
      fn: () => 1,
      none: undefined,
    })
    logger.info('throws', throwing)
    expect(text().length).toBeLessThan(10_000)
    expect(JSON.stringify(lines()[0])).toMatch(/"self":"\[too deep\]".*\[950 more\]/)
    expect(lines()[1]).toMatchObject({ level: 'info', level_: 'x', msg: 'odd', count: '10', nan: 'NaN' })
    expect(lines()[2]).toMatchObject({ msg: 'throws', fields: '[unreadable]' })
  })

  it('never makes a call throw or a line that is not JSON', () => {
    const { logger } = open({ level: 'trace' })
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.anything()), (message, fields) => {
        logger.info(message, fields)
      }),
      { numRuns: 500 },
    )
    expect(lines()).toHaveLength(500)
  })
})

describe('a log with a terminal', () => {
  const terminalOf = (isTTY: boolean, env: Record<string, string>) => {
    const written: string[] = []
    const stream = { isTTY, write: (line: string) => written.push(line) }
    return { written, terminal: { stream, env } }
  }

  it('shows each line to people, as much of it as the level allows', () => {
    const { written, terminal } = terminalOf(false, {})
    const { logger } = open({ terminal })
    logger.child({ component: 'mesh' }).info('link is up', { peer: 'p', note: 'two words', rttMs: 3 })
    logger.debug('hidden')
    expect(written).toEqual(['09:17:03.123 INFO  mesh: link is up  peer=p note="two words" rttMs=3\n'])
  })

  it('uses colour on a terminal alone, and not for who does not want it', () => {
    for (const [isTTY, env, coloured] of [
      [true, {}, true],
      [true, { NO_COLOR: '' }, true],
      [true, { NO_COLOR: '1' }, false],
      [true, { TERM: 'dumb' }, false],
      [false, {}, false],
    ] as const) {
      const { written, terminal } = terminalOf(isTTY, env)
      open({ terminal }).logger.warn('careful')
      expect(written.join('').includes('\x1b[33m')).toBe(coloured)
    }
  })

  it('lets no field move the cursor or forge a line', () => {
    const { written, terminal } = terminalOf(true, { NO_COLOR: '1' })
    open({ terminal }).logger.info('name is \x1b[2J\nforged', { name: 'a\r\n09:00 ERROR \u009b2J\u2028' })
    expect(written.join('')).toMatch(/^[\x20-\x7e]*\n$/)
  })

  it('lives on when the terminal is gone', () => {
    const stream = {
      write: () => {
        throw new Error('EPIPE')
      },
    }
    open({ terminal: { stream, env: {} } }).logger.info('still in the file')
    expect(lines()).toHaveLength(1)
  })
})
