import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { statusSchema } from '../contract/schemas.ts'
import { createOutput } from './output/output.ts'
import { renderQr } from './output/qr.ts'
import { createPaint, printable } from './output/style.ts'
import { renderTable } from './output/table.ts'
import { formatDuration, formatFromNow, formatMoment } from './output/time.ts'
import { verdictOf } from './output/verdict.ts'
import { askLine, type Terminal } from './secrets/prompt.ts'

class Keyboard extends PassThrough {
  readonly isTTY = true
  raw = false
  setRawMode(raw: boolean): this {
    this.raw = raw
    return this
  }
}

function terminal(): { keyboard: Keyboard; shown: () => string; at: Terminal } {
  const keyboard = new Keyboard()
  let text = ''
  const screen = {
    write(part: string) {
      text += part
    },
  }
  return { keyboard, shown: () => text, at: { input: keyboard, screen, interactive: true } }
}

const noAbort = new AbortController().signal

describe('a question without echo', () => {
  it('shows nothing of what is typed, and puts the terminal back', async () => {
    const { keyboard, shown, at } = terminal()
    const answer = askLine(at, 'Passphrase: ', { echo: false, signal: noAbort })
    expect(keyboard.raw).toBe(true)
    keyboard.write('hunter3\u007f2\r')
    expect(await answer).toBe('hunter2')
    expect(keyboard.raw).toBe(false)
    expect(shown()).toBe('Passphrase: \n')
  })

  it('takes several lines that were pasted at once as several answers', async () => {
    const { keyboard, at } = terminal()
    keyboard.write('first\rsecond\r')
    expect(await askLine(at, '1: ', { echo: false, signal: noAbort })).toBe('first')
    expect(await askLine(at, '2: ', { echo: false, signal: noAbort })).toBe('second')
  })

  it('knows the keys that edit, and ignores the ones that are no text', async () => {
    const { keyboard, at } = terminal()
    const answer = askLine(at, '', { echo: false, signal: noAbort })
    keyboard.write('wrong\u0015pass\u0001wörd\u{1f511}x\b\n')
    expect(await answer).toBe('passwörd\u{1f511}')
  })

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D on an empty line', '\u0004'],
  ])('ends at %s', async (_name, key) => {
    const { keyboard, at } = terminal()
    const answer = askLine(at, '', { echo: false, signal: noAbort })
    keyboard.write(key)
    await expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(keyboard.raw).toBe(false)
  })

  it('ends when the terminal goes away or the command is aborted', async () => {
    const gone = terminal()
    const first = askLine(gone.at, '', { echo: false, signal: noAbort })
    gone.keyboard.end()
    await expect(first).rejects.toMatchObject({ code: 'INTERRUPTED' })
    const aborted = terminal()
    const controller = new AbortController()
    const second = askLine(aborted.at, '', { echo: false, signal: controller.signal })
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(aborted.keyboard.raw).toBe(false)
  })

  it('with echo, shows what stands on the line', async () => {
    const { keyboard, shown, at } = terminal()
    const answer = askLine(at, 'Sure? ', { echo: true, signal: noAbort })
    keyboard.write('yex\u007fs\r')
    expect(await answer).toBe('yes')
    expect(shown()).toBe('Sure? yex\b \bs\n')
  })
})

describe('colour', () => {
  it('is there on a terminal alone, and not where NO_COLOR or a dumb terminal asks for none', () => {
    expect(createPaint(true, {})('red', 'x')).toBe('\u001b[31mx\u001b[39m')
    for (const [isTerminal, env] of [
      [false, {}],
      [true, { NO_COLOR: '1' }],
      [true, { TERM: 'dumb' }],
    ] as const) {
      expect(createPaint(isTerminal, env)('red', 'x')).toBe('x')
    }
    expect(createPaint(true, { NO_COLOR: '' })('red', 'x')).not.toBe('x')
  })

  it('does not disturb the columns of a table', () => {
    const rows = [[{ text: 'up', tone: 'green' }, 'x'] as const, ['degraded', 'y'] as const]
    const plain = renderTable(createPaint(false, {}), ['STATE', 'Z'], rows)
    expect(plain).toBe('STATE     Z\nup        x\ndegraded  y')
    const coloured = renderTable(createPaint(true, {}), ['STATE', 'Z'], rows)
    expect(stripVTControlCharacters(coloured)).toBe(plain)
  })
})

