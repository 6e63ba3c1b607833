import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAnonymiser } from './anonymiser.ts'

const PEER = `12D3KooW${'A'.repeat(44)}`

describe('an anonymous text', () => {
  it('has the same made-up name for the same real one, in whatever case', () => {
    const { text } = createAnonymiser([
      { kind: 'node', value: 'ada' },
      { kind: 'node', value: 'boris' },
    ])
    expect(text('Link between ada and boris is down')).toBe('Link between node-1 and node-2 is down')
    expect(text('ADA lost Boris; adaptive')).toBe('node-1 lost node-2; adaptive')
  })

  it('takes the longer of two names that begin alike', () => {
    const { text } = createAnonymiser(['ada', 'ada-2'].map((value) => ({ kind: 'node', value })))
    expect(text('ada-2 lost ada')).toBe('node-1 lost node-2')
  })

  it('has no address, id, host or token, known or not', () => {
    const { text } = createAnonymiser([])
    for (const secret of [
      `/ip4/192.168.1.7/tcp/4001/p2p/${PEER}`,
      'fe80::1ff:fe23:4567:890a',
      '2001:db8:0:1:1:1:1:1',
      'anna.k@mail.example.org',
      'getaddrinfo ENOTFOUND splunk',
      '/dns4/nas.fritz.box/tcp/1',
      'https://hooks.slack.com/services/x',
      `x0t1${'ab2'.repeat(30)}`,
      'ab'.repeat(32),
    ]) {
      const shown = text(`before ${secret} after`)
      expect(shown).toMatch(/^before .* after$/)
      for (const part of [
        '192.168',
        PEER,
        'fe80',
        '2001:db8',
        'anna',
        'splunk',
        'fritz',
        'slack',
        'x0t1',
        'abab',
      ])
        expect(shown).not.toContain(part)
    }
  })

  it('keeps what says nothing about anybody', () => {
    const { text } = createAnonymiser([{ kind: 'user', value: 'root' }])
    const kept =
      'x0t.yaml: the root cause at 2026-11-25T03:01:36.123Z was 127.0.0.1:9464 in version 24.21.0, 12:30:01 later'
    expect(text(kept)).toBe(kept)
  })

  it('has none of the known names, whatever they are and wherever they stand', () => {
    const name = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?$/)
    const names = fc.uniqueArray(name, { minLength: 1, maxLength: 8 })
    const between = fc.stringMatching(/^[ :,"'./@()]{1,3}$/)
    fc.assert(
      fc.property(names, between, (known, gap) => {
        fc.pre(known.every((one) => !/^who|^who-\d+$|^\d+$/.test(one)))
        const { text } = createAnonymiser(known.map((value) => ({ kind: 'who', value })))
        const shown = text(`${gap}${known.join(gap)}${gap}`)
        const left = shown.split(/[^a-z0-9-]+/).filter((word) => known.includes(word))
        expect(left).toEqual([])
      }),
      { seed: 20_261_125, numRuns: 300 },
    )
  })
})

describe('an anonymous document', () => {
  it('keeps its fields and figures, and hides what people wrote and where things lead', () => {
    const { json } = createAnonymiser([{ kind: 'node', value: 'ada' }])
    const document = {
      ...{ title: 'ada is down', severity: 'critical', at: 1_700_000_000_000, open: true },
      people: { owner: 'anna', notes: [{ by: 'anna', text: 'call Mr. Smith', at: 5 }], silencedUntil: null },
      ...{ labels: ['site=berlin'], chat: -100_123, target: 'db.corp:5432', host: '127.0.0.1', to: 7 },
    }
    expect(json(document)).toEqual({
      ...{ title: 'node-1 is down', severity: 'critical', at: 1_700_000_000_000, open: true },
      people: { owner: 'owner-1', notes: ['notes-1'], silencedUntil: null },
      ...{ labels: ['labels-1'], chat: 'chat-1', target: 'target-1', host: '127.0.0.1', to: 7 },
    })
  })
})
