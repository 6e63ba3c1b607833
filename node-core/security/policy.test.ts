import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { securityWorld } from '../../tests/helpers/security-world.ts'
import type { NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import { ROLES } from '../domain/role.ts'
import {
  evaluatePolicy,
  type PartySelector,
  POLICY_ACTIONS,
  type Policy,
  type PolicyParty,
  type PolicyRequest,
  type PolicyRule,
} from './policy.ts'
import { parsePolicy, STARTING_POLICY } from './policy-document.ts'

const service = (name: string): ServiceName => name as ServiceName
const party = (changes: Partial<PolicyParty> = {}): PolicyParty => ({
  peerId: '12D3KooWtest' as PeerId,
  name: 'laptop' as NodeName,
  role: 'operator',
  labels: [],
  ...changes,
})
const use = (who = party(), at = party(), name = 'files'): PolicyRequest => ({
  action: 'use',
  who,
  at,
  service: service(name),
})
const policy = (...rules: Partial<PolicyRule>[]): Policy => ({
  version: 1,
  rules: rules.map((rule, index) => ({ id: `r${index}`, who: 'members', ...rule })),
})

function read(text: string): Policy {
  const reading = parsePolicy(text)
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems))
  return reading.policy
}

/** The specification in the plainest words: no sets, no compilation, one pass per effect. */
function reference({ rules, groups }: Policy, request: PolicyRequest): { allow: boolean; rule?: string } {
  const selects = (selector: PartySelector | undefined, one: PolicyParty | undefined): boolean => {
    if (selector === undefined || selector === 'members' || one === undefined) return true
    if (selector.roles && !selector.roles.some((role) => role === one.role)) return false
    if (selector.labels?.some((label) => !one.labels.includes(label))) return false
    if (selector.groups && !selector.groups.some((name) => groups?.[name] && selects(groups[name], one)))
      return false
    return !selector.nodes || selector.nodes.some((node) => node === one.name || node === one.peerId)
  }
  const applies = (rule: PolicyRule, effect: 'allow' | 'deny'): boolean => {
    if (!(rule[effect] ?? []).includes(request.action)) return false
    if (!selects(rule.who, request.who)) return false
    if (!selects(rule.at, 'at' in request ? request.at : undefined)) return false
    if (rule.services === undefined || rule.services === 'all') return true
    return 'service' in request && rule.services.includes(request.service)
  }
  const denied = rules.find((rule) => applies(rule, 'deny'))
  if (denied) return { allow: false, rule: denied.id }
  const allowed = rules.find((rule) => applies(rule, 'allow'))
  return allowed ? { allow: true, rule: allowed.id } : { allow: false }
}

const names = ['laptop', 'desktop', 'server'] as NodeName[]
const peers = ['12D3KooWa', '12D3KooWb', '12D3KooWc'] as PeerId[]
const labels = ['gpu', 'site=berlin', 'kiosk']
const services = ['files', 'db', 'web'].map(service)

const some = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1 })
const anyParty = fc.record({
  peerId: fc.constantFrom(...peers),
  name: fc.constantFrom(...names),
  role: fc.constantFrom(...ROLES),
  labels: fc.subarray(labels),
})
const anySelector: fc.Arbitrary<PartySelector> = fc.oneof(
  fc.constant('members' as const),
  fc.record(
    {
      roles: some(ROLES),
      labels: some(labels),
      nodes: some([...names, ...peers]),
      groups: some(['desks', 'berlin', 'nobody-defined-it']),
    },
    { requiredKeys: [] },
  ),
)
const anyRule = fc
  .record(
    {
      effect: fc.constantFrom('allow' as const, 'deny' as const),
      actions: some(POLICY_ACTIONS),
      who: anySelector,
      at: anySelector,
      services: fc.oneof(fc.constant('all' as const), some(services)),
    },
    { requiredKeys: ['effect', 'actions', 'who'] },
  )
  .map(({ effect, actions, ...rest }) => ({ ...rest, [effect]: actions }))
const groups = {
  desks: { nodes: [names[0] ?? '', names[1] ?? ''] as NodeName[] },
  berlin: { labels: ['site=berlin'], roles: ['operator', 'admin'] as const },
}
const anyPolicy = fc
  .array(anyRule, { maxLength: 8 })
  .map((rules): Policy => ({ ...policy(...rules), groups }))
const anyRequest: fc.Arbitrary<PolicyRequest> = fc.oneof(
  fc.record({
    action: fc.constant('use' as const),
    who: anyParty,
    at: anyParty,
    service: fc.constantFrom(...services),
  }),
  fc.record({
    action: fc.constant('provide' as const),
    who: anyParty,
    service: fc.constantFrom(...services),
  }),
  fc.record({
    action: fc.constantFrom('transit' as const, 'administer' as const, 'heal' as const),
    who: anyParty,
    at: anyParty,
  }),
)

