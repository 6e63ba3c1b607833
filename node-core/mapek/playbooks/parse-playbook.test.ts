import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_PLAYBOOK_BYTES, parsePlaybook } from './parse-playbook.ts'

const GOOD = `x0t: 1
playbook: around
version: 2
title: Lead traffic around
about: Says why.
trigger:
  symptoms: [link-down]
risk: low
steps:
  - id: away
    do: reroute
    on: ends
    with: { for: 30s }
    undo: { do: release-route }
  - id: dial
    do: redial
    after: [away]
    timeout: 2s
    attempts: 3
`

const problemsOf = (text: string): readonly string[] => {
  const result = parsePlaybook(text, 'a.yaml')
  return result.ok ? [] : result.problems
}

describe('a playbook file', () => {
  it('is read with its durations in milliseconds and its defaults', () => {
    const result = parsePlaybook(GOOD, 'a.yaml')
    expect(result).toMatchObject({
      ok: true,
      playbook: {
        mode: 'auto',
        guards: { cooldown: 30_000, 'blast-radius': 8 },
        verify: { expect: 'delivery', within: 15_000 },
        steps: [
          { id: 'away', after: [], timeout: 10_000 },
          { attempts: 3, timeout: 2_000 },
        ],
      },
    })
  })

  it.each([
    [
      'a setting that there is not',
      'risk: low',
      'risk: low\nrun: /bin/sh',
      'a.yaml:9:6: Unrecognized key: "run"',
    ],
    ['an action that there is not', 'do: redial', 'do: shell', /^a\.yaml:16:9: steps\.1\.do: /],
    [
      'a number without a unit',
      'timeout: 2s',
      'timeout: 2',
      /^a\.yaml:18:14: steps\.1\.timeout: expected a duration/,
    ],
    [
      'a step that waits for one below it',
      'undo: {',
      'after: [dial]\n    undo: {',
      /steps\.0\.after\.0: 'dial' is no step above/,
    ],
    ['a step that waits for itself', 'after: [away]', 'after: [dial]', /'dial' is no step above/],
    ['two steps of one name', 'id: dial', 'id: away', /steps\.1\.id: 'away' is there twice/],
    ['a missing part', 'risk: low\n', '', /^a\.yaml:1:1: risk: /],
    ['broken YAML', 'title: Lead', 'title: [Lead', /^a\.yaml:\d+:\d+: /],
  ])('names the line of %s', (_what, from, to, problem) => {
    const text = GOOD.replace(from, to)
    expect(text).not.toBe(GOOD)
    const [first] = problemsOf(text)
    if (typeof problem === 'string') expect(first).toBe(problem)
    else expect(first).toMatch(problem)
  })

  it('is refused when it is larger than any playbook, or a bomb of aliases', () => {
    expect(problemsOf('#'.repeat(MAX_PLAYBOOK_BYTES + 1))[0]).toMatch(/bytes/)
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${'bcdefghij'
      .split('')
      .map((letter, at) => `${letter}: &${letter} [${Array(10).fill(`*${'abcdefghi'[at]}`).join(', ')}]`)
      .join('\n')}`
    expect(problemsOf(bomb)[0]).toMatch(/cannot be read|alias/i)
  })

  it('never throws, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), (text) => {
        expect(parsePlaybook(text, 'a.yaml').ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})
