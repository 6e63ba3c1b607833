import type { CanResult, PolicyVersionView } from '../../contract/policy-schemas.ts'
import type { NodeApi } from '../../control/node-api.ts'
import type { ServiceName } from '../../domain/ids.ts'
import { FaultError } from '../../platform/error.ts'
import { FEATURE_FLAGS, FLAG_NAMES, flagValue } from '../../security/feature-flags.ts'
import { evaluatePolicy, type Policy, type PolicyParty, type PolicyRequest } from '../../security/policy.ts'
import { diffPolicies } from '../../security/policy-diff.ts'
import { parsePolicy } from '../../security/policy-document.ts'
import { describeVerdict, reviewPolicy, runPolicyTests } from '../../security/policy-review.ts'
import { decodePolicyVersion, type PolicyVersion } from '../../security/policy-version.ts'
import type { NodeParts } from '../node-parts.ts'
import { requireNode } from './resolve-node.ts'

const MAX_HISTORY = 100
const NO_POLICY: Policy = { version: 1, rules: [] }

type Parts = Pick<NodeParts, 'membership' | 'knowledge' | 'services' | 'clock'>

export function policyOperations(parts: Parts): NodeApi['policy'] {
  const { membership, knowledge } = parts
  return {
    show: async ({ number }) => {
      const version = number === null ? membership.policyVersion() : keptVersion(parts, number)
      const policy = version && {
        ...versionView(version, acceptedAt(parts, version)),
        document: version.document,
      }
      return { policy: policy ?? null, writable: membership.holdsAuthority }
    },
    history: async () => ({
      items: knowledge.policies.history(MAX_HISTORY).flatMap((row) => {
        const version = decodePolicyVersion(row.policy)
        return version === undefined ? [] : [versionView(version, row.acceptedAt)]
      }),
    }),
    review: async ({ document }) => review(parts, document),
    apply: async ({ document, basedOn }) => {
      const version = membership.writePolicy({ document, basedOn: basedOn ?? undefined })
      return { policy: versionView(version, parts.clock.now()) }
    },
    can: async (question) => can(parts, question),
    flags: async () => {
      const settings = membership.policy().flags
      const labels = membership.certificateOf(membership.self)?.labels ?? []
      return {
        items: FLAG_NAMES.map((name) => ({
          ...{ name, help: FEATURE_FLAGS[name].help, default: FEATURE_FLAGS[name].default },
          ...flagValue(settings, name, labels),
          everywhere: settings?.[name]?.everywhere ?? null,
          labels: { ...settings?.[name]?.labels },
        })),
      }
    },
  }
}

const membersOf = ({ membership }: Pick<NodeParts, 'membership'>): readonly PolicyParty[] =>
  membership.members().flatMap(({ certificate, standing }) => (standing === 'member' ? [certificate] : []))

const acceptedAt = ({ knowledge }: Parts, version: PolicyVersion): number =>
  knowledge.policies.history(MAX_HISTORY).find((row) => row.version === version.number)?.acceptedAt ??
  version.at

function keptVersion({ knowledge }: Parts, number: number): PolicyVersion {
  const row = knowledge.policies.history(500).find(({ version }) => version === number)
  const version = row && decodePolicyVersion(row.policy)
  if (version !== undefined) return version
  throw new FaultError(
    { code: 'UNKNOWN_POLICY_VERSION', number },
    `this node has kept no policy version ${number}`,
    {
      hint: 'x0t policy history lists those that it has.',
    },
  )
}

const versionView = (version: PolicyVersion, at: number): PolicyVersionView => ({
  ...{ number: version.number, signedAt: version.at, acceptedAt: at, hash: version.hash },
  rules: version.policy.rules.length,
  tests: version.policy.tests?.length ?? 0,
})

function review(parts: Parts, document: string): Awaited<ReturnType<NodeApi['policy']['review']>> {
  const { membership, services } = parts
  const current = membership.policyVersion()
  const reading = parsePolicy(document)
  if (!reading.ok) {
    return {
      current: current?.number ?? null,
      ok: false,
      problems: [...reading.problems],
      tests: [],
      changes: [],
    }
  }
  const members = membersOf(parts)
  const problems = reviewPolicy(reading, members)
  const offered = services.services().map(({ name }) => name)
  return {
    current: current?.number ?? null,
    ok: problems.length === 0,
    problems: [...problems],
    tests: runPolicyTests(reading.policy, members).map(({ text, passed, verdict }) => ({
      ...{ text, passed },
      reason: verdict === undefined ? 'it names nobody that is known' : describeVerdict(verdict),
    })),
    changes: diffPolicies(current?.policy ?? NO_POLICY, reading.policy, members, offered).map((change) => ({
      ...change,
      who: [...change.who],
      at: [...change.at],
      service: change.service ?? null,
      rule: change.rule ?? null,
    })),
  }
}

type Question = Parameters<NodeApi['policy']['can']>[0]

function can(parts: Parts, { who, action, service, at }: Question): Omit<CanResult, 'schema'> {
  const one = party(parts, who)
  const place = at === null ? undefined : party(parts, at)
  const requests = requestsOf(action, one, place, service)
  const version = parts.membership.policyVersion()
  const policy = version?.policy ?? NO_POLICY
  const reading = version && parsePolicy(version.document)
  const verdicts = requests.map((request) => {
    const verdict = evaluatePolicy(policy, request)
    const index = policy.rules.findIndex(({ id }) => id === verdict.rule)
    return {
      question: describeRequest(request),
      allow: verdict.allow,
      rule: verdict.rule ?? null,
      line: index === -1 || reading?.ok !== true ? null : reading.lineOf(['rules', index]),
      reason: describeVerdict(verdict),
    }
  })
  const [asked] = verdicts
  return {
    question: asked?.question ?? '',
    allow: verdicts.every(({ allow }) => allow),
    verdicts,
    policy: version?.number ?? null,
  }
}

/** @throws FaultError UNKNOWN_NODE, NOT_A_MEMBER */
function party(parts: Parts, node: Question['who']): PolicyParty {
  const peer = requireNode(parts, node)
  const certificate = parts.membership.certificateOf(peer)
  if (certificate !== undefined && parts.membership.standing(peer) === 'member') return certificate
  throw new FaultError({ code: 'NOT_A_MEMBER', peer }, `${node} is no member now, so it may do nothing`)
}

/** To use a service, somebody must be allowed to provide it as well. */
function requestsOf(
  action: Question['action'],
  who: PolicyParty,
  at: PolicyParty | undefined,
  service: ServiceName | null,
): readonly PolicyRequest[] {
  const needsService = action === 'use' || action === 'provide'
  if (needsService !== (service !== null) || (action === 'provide') === (at !== undefined)) {
    throw new FaultError(
      { code: 'INCOMPLETE_QUESTION' },
      `a question about ${action} needs ${needsService ? 'a service' : 'no service'} and ${action === 'provide' ? 'no other node' : 'a node'}`,
      { hint: 'For example: x0t can boris use wiki@clara, x0t can boris transit clara.' },
    )
  }
  if (action === 'provide' && service !== null) return [{ action, who, service }]
  if (at === undefined) return []
  if (action === 'use' && service !== null) {
    return [
      { action, who, at, service },
      { action: 'provide', who: at, service },
    ]
  }
  return action === 'use' || action === 'provide' ? [] : [{ action, who, at }]
}

function describeRequest(request: PolicyRequest): string {
  const service = 'service' in request ? ` ${request.service}` : ''
  const at = 'at' in request ? ` at ${request.at.name}` : ''
  return `may ${request.who.name} ${request.action}${service}${at}?`
}
