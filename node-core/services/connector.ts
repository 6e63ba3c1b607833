import type { Duplex } from 'node:stream'
import type { PeerId, ServiceName } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { withTimeout } from '../platform/wait.ts'
import { decodeFlowReply, encodeFlowRequest } from './flow-header.ts'
import { readHeader } from './header-io.ts'
import type { PolicyGate, Provider, ProviderDirectory } from './ports.ts'
import { type Candidate, chooseProviders, type ProviderQuery, providingDenial } from './provider-choice.ts'
import { flowReset } from './service-fault.ts'

export type ConnectOutcome =
  /** The provider has its target connected. What it sends may already wait in the flow, which is paused. */
  | { readonly kind: 'connected'; readonly flow: Duplex; readonly peer: PeerId }
  /** `reason` names every provider and what was wrong with it, for people. */
  | { readonly kind: 'failed'; readonly reason: string }

/** Finds a provider that takes a flow. Forwards use it, and whatever else brings clients to services. */
export interface Connector {
  /** Never rejects. Gives up when the signal aborts. */
  connect(query: ProviderQuery, signal: AbortSignal): Promise<ConnectOutcome>
}

export interface ConnectorDeps {
  readonly clock: Clock
  readonly random: Random
  readonly directory: ProviderDirectory
  readonly policy: PolicyGate
  /** All providers, this node among them. */
  readonly providers: () => readonly Provider[]
  readonly open: (peer: PeerId, signal: AbortSignal) => Promise<Duplex>
}

export interface ConnectorOptions {
  /** For one provider: to open the flow, to connect its target and to answer. */
  readonly attemptTimeoutMs: number
  /** For all providers together. */
  readonly totalTimeoutMs: number
  /** How long a provider that failed is tried last. */
  readonly restMs: number
}

/** Providers tried for one client. */
const MAX_ATTEMPTS = 5
/** Failures remembered at once. */
const MAX_RESTING = 1_024

export function createConnector(deps: ConnectorDeps, options: ConnectorOptions): Connector {
  const { clock, random, directory, policy } = deps
  const restingUntilMs = new Map<string, number>()
  const restKey = (peer: PeerId, service: ServiceName): string => `${service} ${peer}`

  const choose = (query: ProviderQuery) =>
    chooseProviders(query, {
      providers: deps.providers(),
      resolve: directory.resolve,
      mayProvide: (peer, service) => mayProvide(policy, peer, service),
      isResting: (peer, service) => (restingUntilMs.get(restKey(peer, service)) ?? 0) > clock.monotonicMs(),
      draw: random.unit,
    })
  const attempt = async ({ peer, label }: Candidate, service: ServiceName, signal: AbortSignal) => {
    const what = `${label}: opening a flow`
    try {
      const flow = await withTimeout(
        clock,
        options.attemptTimeoutMs,
        what,
        (limited) => openFlow(deps, { peer, service }, limited),
        signal,
      )
      // The policy may have changed while the provider was thinking.
      const denial = providingDenial(mayProvide(policy, peer, service))
      if (denial !== undefined) {
        flow.destroy(flowReset(peer, denial))
        return { kind: 'failed', reason: `${label}: ${denial}` } as const
      }
      restingUntilMs.delete(restKey(peer, service))
      return { kind: 'connected', flow, peer } as const
    } catch (error) {
      if (restingUntilMs.size >= MAX_RESTING) restingUntilMs.clear()
      if (!signal.aborted) restingUntilMs.set(restKey(peer, service), clock.monotonicMs() + options.restMs)
      return { kind: 'failed', reason: `${label}: ${messageOf(error)}` } as const
    }
  }
  return {
    async connect(query, signal) {
      const { candidates, ruledOut } = choose(query)
      const reasons = [...ruledOut]
      const untilMs = clock.monotonicMs() + options.totalTimeoutMs
      for (const candidate of candidates.slice(0, MAX_ATTEMPTS)) {
        if (signal.aborted || clock.monotonicMs() >= untilMs) break
        const outcome = await attempt(candidate, query.service, signal)
        if (outcome.kind === 'connected') return outcome
        reasons.push(outcome.reason)
      }
      if (signal.aborted) return { kind: 'failed', reason: 'the client went away' }
      return { kind: 'failed', reason: reasons.join('; ') }
    },
  }
}

/** A provider must be a member, and its certificate must satisfy a rule that lets it provide the service. */
function mayProvide(policy: PolicyGate, peer: PeerId, service: ServiceName) {
  return policy.standing(peer) === 'member' ? policy.mayProvide(peer, service) : { allow: false }
}

async function openFlow(
  deps: ConnectorDeps,
  { peer, service }: { peer: PeerId; service: ServiceName },
  signal: AbortSignal,
): Promise<Duplex> {
  const flow = await deps.open(peer, signal)
  // Its end is learned by `close`; an error nobody listens to would end the process.
  flow.on('error', () => {})
  const problem = signal.aborted ? 'it opened too late' : await askFor(flow, service, signal)
  if (problem === undefined) return flow
  const reset = flowReset(peer, problem)
  flow.destroy(reset)
  throw new Error(problem, { cause: reset })
}

/** Names the service and waits for the answer; `undefined` when the provider has accepted. */
async function askFor(flow: Duplex, service: ServiceName, signal: AbortSignal): Promise<string | undefined> {
  flow.write(encodeFlowRequest({ service }))
  const header = await readHeader(flow, signal)
  switch (header.kind) {
    case 'ended':
      return `the flow broke off: ${header.reason}`
    case 'malformed':
      return 'its answer is malformed'
    case 'other-version':
      return `it speaks version ${header.version} of the protocol`
    case 'frame': {
      const reply = decodeFlowReply(header.body)
      if (reply === undefined) return 'its answer is malformed'
      return reply.kind === 'accepted' ? undefined : `${reply.code}, ${reply.reason}`
    }
  }
}
