import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'
import { type ConfigProblem, formatProblem, parseConfig } from './parse-config.ts'
import type { Config } from './schema.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-config-'))
  path = join(folder, 'x0t.yaml')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const problemsOf = (text: string): readonly ConfigProblem[] => {
  const result = parseConfig(text, 'x0t.yaml')
  return result.ok ? [] : result.problems
}
const linesOf = (text: string): string[] => problemsOf(text).map(formatProblem)

const DEFAULTS: Config = {
  version: 1,
  listen: ['/ip4/0.0.0.0/tcp/0'],
  announce: 'auto',
  peers: [],
  log: { level: 'info', maxSizeMb: 10, keep: 5 },
  certificates: { lifetimeMs: 604_800_000, renewAt: 1 / 3 },
  links: { min: 3, max: 8 },
  discovery: {},
  knowledge: {
    ...{ rawMs: 86_400_000, minuteMs: 2_592_000_000, hourMs: 31_536_000_000 },
    ...{ maxSizeMb: 256, maxSeries: 2_048 },
  },
  alerts: [],
  metrics: { enabled: false, listen: { host: '127.0.0.1', port: 9_464 } },
  slo: { availability: 99.9 / 100, mttrMs: 30_000, windowMs: 2_592_000_000 },
  console: {
    enabled: true,
    start: 'on-demand',
    listen: { host: '127.0.0.1', port: 0 },
    hosts: [],
    idleMs: 1_800_000,
    lifetimeMs: 43_200_000,
  },
  heal: { actionsPerMinute: 30, actionsPerHour: 300, approvalMs: 900_000, maintenance: [] },
}

describe('loadConfig', () => {
  it('gives every setting its default when there is no file, an empty one or empty sections', () => {
    expect(loadConfig(path)).toEqual({ ok: true, config: DEFAULTS })
    for (const text of ['', '# nothing yet\n', 'log:\n  # level: debug\n', '\uFEFFversion: 1\n']) {
      writeFileSync(path, text)
      expect(loadConfig(path)).toEqual({ ok: true, config: DEFAULTS })
    }
  })

  it('reads every setting', () => {
    writeFileSync(
      path,
      `version: 1
listen: [/ip4/127.0.0.1/tcp/4100, "/ip6/::/tcp/4100"]
announce: [/dns/node.example/tcp/443]
peers:
  - /dns/node.example/tcp/4100
  - /ip4/192.0.2.1/tcp/4100/p2p/12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust
log: { level: debug, maxSizeMb: 1, keep: 2 }
certificates: { lifetime: 24h, renewAt: 0.5 }
links: { min: 1, max: 4 }
discovery: { lan: false }
`,
    )
    const result = loadConfig(path)
    expect(result).toMatchObject({
      ok: true,
      config: {
        listen: ['/ip4/127.0.0.1/tcp/4100', '/ip6/::/tcp/4100'],
        announce: ['/dns/node.example/tcp/443'],
        log: { level: 'debug', maxSizeMb: 1, keep: 2 },
        certificates: { lifetimeMs: 86_400_000, renewAt: 0.5 },
        links: { min: 1, max: 4 },
        discovery: { lan: false },
      },
    })
  })

  it('reports a file that it cannot read', () => {
    expect(loadConfig(folder)).toMatchObject({
      ok: false,
      problems: [{ message: 'is not a regular file' }],
    })
    execFileSync('mkfifo', [path])
    expect(loadConfig(path)).toMatchObject({ ok: false, problems: [{ message: 'is not a regular file' }] })
    rmSync(path)
    writeFileSync(path, new Uint8Array([0x61, 0x3a, 0xff, 0xfe]))
    expect(loadConfig(path)).toMatchObject({ ok: false, problems: [{ message: 'is not UTF-8 text' }] })
    writeFileSync(path, `# ${'x'.repeat(70_000)}`)
    expect(loadConfig(path)).toMatchObject({ ok: false, problems: [{ file: path, line: undefined }] })
  })
})

