import { z } from 'zod'
import {
  type NodeName,
  type PeerId,
  parseNodeName,
  parsePeerId,
  parseServiceName,
  type ServiceName,
} from '../domain/ids.ts'
import { labelSchema, roleSchema } from './certificate.ts'
import { parsedText } from './codec.ts'
import { flagSettingsSchema } from './feature-flags.ts'
import {
  type PartySelector,
  POLICY_ACTIONS,
  type Policy,
  type PolicyAction,
  type PolicyGroup,
  type PolicyRule,
  type PolicySubject,
  type PolicyTest,
} from './policy.ts'

const MAX_POLICY_RULES = 256
const MAX_SELECTED = 64
const MAX_GROUPS = 64
const MAX_TESTS = 256

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lowercase letters, digits and hyphens')
const nodeSchema = parsedText<NodeName | PeerId>(
  (raw) => parsePeerId(raw) ?? parseNodeName(raw),
  'neither the name of a node nor a PeerId',
)
const serviceSchema = parsedText<ServiceName>(parseServiceName, 'not the name of a service')

const nonEmpty = <T>(item: z.ZodType<T>): z.ZodType<readonly T[]> => z.array(item).min(1).max(MAX_SELECTED)

const groupShape = {
  roles: nonEmpty(roleSchema).optional(),
  labels: nonEmpty(labelSchema).optional(),
  nodes: nonEmpty(nodeSchema).optional(),
}
const isGiven = (selector: object): boolean => Object.keys(selector).length > 0
const EMPTY = { message: 'an empty selector: say `members` for everyone' }

const groupSchema: z.ZodType<PolicyGroup> = z.strictObject(groupShape).refine(isGiven, EMPTY)

const selectorSchema: z.ZodType<PartySelector> = z.union([
  z.literal('members'),
  z.strictObject({ ...groupShape, groups: nonEmpty(nameSchema).optional() }).refine(isGiven, EMPTY),
])

const ruleSchema: z.ZodType<PolicyRule> = z
  .strictObject({
    id: nameSchema,
    allow: nonEmpty(z.enum(POLICY_ACTIONS)).optional(),
    deny: nonEmpty(z.enum(POLICY_ACTIONS)).optional(),
    who: selectorSchema,
    at: selectorSchema.optional(),
    services: z.union([z.literal('all'), nonEmpty(serviceSchema)]).optional(),
  })
  .refine((rule) => (rule.allow === undefined) !== (rule.deny === undefined), {
    message: 'a rule has either `allow` or `deny`',
  })
  .refine((rule) => rule.services === undefined || actionsOf(rule).every(isAboutService), {
    message:
      '`services` has a meaning for use and provide alone: give transit and the others a rule of their own',
  })
  .refine((rule) => rule.at === undefined || !actionsOf(rule).includes('provide'), {
    message: '`at` has no meaning for provide: the provider is `who`',
  })

const subjectSchema: z.ZodType<PolicySubject> = z.union([
  nodeSchema,
  z.strictObject({ role: roleSchema, labels: nonEmpty(labelSchema).optional() }),
])

const testSchema: z.ZodType<PolicyTest> = z
  .strictObject({
    allow: z.enum(POLICY_ACTIONS).optional(),
    deny: z.enum(POLICY_ACTIONS).optional(),
    who: subjectSchema,
    at: subjectSchema.optional(),
    service: serviceSchema.optional(),
  })
  .refine((test) => (test.allow === undefined) !== (test.deny === undefined), {
    message: 'a test has either `allow` or `deny`',
  })
  .refine((test) => (test.service !== undefined) === isAboutService(test.allow ?? test.deny), {
    message: '`service` is needed for use and provide, and has no meaning for anything else',
  })
  .refine((test) => (test.at === undefined) === ((test.allow ?? test.deny) === 'provide'), {
    message: '`at` is needed for everything but provide, where the provider is `who`',
  })

export const policySchema: z.ZodType<Policy> = z
  .strictObject({
    version: z.literal(1),
    groups: z
      .record(nameSchema, groupSchema)
      .refine((groups) => Object.keys(groups).length <= MAX_GROUPS, `at most ${MAX_GROUPS} groups`)
      .optional(),
    rules: z.array(ruleSchema).max(MAX_POLICY_RULES),
    tests: z.array(testSchema).max(MAX_TESTS).optional(),
    flags: flagSettingsSchema.optional(),
  })
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

const isAboutService = (action: PolicyAction | undefined): boolean => action === 'use' || action === 'provide'
