import type { NodeName, PeerId } from '../domain/ids.ts'
import {
  evaluatePolicy,
  type PartySelector,
  type Policy,
  type PolicyParty,
  type PolicyRequest,
  type PolicySubject,
  type PolicyTest,
  type PolicyVerdict,
} from './policy.ts'
import type { PolicyProblem, PolicyReading } from './policy-document.ts'

export type ReadPolicy = Extract<PolicyReading, { readonly ok: true }>

const MAX_PROBLEMS = 20

/**
 * What keeps a document that reads well from being written: a name that nobody has, a case that is decided otherwise,
 * rules under which no owner could administer some node any more. Empty when nothing does. Pure.
 *
 * @param parties the members of the mesh now
 */
export function reviewPolicy(reading: ReadPolicy, parties: readonly PolicyParty[]): readonly PolicyProblem[] {
  return [
    ...unknownNames(reading, parties),
    ...failedTests(reading, parties),
    ...lockout(reading, parties),
  ].slice(0, MAX_PROBLEMS)
}

function unknownNames({ policy, lineOf }: ReadPolicy, parties: readonly PolicyParty[]): PolicyProblem[] {
  const nodes = new Set<string>(parties.flatMap(({ name, peerId }) => [name, peerId]))
  const groups = new Set(Object.keys(policy.groups ?? {}))
  const problems: PolicyProblem[] = []
  const expect = (
    known: ReadonlySet<string>,
    name: string,
    kind: string,
    path: readonly PropertyKey[],
  ): void => {
    if (known.has(name)) return
    problems.push({ line: lineOf(path), message: `${path.join('.')}: there is no ${kind} ${name}` })
  }
  const inSelector = (selector: PartySelector | undefined, path: readonly PropertyKey[]): void => {
    if (selector === undefined || selector === 'members') return
    for (const [at, node] of (selector.nodes ?? []).entries())
      expect(nodes, node, 'member', [...path, 'nodes', at])
    for (const [at, group] of (selector.groups ?? []).entries()) {
      expect(groups, group, 'group', [...path, 'groups', at])
    }
  }
  for (const [name, group] of Object.entries(policy.groups ?? {})) inSelector(group, ['groups', name])
  for (const [at, rule] of policy.rules.entries()) {
    inSelector(rule.who, ['rules', at, 'who'])
    inSelector(rule.at, ['rules', at, 'at'])
  }
  for (const [at, test] of (policy.tests ?? []).entries()) {
    for (const key of ['who', 'at'] as const) {
      const subject = test[key]
      if (typeof subject === 'string') expect(nodes, subject, 'member', ['tests', at, key])
    }
  }
  return problems
}

function failedTests({ policy, lineOf }: ReadPolicy, parties: readonly PolicyParty[]): PolicyProblem[] {
  return runPolicyTests(policy, parties).flatMap(({ index, text, passed, verdict }) =>
    passed || verdict === undefined
      ? []
      : [{ line: lineOf(['tests', index]), message: `test failed: ${text}; ${describeVerdict(verdict)}` }],
  )
}

export const describeVerdict = ({ allow, rule }: PolicyVerdict): string =>
  rule === undefined ? 'no rule allows it' : `rule ${rule} ${allow ? 'allows' : 'denies'} it`

export interface PolicyTestResult {
  /** Its place in the document, from 0. */
  readonly index: number
  readonly text: string
  readonly passed: boolean
  /** `undefined` when it names nobody that is known. */
  readonly verdict: PolicyVerdict | undefined
}

/** Decides every case of the document. */
export function runPolicyTests(policy: Policy, parties: readonly PolicyParty[]): readonly PolicyTestResult[] {
  return (policy.tests ?? []).map((test, index) => {
    const request = requestOf(test, parties)
    const verdict = request && evaluatePolicy(policy, request)
    return { index, text: describeTest(test), passed: verdict?.allow === (test.allow !== undefined), verdict }
  })
}

function describeTest(test: PolicyTest): string {
  const action = test.allow ?? test.deny ?? ''
  const service = test.service === undefined ? '' : ` ${test.service}`
  const at = test.at === undefined ? '' : ` at ${describeSubject(test.at)}`
  return `${describeSubject(test.who)} ${test.allow === undefined ? 'may not' : 'may'} ${action}${service}${at}`
}

const describeSubject = (subject: PolicySubject): string =>
  typeof subject === 'string'
    ? subject
    : `${/^[ao]/.test(subject.role) ? 'an' : 'a'} ${subject.role}${subject.labels === undefined ? '' : ` with ${subject.labels.join(', ')}`}`

function requestOf(test: PolicyTest, parties: readonly PolicyParty[]): PolicyRequest | undefined {
  const who = partyOf(test.who, parties)
  if (who === undefined) return undefined
  const action = test.allow ?? test.deny
  if (action === 'provide') return test.service && { action, who, service: test.service }
  const at = test.at && partyOf(test.at, parties)
  if (at === undefined || action === undefined) return undefined
  if (action === 'use') return test.service && { action, who, at, service: test.service }
  return { action, who, at }
}

/** Nobody has these: a case about a role is about no member in particular. */
const NOBODY = { peerId: '' as PeerId, name: '' as NodeName } as const

function partyOf(subject: PolicySubject, parties: readonly PolicyParty[]): PolicyParty | undefined {
  if (typeof subject !== 'string') return { ...NOBODY, role: subject.role, labels: subject.labels ?? [] }
  return parties.find(({ name, peerId }) => name === subject || peerId === subject)
}

/** Every node must be one that some owner may administer: else it could only be reached by hand. */
function lockout({ policy, lineOf }: ReadPolicy, parties: readonly PolicyParty[]): PolicyProblem[] {
  const owners = parties.filter(({ role }) => role === 'owner')
  if (owners.length === 0) return []
  for (const at of parties) {
    const verdicts = owners.map((who) => evaluatePolicy(policy, { action: 'administer', who, at }))
    if (verdicts.some(({ allow }) => allow)) continue
    const rule = verdicts.find((verdict) => verdict.rule !== undefined)?.rule
    const index = policy.rules.findIndex(({ id }) => id === rule)
    const why = rule === undefined ? 'no rule lets one' : `rule ${rule} denies it`
    return [
      {
        line: index === -1 ? lineOf(['rules']) : lineOf(['rules', index]),
        message: `this would lock out the last owner: none could administer ${at.name} (${why})`,
      },
    ]
  }
  return []
}
