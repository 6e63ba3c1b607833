import type { NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import type { Provider, ProviderDirectory, Verdict } from './ports.ts'

export interface ProviderQuery {
  readonly service: ServiceName
  /** The only node that may provide it. */
  readonly node?: NodeName | PeerId | undefined
}

export interface Candidate {
  readonly peer: PeerId
  /** For people. */
  readonly label: string
  /** Of the path, as far as it is known. */
  readonly rttMs?: number | undefined
}

export interface Choice {
  /** To be tried in this order. */
  readonly candidates: readonly Candidate[]
  readonly ruledOut: readonly RuledOut[]
}

/** `denied`: the policy says no. `unreachable`: there is nobody, or nobody who could answer. */
export interface RuledOut {
  readonly why: 'denied' | 'unreachable'
  /** For people. */
  readonly reason: string
}

const unreachable = (reason: string): RuledOut => ({ why: 'unreachable', reason })
const denied = (reason: string): RuledOut => ({ why: 'denied', reason })

export interface ChoiceInputs {
  readonly providers: readonly Provider[]
  readonly resolve: ProviderDirectory['resolve']
  readonly mayProvide: (peer: PeerId, service: ServiceName) => Verdict
  /** True for a provider that failed a moment ago: it is tried last. */
  readonly isResting: (peer: PeerId, service: ServiceName) => boolean
  /** Uniform in [0, 1): spreads flows over providers that are equally near. */
  readonly draw: () => number
}

/**
 * Which providers to try for a flow, and in which order. Without a pinned node: those that are healthy, reachable and
 * allowed by the policy, the nearest first. A pinned node is tried whatever its health is said to be, because nobody
 * else may answer, but only if the policy lets it provide the service.
 */
export function chooseProviders(query: ProviderQuery, inputs: ChoiceInputs): Choice {
  return query.node === undefined ? chooseAny(query.service, inputs) : choosePinned(query, query.node, inputs)
}

function choosePinned({ service }: ProviderQuery, node: NodeName | PeerId, inputs: ChoiceInputs): Choice {
  const peer = inputs.resolve(node)
  if (peer === undefined) return { candidates: [], ruledOut: [unreachable(`no member is called '${node}'`)] }
  const denial = providingDenial(inputs.mayProvide(peer, service))
  if (denial !== undefined) return { candidates: [], ruledOut: [denied(`${node}: ${denial}`)] }
  return { candidates: [{ peer, label: node }], ruledOut: [] }
}

function chooseAny(service: ServiceName, inputs: ChoiceInputs): Choice {
  const providers = inputs.providers.filter((provider) => provider.service === service)
  if (providers.length === 0)
    return { candidates: [], ruledOut: [unreachable(`no member announces '${service}'`)] }
  const ruledOut: RuledOut[] = []
  const usable: { readonly candidate: Candidate; readonly rank: readonly number[] }[] = []
  for (const provider of providers) {
    const against = whatSpeaksAgainst(provider, inputs)
    if (against !== undefined) {
      ruledOut.push(against)
      continue
    }
    const resting = inputs.isResting(provider.peer, service) ? 1 : 0
    const rank = [resting, provider.rttMs ?? Number.MAX_VALUE, inputs.draw()]
    const { peer, node, rttMs } = provider
    usable.push({ candidate: { peer, label: node, rttMs }, rank })
  }
  usable.sort((left, right) => compareRanks(left.rank, right.rank))
  return { candidates: usable.map(({ candidate }) => candidate), ruledOut }
}

function whatSpeaksAgainst(provider: Provider, inputs: ChoiceInputs): RuledOut | undefined {
  const denial = providingDenial(inputs.mayProvide(provider.peer, provider.service))
  if (denial !== undefined) return denied(`${provider.node}: ${denial}`)
  if (!provider.reachable) return unreachable(`${provider.node}: it is not reachable`)
  if (!provider.healthy) return unreachable(`${provider.node}: its own check says that it is not healthy`)
  return undefined
}

export function providingDenial(verdict: Verdict): string | undefined {
  if (verdict.allow) return undefined
  return verdict.rule === undefined
    ? 'no rule of the policy lets it provide the service'
    : `the rule '${verdict.rule}' of the policy forbids it to provide the service`
}

function compareRanks(left: readonly number[], right: readonly number[]): number {
  for (const [index, value] of left.entries()) {
    const difference = value - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