describe('evaluatePolicy', () => {
  it('denies everything when no rule allows it', () => {
    fc.assert(fc.property(anyRequest, (request) => !evaluatePolicy(policy(), request).allow))
  })

  it('says what the plain reading of the rules says, and names the same rule', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (rules, request) => {
        expect(evaluatePolicy(rules, request)).toEqual(reference(rules, request))
      }),
      { numRuns: 5_000 },
    )
  })

  it('never allows more by adding a rule that denies', () => {
    fc.assert(
      fc.property(anyPolicy, anyRule, anyRequest, (rules, extra, request) => {
        if ('allow' in extra) return true
        const stricter: Policy = { ...rules, rules: [...rules.rules, { id: 'extra', ...extra }] }
        return !evaluatePolicy(stricter, request).allow || evaluatePolicy(rules, request).allow
      }),
    )
  })

  it('lets a rule that denies win over one that allows, in either order', () => {
    const allow = { id: 'a', allow: ['use'] as const }
    const deny = { id: 'd', deny: ['use'] as const, who: { labels: ['kiosk'] } }
    for (const rules of [policy(allow, deny), policy(deny, allow)]) {
      expect(evaluatePolicy(rules, use())).toEqual({ allow: true, rule: 'a' })
      expect(evaluatePolicy(rules, use(party({ labels: ['kiosk'] })))).toEqual({ allow: false, rule: 'd' })
    }
  })

  it('selects the consumer by role, label and node, and the provider by `at`', () => {
    const rules = policy({
      allow: ['use'],
      who: { roles: ['owner', 'admin'], labels: ['gpu', 'site=berlin'] },
      at: { nodes: ['server' as NodeName] },
      services: [service('db')],
    })
    const consumer = party({ role: 'admin', labels: ['gpu', 'kiosk', 'site=berlin'] })
    const provider = party({ name: 'server' as NodeName })
    expect(evaluatePolicy(rules, use(consumer, provider, 'db')).allow).toBe(true)
    expect(evaluatePolicy(rules, use(consumer, provider, 'files')).allow).toBe(false)
    expect(evaluatePolicy(rules, use(consumer, party(), 'db')).allow).toBe(false)
    expect(evaluatePolicy(rules, use({ ...consumer, role: 'operator' }, provider, 'db')).allow).toBe(false)
    expect(evaluatePolicy(rules, use({ ...consumer, labels: ['gpu'] }, provider, 'db')).allow).toBe(false)
  })

  it('keeps use, provide and transit apart', () => {
    const only = policy({ allow: ['provide'], services: [service('files')] })
    expect(evaluatePolicy(only, { action: 'provide', who: party(), service: service('files') }).allow).toBe(
      true,
    )
    expect(evaluatePolicy(only, { action: 'provide', who: party(), service: service('db') }).allow).toBe(
      false,
    )
    expect(evaluatePolicy(only, use()).allow).toBe(false)
    expect(evaluatePolicy(only, { action: 'transit', who: party(), at: party() }).allow).toBe(false)
  })

  it('takes a certificate for a party', () => {
    const { leaf } = securityWorld(13).founder.chain
    const owners = policy({ allow: ['use'], who: { roles: ['owner'], nodes: [leaf.peerId] } })
    expect(evaluatePolicy(owners, use(leaf, leaf)).allow).toBe(true)
  })
})

describe('the starting policy', () => {
  let starting: Policy
  beforeAll(() => {
    starting = read(STARTING_POLICY)
  })

  it('lets every member use, provide and carry everything, whatever its role', () => {
    fc.assert(
      fc.property(
        anyRequest,
        (request) => request.action === 'administer' || evaluatePolicy(starting, request).allow,
      ),
    )
  })

  it('lets owners, admins and operators administer nodes, and nobody else', () => {
    for (const role of ROLES) {
      const request = { action: 'administer', who: party({ role }), at: party() } as const
      expect(evaluatePolicy(starting, request).allow).toBe(['owner', 'admin', 'operator'].includes(role))
    }
  })

  it('says so in rules that an operator can find by name', () => {
    expect(evaluatePolicy(starting, use()).rule).toBe('members-use-every-service')
    expect(starting.rules.map((rule) => rule.id)).toEqual([
      'members-use-every-service',
      'members-provide-every-service',
      'members-carry-for-each-other',
      'roles-administer-nodes',
      'members-help-each-other-to-heal',
    ])
  })
})
