import type { NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import type { Role } from '../domain/role.ts'
import type { FlagSettings } from './feature-flags.ts'

/**
 * What version 1 rules on. `administer`: change a node from another one. `heal`: have a node do a step of a repair
 * that another one coordinates. A later version adds actions here; a document says with `version` which it speaks.
 */
export const POLICY_ACTIONS = ['use', 'provide', 'transit', 'administer', 'heal'] as const
export type PolicyAction = (typeof POLICY_ACTIONS)[number]

/** `members`: every member. Otherwise all the kinds that are given must match. */
export type PartySelector =
  | 'members'
  | {
      /** One of these roles. */
      readonly roles?: readonly Role[] | undefined
      /** All of these labels. */
      readonly labels?: readonly string[] | undefined
      /** One of these nodes, by name or PeerId. */
      readonly nodes?: readonly (NodeName | PeerId)[] | undefined
      /** In one of these groups of the document. */
      readonly groups?: readonly string[] | undefined
    }

/** A group is a selector with a name; it names no groups itself. */
export type PolicyGroup = Exclude<PartySelector, 'members'>

/** Who a case of the document is about: a member by name or PeerId, or anybody with this role and these labels. */
export type PolicySubject =
  | NodeName
  | PeerId
  | { readonly role: Role; readonly labels?: readonly string[] | undefined }

/** A case that the document has to decide as it says. Its effect is the key, as in a rule. */
export interface PolicyTest {
  readonly allow?: PolicyAction | undefined
  readonly deny?: PolicyAction | undefined
  readonly who: PolicySubject
  /** For everything but provide. */
  readonly at?: PolicySubject | undefined
  /** For use and provide. */
  readonly service?: ServiceName | undefined
}

/** One rule. Its effect is the key: `allow` or `deny`, with the actions it rules on. */
export interface PolicyRule {
  readonly id: string
  readonly allow?: readonly PolicyAction[] | undefined
  readonly deny?: readonly PolicyAction[] | undefined
  /** Who acts: the consumer, the provider, or the node whose traffic is carried. */
  readonly who: PartySelector
  /** At which node: the provider that is used, the node that carries, is administered or healed. Every member if absent. */
  readonly at?: PartySelector | undefined
  /** For use and provide. Every service if absent or `all`. */
  readonly services?: 'all' | readonly ServiceName[] | undefined
}

/** A parsed policy document, version 1. Nothing is allowed that no rule allows; a rule that denies wins. */
export interface Policy {
  readonly version: 1
  readonly groups?: Readonly<Record<string, PolicyGroup>> | undefined
  readonly rules: readonly PolicyRule[]
  readonly tests?: readonly PolicyTest[] | undefined
  readonly flags?: FlagSettings | undefined
}

/** A member as its certificate describes it. A `Certificate` fits. */
export interface PolicyParty {
  readonly peerId: PeerId
  readonly name: NodeName
  readonly role: Role
  readonly labels: readonly string[]
}

export type PolicyRequest =
  | {
      readonly action: 'use'
      readonly who: PolicyParty
      readonly at: PolicyParty
      readonly service: ServiceName
    }
  | { readonly action: 'provide'; readonly who: PolicyParty; readonly service: ServiceName }
  /** `who` is the node whose traffic `at` carries. */
  | { readonly action: 'transit'; readonly who: PolicyParty; readonly at: PolicyParty }
  | { readonly action: 'administer' | 'heal'; readonly who: PolicyParty; readonly at: PolicyParty }

export interface PolicyVerdict {
  readonly allow: boolean
  /** The id of the rule that decided; absent when nothing allows it. */
  readonly rule?: string
}

type Selects = (party: PolicyParty) => boolean

interface CompiledRule {
  readonly id: string
  readonly who: Selects
  readonly at: Selects
  /** `undefined` for every service. */
  readonly services: ReadonlySet<ServiceName> | undefined
}

/** The rules of one action and effect that speak of a party, by the service that they speak of. */
interface PartyRules {
  readonly everyService: readonly CompiledRule[]
  readonly byService: ReadonlyMap<ServiceName, readonly CompiledRule[]>
}

interface Effects<T> {
  readonly deny: T
  readonly allow: T
}

interface CompiledAction extends Effects<readonly CompiledRule[]> {
  /** By the very object: a certificate does not change, and a node asks for the same few parties again and again. */
  readonly ofParty: WeakMap<PolicyParty, Effects<PartyRules>>
}

/** A policy is immutable and asked a hundred thousand times: its selectors are turned into sets once. */
const compiled = new WeakMap<Policy, Record<PolicyAction, CompiledAction>>()

/** Decides one request. Pure: the same policy and request always give the same verdict. Deny by default. */
export function evaluatePolicy(policy: Policy, request: PolicyRequest): PolicyVerdict {
  let rules = compiled.get(policy)
  if (rules === undefined) {
    rules = compile(policy)
    compiled.set(policy, rules)
  }
  const { deny, allow } = rulesOfParty(rules[request.action], request.who)
  const denied = firstMatch(deny, request)
  if (denied !== undefined) return { allow: false, rule: denied.id }
  const allowed = firstMatch(allow, request)
  return allowed === undefined ? { allow: false } : { allow: true, rule: allowed.id }
}

function firstMatch(
  { everyService, byService }: PartyRules,
  request: PolicyRequest,
): CompiledRule | undefined {
  const about = 'service' in request ? (byService.get(request.service) ?? everyService) : everyService
  if (request.action === 'provide') return about[0]
  for (const rule of about) if (rule.at(request.at)) return rule
  return undefined
}

function rulesOfParty(action: CompiledAction, who: PolicyParty): Effects<PartyRules> {
  const known = action.ofParty.get(who)
  if (known !== undefined) return known
  const rules = { deny: partyRules(action.deny, who), allow: partyRules(action.allow, who) }
  action.ofParty.set(who, rules)
  return rules
}

function partyRules(rules: readonly CompiledRule[], who: PolicyParty): PartyRules {
  const own = rules.filter((rule) => rule.who(who))
  const named = new Set(own.flatMap(({ services }) => [...(services ?? [])]))
  const about = (service: ServiceName): readonly CompiledRule[] =>
    own.filter(({ services }) => services === undefined || services.has(service))
  return {
    everyService: own.filter(({ services }) => services === undefined),
    byService: new Map([...named].map((service) => [service, about(service)])),
  }
}

function compile(policy: Policy): Record<PolicyAction, CompiledAction> {
  const groups = compileGroups(policy)
  const select = (action: PolicyAction, effect: 'allow' | 'deny'): readonly CompiledRule[] =>
    policy.rules.filter((rule) => rule[effect]?.includes(action)).map((rule) => compileRule(rule, groups))
  const both = (action: PolicyAction): CompiledAction => ({
    deny: select(action, 'deny'),
    allow: select(action, 'allow'),
    ofParty: new WeakMap(),
  })
  return {
    use: both('use'),
    provide: both('provide'),
    transit: both('transit'),
    administer: both('administer'),
    heal: both('heal'),
  }
}

const NO_GROUPS: ReadonlyMap<string, Selects> = new Map()

const compileGroups = ({ groups }: Policy): ReadonlyMap<string, Selects> =>
  new Map(Object.entries(groups ?? {}).map(([name, group]) => [name, compileSelector(group, NO_GROUPS)]))

const compileRule = (rule: PolicyRule, groups: ReadonlyMap<string, Selects>): CompiledRule => ({
  id: rule.id,
  who: compileSelector(rule.who, groups),
  at: compileSelector(rule.at ?? 'members', groups),
  services: rule.services === undefined || rule.services === 'all' ? undefined : new Set(rule.services),
})

function compileSelector(selector: PartySelector, groups: ReadonlyMap<string, Selects>): Selects {
  if (selector === 'members') return () => true
  const { labels } = selector
  // A group that the document does not define has nobody in it; whoever writes one is told.
  const inGroup = selector.groups?.map((name) => groups.get(name) ?? (() => false))
  const roles = selector.roles && new Set<Role>(selector.roles)
  const nodes = selector.nodes && new Set<string>(selector.nodes)
  return (party) =>
    (roles === undefined || roles.has(party.role)) &&
    (nodes === undefined || nodes.has(party.name) || nodes.has(party.peerId)) &&
    (labels === undefined || labels.every((label) => party.labels.includes(label))) &&
    (inGroup === undefined || inGroup.some((selects) => selects(party)))
}

/** Whom a selector of this policy selects. */
export function selects(policy: Policy, selector: PartySelector, party: PolicyParty): boolean {
  return compileSelector(selector, compileGroups(policy))(party)
}
