import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_POLICY_BYTES, type PolicyProblem, parsePolicy, STARTING_POLICY } from './policy-document.ts'

function problems(text: string): readonly PolicyProblem[] {
  const reading = parsePolicy(text)
  return reading.ok ? [] : reading.problems
}

const withRule = (...lines: string[]): string =>
  ['version: 1', 'rules:', '  - id: one', ...lines.map((line) => `    ${line}`)].join('\n')

describe('parsePolicy', () => {
  it('reads the starting policy', () => {
    expect(parsePolicy(STARTING_POLICY).ok).toBe(true)
  })

  it.each<[string, string, number, RegExp]>([
    ['an unknown key at the top', 'version: 1\nrules: []\nrulez: []', 3, /rulez: unknown key/],
    [
      'an unknown key in a rule',
      withRule('allow: [use]', 'who: members', 'servises: all'),
      6,
      /rules.0.servises: unknown key/,
    ],
    [
      'an unknown key in a selector',
      withRule('allow: [use]', 'who: { role: [owner] }'),
      5,
      /who.role: unknown key/,
    ],
    ['an unknown action', withRule('allow: [fly]', 'who: members'), 4, /allow/],
    ['an unknown role', withRule('allow: [use]', 'who: { roles: [root] }'), 5, /who.roles.0: .*owner/],
    ['a rule with neither effect', withRule('who: members'), 3, /either `allow` or `deny`/],
    ['a rule with both effects', withRule('allow: [use]', 'deny: [use]', 'who: members'), 3, /either/],
    ['a rule for nobody in particular', withRule('allow: [use]'), 3, /who/],
    ['an empty selector', withRule('allow: [use]', 'who: {}'), 5, /empty selector/],
    ['an empty list', withRule('allow: []', 'who: members'), 4, /allow/],
    ['services for transit', withRule('allow: [transit]', 'who: members', 'services: all'), 3, /transit/],
    ['a place for provide', withRule('allow: [provide]', 'who: members', 'at: members'), 3, /provide/],
    ['another version', 'version: 2\nrules: []', 1, /version/],
    ['no version', 'rules: []', 0, /version/],
    [
      'two rules of one name',
      `${withRule('allow: [use]', 'who: members')}\n  - { id: one, allow: [use], who: members }`,
      6,
      /called one too/,
    ],
    ['a key twice', 'version: 1\nversion: 1\nrules: []', 2, /unique/i],
    ['broken YAML', 'version: 1\nrules: [', 2, /./],
    ['a list at the top', '- 1', 0, /./],
    ['nothing', '', 0, /./],
    ['two documents', 'version: 1\nrules: []\n---\nversion: 1', 3, /./],
  ])('refuses %s and names the line', (_what, text, line, message) => {
    const found = problems(text)
    expect(found.length).toBeGreaterThan(0)
    expect(found.map((problem) => problem.message).join('\n')).toMatch(message)
    expect(found[0]?.line).toBe(line)
  })

  it('refuses aliases, so that a small text cannot become a large value', () => {
    const text = `${withRule('allow: &a [use]', 'who: members')}\n  - { id: two, allow: *a, who: members }`
    expect(problems(text)).toHaveLength(1)
  })

  it('refuses tags, so that nothing but plain data comes of a document', () => {
    expect(problems('version: !!js/function 1\nrules: []').length).toBeGreaterThan(0)
  })

  it('refuses what is too large or nested too deep, without throwing', () => {
    expect(problems(`# ${'x'.repeat(MAX_POLICY_BYTES)}`)).toHaveLength(1)
    expect(problems('['.repeat(30_000))).not.toHaveLength(0)
    expect(problems('{a: '.repeat(7_000))).not.toHaveLength(0)
    expect(problems(`${'- '.repeat(15_000)}1`)).not.toHaveLength(0)
  })

  it('refuses more rules than it can hold and reports at most twenty problems', () => {
    const rules = Array.from(
      { length: 257 },
      (_, index) => `  - { id: r${index}, allow: [use], who: members }`,
    )
    expect(parsePolicy(['version: 1', 'rules:', ...rules.slice(1)].join('\n')).ok).toBe(true)
    expect(problems(['version: 1', 'rules:', ...rules].join('\n'))).toHaveLength(1)
    const wrong = Array.from({ length: 50 }, (_, index) => `  - { id: r${index}, who: members }`)
    expect(problems(['version: 1', 'rules:', ...wrong].join('\n'))).toHaveLength(20)
  })

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json()), (text) => {
        parsePolicy(text)
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.nat(STARTING_POLICY.length), fc.string({ maxLength: 4 }), (at, insert) => {
        parsePolicy(STARTING_POLICY.slice(0, at) + insert + STARTING_POLICY.slice(at + 1))
      }),
      { numRuns: 500 },
    )
  })
})