describe('a wrong setting', () => {
  it('is named with its place, what was expected, what was found and what may have been meant', () => {
    expect(
      linesOf(`version: 2
listen:
  - /ip4/0.0.0.0/udp/0
  - /dns/node.example/tcp/1
announce: [/dns/node.example/tcp/0]
peers: one
log:
  levle: info
  level: inof
  maxSizeMb: 0
certificates:
  lifetime: 7
  renewAt: 2
links: { min: 9 }
`),
    ).toEqual([
      'x0t.yaml:1:10: version: expected 1, the only version of this file that this x0t knows, found 2',
      "x0t.yaml:3:5: listen[0]: expected an address to listen on such as /ip4/0.0.0.0/tcp/0 or /ip6/::/tcp/4100, found '/ip4/0.0.0.0/udp/0'",
      "x0t.yaml:4:5: listen[1]: expected an address to listen on such as /ip4/0.0.0.0/tcp/0 or /ip6/::/tcp/4100, found '/dns/node.example/tcp/1'",
      "x0t.yaml:5:12: announce[0]: expected auto, or a list of addresses such as /dns/node.example/tcp/4100, found '/dns/node.example/tcp/0'",
      "x0t.yaml:6:8: peers: expected a list of addresses, found 'one'",
      "x0t.yaml:8:3: log.levle: there is no such setting; did you mean 'level'?",
      "x0t.yaml:9:10: log.level: expected trace, debug, info, warn or error, found 'inof'; did you mean 'info'?",
      'x0t.yaml:10:14: log.maxSizeMb: expected a whole number of megabytes from 1 to 1024, found 0',
      'x0t.yaml:12:13: certificates.lifetime: expected a duration such as 24h or 7d, found 7',
      'x0t.yaml:13:12: certificates.renewAt: expected a number from 0.1 to 0.9, found 2',
      'x0t.yaml:14:15: links.min: expected min to be at most max, found 9',
    ])
  })

  it('of announce may be auto, a list or an empty list', () => {
    const announceOf = (text: string): unknown => {
      const result = parseConfig(text, 'x0t.yaml')
      return result.ok ? result.config.announce : result.problems.map(formatProblem)
    }
    expect(announceOf('announce: auto')).toBe('auto')
    expect(announceOf('announce: []')).toEqual([])
    expect(announceOf('announce: never')).toEqual([
      "x0t.yaml:1:11: announce: expected auto, or a list of addresses such as /dns/node.example/tcp/4100, found 'never'",
    ])
  })

  it('that belongs elsewhere is told where', () => {
    expect(linesOf('level: debug')).toEqual([
      "x0t.yaml:1:1: level: there is no such setting here; did you mean 'log.level'?",
    ])
    expect(linesOf('log:\n  listen: []')).toEqual([
      "x0t.yaml:2:3: log.listen: there is no such setting here; did you mean 'listen'?",
    ])
    expect(linesOf('colour: blue')[0]).toContain(
      'known here: version, listen, announce, peers, log, certificates, links',
    )
  })

  it('never puts a secret into the message', () => {
    const secret = 'correct-horse-battery-staple'
    expect(linesOf(`passphrase: ${secret}`)).toEqual([
      'x0t.yaml:1:1: passphrase: there is no such setting; secrets never go into this file',
    ])
    const token = 'x0t1qpzry9x8gf2tvdw0s3jn54khce6mua7l'
    for (const text of [
      `peers: ${token}`,
      `peers: [${token}]`,
      `log: {level: ${token.repeat(3)}}`,
      `a: b: ${token}`,
    ]) {
      expect(linesOf(text).length).toBeGreaterThan(0)
      expect(linesOf(text).join()).not.toContain(token.slice(4, 20))
    }
  })
})

