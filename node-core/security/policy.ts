import { z } from 'zod'
import {
  type NodeName,
  type PeerId,
  parseNodeName,
  parsePeerId,
  parseServiceName,
  type ServiceName,
} from '../domain/ids.ts'
import type { Role } from '../domain/role.ts'
import { labelSchema, roleSchema } from './certificate.ts'
import { parsedText } from './codec.ts'

/** What version 1 rules on. A later version adds actions here; a document says with `version` which it speaks. */
export const POLICY_ACTIONS = ['use', 'provide', 'transit'] as const
export type PolicyAction = (typeof POLICY_ACTIONS)[number]

const MAX_POLICY_RULES = 256
const MAX_SELECTED = 64

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
    }

/** One rule. Its effect is the key: `allow` or `deny`, with the actions it rules on. */
export interface PolicyRule {
  readonly id: string
  readonly allow?: readonly PolicyAction[] | undefined
  readonly deny?: readonly PolicyAction[] | undefined
  /** Who acts: the consumer, the provider, or the node whose traffic is carried. */
  readonly who: PartySelector
  /** At which node: the provider that is used, or the node that carries. Every member if absent. */
  readonly at?: PartySelector | undefined
  /** For use and provide. Every service if absent or `all`. */
  readonly services?: 'all' | readonly ServiceName[] | undefined
}

/** A parsed policy document, version 1. Nothing is allowed that no rule allows; a rule that denies wins. */
export interface Policy {
  readonly version: 1
  readonly rules: readonly PolicyRule[]
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

export interface PolicyVerdict {
  readonly allow: boolean
  /** The id of the rule that decided; absent when nothing allows it. */
  readonly rule?: string
}

const nonEmpty = <T>(item: z.ZodType<T>): z.ZodType<readonly T[]> => z.array(item).min(1).max(MAX_SELECTED)

const selectorSchema: z.ZodType<PartySelector> = z.union([
  z.literal('members'),
  z
    .strictObject({
      roles: nonEmpty(roleSchema).optional(),
      labels: nonEmpty(labelSchema).optional(),
      nodes: nonEmpty(
        parsedText<NodeName | PeerId>(
          (raw) => parsePeerId(raw) ?? parseNodeName(raw),
          'neither the name of a node nor a PeerId',
        ),
      ).optional(),
    })
    .refine((selector) => Object.keys(selector).length > 0, {
      message: 'an empty selector: say `members` for everyone',
    }),
])

const ruleSchema: z.ZodType<PolicyRule> = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lowercase letters, digits and hyphens'),
    allow: nonEmpty(z.enum(POLICY_ACTIONS)).optional(),
    deny: nonEmpty(z.enum(POLICY_ACTIONS)).optional(),
    who: selectorSchema,
    at: selectorSchema.optional(),
    services: z
      .union([
        z.literal('all'),
        nonEmpty(parsedText<ServiceName>(parseServiceName, 'not the name of a service')),
      ])
      .optional(),
  })
  .refine((rule) => (rule.allow === undefined) !== (rule.deny === undefined), {
    message: 'a rule has either `allow` or `deny`',
  })
  .refine((rule) => rule.services === undefined || !actionsOf(rule).includes('transit'), {
    message: '`services` has no meaning for transit: make it a rule of its own',
  })
  .refine((rule) => rule.at === undefined || !actionsOf(rule).includes('provide'), {
    message: '`at` has no meaning for provide: the provider is `who`',
  })

export const policySchema: z.ZodType<Policy> = z
  .strictObject({ version: z.literal(1), rules: z.array(ruleSchema).max(MAX_POLICY_RULES) })
  .superRefine((policy, context) => {
    const seen = new Set<string>()
    for (const [index, { id }] of policy.rules.entries()) {
      if (seen.has(id)) {
        context.addIssue({
          code: 'custom',
          path: ['rules', index, 'id'],
          message: `a rule above is called ${id} too`,
        })
      }
      seen.add(id)
    }
  })

const actionsOf = (rule: Pick<PolicyRule, 'allow' | 'deny'>): readonly PolicyAction[] =>
  rule.allow ?? rule.deny ?? []

type Match = (request: PolicyRequest) => boolean

interface CompiledRule {
  readonly id: string
  readonly matches: Match
}

type Compiled = Record<
  PolicyAction,
  { readonly deny: readonly CompiledRule[]; readonly allow: readonly CompiledRule[] }
>

/** A policy is immutable and asked a hundred thousand times: its selectors are turned into sets once. */
const compiled = new WeakMap<Policy, Compiled>()

/** Decides one request. Pure: the same policy and request always give the same verdict. Deny by default. */
export function evaluatePolicy(policy: Policy, request: PolicyRequest): PolicyVerdict {
  let rules = compiled.get(policy)
  if (rules === undefined) {
    rules = compile(policy)
    compiled.set(policy, rules)
  }
  const { deny, allow } = rules[request.action]
  for (const rule of deny) if (rule.matches(request)) return { allow: false, rule: rule.id }
  for (const rule of allow) if (rule.matches(request)) return { allow: true, rule: rule.id }
  return { allow: false }
}

function compile(policy: Policy): Compiled {
  const select = (action: PolicyAction, effect: 'allow' | 'deny'): readonly CompiledRule[] =>
    policy.rules
      .filter((rule) => rule[effect]?.includes(action))
      .map((rule) => ({ id: rule.id, matches: compileRule(rule) }))
  const both = (action: PolicyAction): Compiled[PolicyAction] => ({
    deny: select(action, 'deny'),
    allow: select(action, 'allow'),
  })
  return { use: both('use'), provide: both('provide'), transit: both('transit') }
}

function compileRule(rule: PolicyRule): Match {
  const who = compileSelector(rule.who)
  const at = compileSelector(rule.at ?? 'members')
  const services = rule.services === undefined || rule.services === 'all' ? undefined : new Set(rule.services)
  return (request) =>
    who(request.who) &&
    (request.action === 'provide' || at(request.at)) &&
    (services === undefined || (request.action !== 'transit' && services.has(request.service)))
}

function compileSelector(selector: PartySelector): (party: PolicyParty) => boolean {
  if (selector === 'members') return () => true
  const { labels } = selector
  const roles = selector.roles && new Set<Role>(selector.roles)
  const nodes = selector.nodes && new Set<string>(selector.nodes)
  return (party) =>
    (roles === undefined || roles.has(party.role)) &&
    (nodes === undefined || nodes.has(party.name) || nodes.has(party.peerId)) &&
    (labels === undefined || labels.every((label) => party.labels.includes(label)))
}
