import type { NodeApi } from '../../node-core/control/node-api.ts'
import { FaultError } from '../../node-core/platform/error.ts'
import { parsePolicy, STARTING_POLICY } from '../../node-core/security/policy-document.ts'

/** Every version that was written, the newest last. */
export interface FakePolicyState {
  versions: string[]
}

export const initialPolicy = (): FakePolicyState => ({ versions: [STARTING_POLICY] })

/** The policy of a node in memory: it keeps versions and reads documents, and decides nothing. */
export function createFakePolicy(
  state: { readonly policy: FakePolicyState },
  called: (operation: string, input?: unknown) => void,
): NodeApi['policy'] {
  const viewOf = (number: number) => ({
    ...{ number, signedAt: 1_000 * number, acceptedAt: 1_000 * number, rules: 5, tests: 0 },
    hash: `${number}`.padStart(64, '0'),
  })
  const { policy } = state
  return {
    async show({ number }) {
      called('policy.show', { number })
      const at = number ?? policy.versions.length
      const document = policy.versions[at - 1]
      if (document === undefined) throw new FaultError({ code: 'UNKNOWN_POLICY_VERSION' }, `no version ${at}`)
      return { policy: { ...viewOf(at), document }, writable: true }
    },
    async history() {
      called('policy.history')
      return { items: policy.versions.map((_, index) => viewOf(index + 1)).reverse() }
    },
    async review({ document }) {
      called('policy.review')
      const reading = parsePolicy(document)
      const problems = reading.ok ? [] : [...reading.problems]
      return { current: policy.versions.length, ok: reading.ok, problems, tests: [], changes: [] }
    },
    async apply({ document, basedOn }) {
      called('policy.apply', { basedOn })
      policy.versions.push(document)
      return { policy: viewOf(policy.versions.length) }
    },
    async can(question) {
      called('policy.can', question)
      const text = `may ${question.who} ${question.action}?`
      const verdict = { question: text, allow: true, rule: 'members-use-every-service', line: 12 }
      return { question: text, allow: true, verdicts: [{ ...verdict, reason: 'rule allows it' }], policy: 1 }
    },
    async flags() {
      called('policy.flags')
      return {
        items: [
          {
            ...{ name: 'automatic-healing', help: 'repairs without asking', value: true, because: 'default' },
            ...{ default: true, everywhere: null, labels: {} },
          },
        ],
      }
    },
  }
}
