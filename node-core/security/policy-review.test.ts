import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import { ROLES } from '../domain/role.ts'
import { flagValue } from './feature-flags.ts'
import { evaluatePolicy, POLICY_ACTIONS, type PolicyParty, type PolicyRequest } from './policy.ts'
import { diffPolicies } from './policy-diff.ts'
import { parsePolicy, STARTING_POLICY } from './policy-document.ts'
import { type ReadPolicy, reviewPolicy, runPolicyTests } from './policy-review.ts'

const party = (
  name: string,
  role: PolicyParty['role'] = 'operator',
  labels: readonly string[] = [],
): PolicyParty => ({
  peerId: `12D3KooW${name}` as PeerId,
  name: name as NodeName,
  role,
  labels,
})
const MEMBERS = [party('anna', 'owner'), party('boris'), party('clara', 'viewer', ['site=berlin'])]

function read(text: string): ReadPolicy {
  const reading = parsePolicy(text)
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems))
  return reading
}
const problemsOf = (text: string) => reviewPolicy(read(text), MEMBERS)
const document = (rest: string) => `version: 1
rules:
  - id: owners-administer
    allow: [administer]
    who: { roles: [owner] }
${rest}`

describe('reviewing a policy', () => {
  it('finds nothing in the starting policy', () => {
    expect(problemsOf(STARTING_POLICY)).toEqual([])
  })

  it('names the line of a member and of a group that nobody knows', () => {
    const text = document(`  - id: use
    allow: [use]
    who: { groups: [desk] }
    at: { nodes: [clara, dora] }
groups:
  desks: { nodes: [emil] }
`)
    expect(problemsOf(text)).toEqual([
      { line: 11, message: 'groups.desks.nodes.0: there is no member emil' },
      { line: 8, message: 'rules.1.who.groups.0: there is no group desk' },
      { line: 9, message: 'rules.1.at.nodes.1: there is no member dora' },
    ])
  })

  it('runs the cases of the document, and says which line fails and which rule decided', () => {
    const text = document(`  - id: berlin-uses-wiki
    allow: [use]
    who: { labels: [site=berlin] }
    services: [wiki]
tests:
  - { allow: use, who: clara, at: anna, service: wiki }
  - { deny: use, who: boris, at: anna, service: wiki }
  - { allow: use, who: clara, at: anna, service: db }
  - { deny: administer, who: { role: owner }, at: boris }
  - { allow: provide, who: boris, service: wiki }
`)
    expect(problemsOf(text)).toEqual([
      { line: 13, message: 'test failed: clara may use db at anna; no rule allows it' },
      {
        line: 14,
        message: 'test failed: an owner may not administer at boris; rule owners-administer allows it',
      },
      { line: 15, message: 'test failed: boris may provide wiki; no rule allows it' },
    ])
    expect(runPolicyTests(read(text).policy, MEMBERS).map(({ passed }) => passed)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('refuses cases that cannot be decided', () => {
    for (const test of [
      '{ allow: use, who: anna, at: boris }',
      '{ allow: use, who: anna, service: wiki }',
      '{ allow: provide, who: anna, at: boris, service: wiki }',
      '{ allow: transit, who: anna, at: boris, service: wiki }',
      '{ allow: use, deny: use, who: anna, at: boris, service: wiki }',
    ]) {
      expect(parsePolicy(document(`tests: [${test}]\n`)).ok).toBe(false)
    }
  })

  it('does not let the last owner be locked out, by a rule or by the lack of one', () => {
    expect(problemsOf('version: 1\nrules: []\n')).toEqual([
      {
        line: 2,
        message: 'this would lock out the last owner: none could administer anna (no rule lets one)',
      },
    ])
    expect(
      problemsOf(
        document('  - { id: hands-off, deny: [administer], who: members, at: { nodes: [clara] } }\n'),
      ),
    ).toEqual([
      {
        line: 6,
        message: 'this would lock out the last owner: none could administer clara (rule hands-off denies it)',
      },
    ])
  })
})

describe('who gains and who loses', () => {
  const SERVICES = ['wiki', 'db'] as ServiceName[]
  const diff = (before: string, after: string) =>
    diffPolicies(read(before).policy, read(after).policy, MEMBERS, SERVICES)

  it('is nobody when nothing changes', () => {
    expect(diff(STARTING_POLICY, STARTING_POLICY)).toEqual([])
  })

  it('names members, services and the rule that decides', () => {
    const after = `${STARTING_POLICY}  - { id: no-db-in-berlin, deny: [use], who: { labels: [site=berlin] }, services: [db] }\n`
    expect(diff(STARTING_POLICY, after)).toEqual([
      {
        ...{ change: 'loses', action: 'use', who: ['clara'], at: ['anna', 'boris', 'clara'] },
        ...{ service: 'db', rule: 'no-db-in-berlin' },
      },
    ])
    expect(diff(after, STARTING_POLICY)).toMatchObject([
      { change: 'gains', service: 'db', rule: 'members-use-every-service' },
    ])
  })

  const LABELS = ['site=berlin', 'kiosk']
  const anySelector = fc.oneof(
    fc.constant('members' as const),
    fc.record({ roles: fc.subarray([...ROLES], { minLength: 1 }) }),
    fc.record({ labels: fc.subarray(LABELS, { minLength: 1 }) }),
    fc.record({
      nodes: fc.subarray(
        MEMBERS.map(({ name }) => name),
        { minLength: 1 },
      ),
    }),
  )
  const anyPolicy = fc
    .array(
      fc.record(
        {
          effect: fc.constantFrom('allow', 'deny'),
          actions: fc.subarray([...POLICY_ACTIONS], { minLength: 1 }),
          who: anySelector,
          at: anySelector,
          services: fc.subarray(SERVICES, { minLength: 1 }),
        },
        { requiredKeys: ['effect', 'actions', 'who'] },
      ),
      { maxLength: 5 },
    )
    .map((rules) => ({
      version: 1 as const,
      rules: rules.map(({ effect, actions, ...rest }, index) => ({
        id: `r${index}`,
        ...rest,
        [effect]: actions,
      })),
    }))

  it('is what asking for every member, node and service by itself says', () => {
    fc.assert(
      fc.property(anyPolicy, anyPolicy, (before, after) => {
        const changes = diffPolicies(before, after, MEMBERS, SERVICES)
        const told = new Set(
          changes.flatMap(({ change, action, who, at, service }) =>
            who.flatMap((name) =>
              (at.length === 0 ? [''] : at).map((place) =>
                [change, action, name, place, service ?? ''].join(' '),
              ),
            ),
          ),
        )
        const asked = new Set<string>()
        const ask = (request: PolicyRequest, place: string, service: string): void => {
          const [was, is] = [evaluatePolicy(before, request).allow, evaluatePolicy(after, request).allow]
          if (was === is) return
          asked.add([is ? 'gains' : 'loses', request.action, request.who.name, place, service].join(' '))
        }
        for (const who of MEMBERS) {
          for (const service of [...SERVICES, '*' as ServiceName]) {
            ask({ action: 'provide', who, service }, '', service)
            for (const at of MEMBERS) ask({ action: 'use', who, at, service }, at.name, service)
          }
          for (const at of MEMBERS) {
            for (const action of ['transit', 'administer', 'heal'] as const)
              ask({ action, who, at }, at.name, '')
          }
        }
        expect(told).toEqual(asked)
      }),
      { numRuns: 500 },
    )
  })
})

describe('feature flags', () => {
  it('are on by label before everywhere before the default, and say which', () => {
    const { policy } = read(`${STARTING_POLICY}
flags:
  automatic-healing:
    everywhere: false
    labels: { site=berlin: true }
`)
    expect(flagValue(policy.flags, 'automatic-healing', ['site=berlin'])).toEqual({
      value: true,
      because: 'label site=berlin',
    })
    expect(flagValue(policy.flags, 'automatic-healing', [])).toEqual({ value: false, because: 'everywhere' })
    expect(flagValue(policy.flags, 'remote-control', [])).toEqual({ value: true, because: 'default' })
    expect(flagValue(undefined, 'remote-control', [])).toEqual({ value: true, because: 'default' })
  })

  it('that do not exist or have another type are refused with their line', () => {
    const reading = parsePolicy(`${STARTING_POLICY}flags:\n  warp-speed: { everywhere: true }\n`)
    expect(reading).toMatchObject({ ok: false })
    expect(parsePolicy(`${STARTING_POLICY}flags:\n  remote-control: { everywhere: 3 }\n`)).toMatchObject({
      ok: false,
      problems: [{ line: STARTING_POLICY.split('\n').length + 1 }],
    })
  })
})