describe('text that is not plain YAML settings', () => {
  it('is refused at its place', () => {
    expect(linesOf('log: {}\nlinks: {}\nlog: {}')).toEqual([
      'x0t.yaml:3:1: log: is there twice; keep one of them',
    ])
    expect(linesOf('log: {level: info, level: warn}')).toEqual([
      'x0t.yaml:1:20: level: is there twice; keep one of them',
    ])
    expect(linesOf('version: 1\n---\nversion: 1')).toEqual([
      'x0t.yaml:2:1: this file holds one document; remove this line',
    ])
    expect(linesOf('a: b: c: d')).toHaveLength(1)
    expect(linesOf('listen: !!set {a}')[0]).toMatch(/^x0t\.yaml:1:9: Unresolved tag/)
    expect(linesOf('- a')[0]).toContain('expected settings')
    expect(linesOf('__proto__: {log: 1}\n')[0]).toContain('no such setting')
  })

  // Expanded, the aliases alone would take minutes and gigabytes.
  it('cannot blow up through aliases, depth or length', { timeout: 30_000 }, () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi'].map((pair) => pair.split(''))) {
      bomb.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(', ')}]`)
    }
    expect(linesOf(bomb.join('\n'))[0]).toBe('x0t.yaml:1:7: anchors (&name) are not used in this file')
    expect(linesOf('['.repeat(60_000))[0]).toContain('nested too deeply')
    expect(linesOf('{a: '.repeat(15_000))[0]).toContain('nested too deeply')
    expect(linesOf(Array.from({ length: 8_000 }, (_, n) => `k${n}: 1`).join('\n'))).toHaveLength(20)
  })

  it('never throws, and always says where or what', () => {
    const piece = fc.constantFrom(
      'log',
      'level',
      ':',
      ' ',
      '\n',
      '  ',
      '-',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '!',
      '"',
      "'",
      '|',
      '#',
      '0',
      'listen',
      '---',
      '?',
      '<<',
      '\t',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
        ),
        (text) => {
          for (const problem of problemsOf(text)) expect(problem.message).not.toBe('')
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

describe('the alert channels', () => {
  const mail = (security: string, host = 'mail.example.org'): string =>
    `alerts:\n  - {name: mail, kind: email, host: ${host}, port: 25, security: ${security}, from: a@b.c, to: [d@e.f]}\n`

  it('have a name each, and are told apart by their kind', () => {
    expect(linesOf(mail('starttls'))).toEqual([])
    expect(linesOf(mail('tls') + mail('tls').replace('alerts:\n', ''))).toEqual([
      expect.stringMatching(/alerts: expected each name once/),
    ])
    expect(linesOf('alerts:\n  - {name: a, kind: pager}')).toEqual([
      expect.stringMatching(/alerts\[0\]\.kind: expected webhook, command, email/),
    ])
    expect(linesOf('alerts:\n  - {name: a, kind: slack, secretFile: /s, secretfile: /s}')).toEqual([
      expect.stringMatching(/secretfile: there is no such setting; did you mean 'secretFile'/),
    ])
  })

  it('send neither mail nor a token where others can read it', () => {
    expect(linesOf(mail('none'))).toEqual([expect.stringMatching(/security: expected tls or starttls/)])
    expect(linesOf(mail('none', '127.0.0.1'))).toEqual([])
    const splunk = (url: string): string[] =>
      linesOf(`alerts:\n  - {name: s, kind: splunk, url: '${url}', secretFile: /s}`)
    expect(splunk('http://splunk.example.org:8088')).toEqual([
      expect.stringMatching(/url: expected an https address/),
    ])
    expect(splunk('https://splunk.example.org:8088')).toEqual([])
    expect(splunk('http://127.0.0.1:8088')).toEqual([])
    expect(splunk('http://127.0.0.1.example.org')).toHaveLength(1)
  })
})

it('serves metrics to this machine alone', () => {
  expect(linesOf('metrics: {enabled: true, listen: "0.0.0.0:9464"}')).toEqual([
    expect.stringMatching(/metrics\.listen: expected an address of this machine/),
  ])
  expect(linesOf('metrics: {enabled: true, listen: "[::1]:9000"}')).toEqual([])
})