describe('text for a terminal', () => {
  it('holds no control character but the newline, whatever went in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[^\P{C}\n]/u)
      }),
    )
  })

  it('writes times so that they can be read', () => {
    const day = 86_400_000
    expect(
      [0.04, 3.21, 23.4, 999.4, 42_000, 200_000, 3_600_000, 18_120_000, 6 * day + 14_400_000].map(
        formatDuration,
      ),
    ).toEqual(['0 ms', '3.2 ms', '23 ms', '999 ms', '42 s', '3 min 20 s', '1 h', '5 h 2 min', '6 d 4 h'])
    expect(formatFromNow(10_000, 5_000)).toBe('in 5 s')
    expect(formatFromNow(5_000, 10_000)).toBe('5 s ago')
    expect(formatMoment(Date.UTC(2026, 10, 3, 14, 5, 9))).toBe('2026-11-03 14:05:09 UTC')
  })

  it('draws a QR code where it fits', () => {
    const code = renderQr('x0t1abc', 80) ?? ''
    expect(code.split('\n').length).toBeGreaterThan(10)
    expect(renderQr('x'.repeat(400), 40)).toBeUndefined()
  })
})

describe('the verdict', () => {
  const status = (change: object) =>
    statusSchema.parse({
      schema: 1,
      node: {
        name: 'a',
        peerId: `12D3KooW${'A'.repeat(44)}`,
        mesh: 'm',
        state: 'up',
        version: '1',
        keystore: 'keyfile',
      },
      links: [],
      members: [],
      services: [],
      forwards: [],
      socks: [],
      health: [],
      ...change,
    })
  const link = (state: string) => ({
    peer: `12D3KooW${'B'.repeat(44)}`,
    name: 'b',
    state,
    rttMs: null,
    lossEstimate: null,
    suite: null,
    sinceMs: 0,
  })
  const item = (severity: string, impactsConnectivity = false) => ({
    code: 'x',
    severity,
    title: 't',
    impactsConnectivity,
  })

  it('counts what is wrong, and is unhealthy only when something serious is', () => {
    const cases: [object, string, boolean][] = [
      [{}, 'it has no links.', true],
      [{ links: [link('up'), link('up')] }, '2 links up.', true],
      [{ links: [link('up'), link('degraded'), link('down')] }, '1 of 3 links up, 1 degraded, 1 down.', true],
      [{ health: [item('warning'), item('info')] }, 'it has no links; 1 warning.', true],
      [{ health: [item('critical'), item('warning')] }, '1 problem and 1 warning.', false],
      [{ health: [item('warning', true)] }, '1 problem.', false],
    ]
    for (const [change, end, healthy] of cases) {
      const verdict = verdictOf(status(change))
      expect(verdict.text.endsWith(end), verdict.text).toBe(true)
      expect(verdict.healthy).toBe(healthy)
    }
  })

  it('says when the node is no member any more', () => {
    const { node } = status({})
    for (const state of ['expired', 'revoked']) {
      const verdict = verdictOf(status({ node: { ...node, state } }))
      expect(verdict).toMatchObject({ healthy: false, text: expect.stringContaining('no member any more') })
    }
  })
})

describe('one document', () => {
  it('is all that stdout gets, even when an error follows it', () => {
    let out = ''
    let err = ''
    const sink = (add: (text: string) => void) => ({ write: add })
    const output = createOutput(
      sink((text) => {
        out += text
      }),
      sink((text) => {
        err += text
      }),
      { write: JSON.stringify, quiet: false, env: {} },
    )
    output.data({ a: 1 }, () => '')
    output.fail({ code: 'X', message: 'too late', hint: '' })
    expect(JSON.parse(out)).toEqual({ schema: 1, a: 1 })
    expect(err).toBe('x0t: too late\n')
  })
})
