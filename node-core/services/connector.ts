import type { Duplex } from 'node:stream'
import type { PeerId, ServiceName } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { withTimeout } from '../platform/wait.ts'
import { decodeFlowReply, encodeFlowRequest, type FlowRefusal } from './flow-header.ts'
import { readHeader } from './header-io.ts'
import type { PolicyGate, Provider, ProviderDirectory } from './ports.ts'
import { type Candidate, chooseProviders, type ProviderQuery, providingDenial } from './provider-choice.ts'
import { flowReset } from './service-fault.ts'
import { tryStaggered } from './staggered.ts'

export type ConnectOutcome =
  /** The provider has its target connected. What it sends may already wait in the flow, which is paused. */
  | { readonly kind: 'connected'; readonly flow: Duplex; readonly peer: PeerId }
  /** `reason` names every provider and what was wrong with it, for people; `why` sums it up, for programs. */
  | { readonly kind: 'failed'; readonly why: ConnectFailure; readonly reason: string }

/**
 * `denied`: the policy or the provider says no. `refused`: the target of a provider takes no connections.
 * `unreachable`: anything else.
 */
export type ConnectFailure = 'denied' | 'refused' | 'unreachable'

/** Finds a provider that takes a flow. Forwards use it, and whatever else brings clients to services. */
export interface Connector {
  /** Never rejects. Gives up when the signal aborts. */
  connect(query: ProviderQuery, signal: AbortSignal): Promise<ConnectOutcome>
  /** Tries a provider last for so long. False when it is so already. */
  rest(peer: PeerId, service: ServiceName, forMs: number): boolean
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
/**
 * One that has not answered after this and a few round trips of its path may have died a moment ago: the next is asked
 * beside it. On a busy machine that happens without need, and costs a connection that is dropped. Where it is needed, a
 * connection over several hops has to be made first, which takes 50 ms of the 150 that a client may have to wait.
 */
const ALONE_MS = 40
const ALONE_ROUND_TRIPS = 4
const UNKNOWN_RTT_MS = 100
/** Failures remembered at once. */
const MAX_RESTING = 1_024

export function createConnector(deps: ConnectorDeps, options: ConnectorOptions): Connector {
  const { clock, random, directory, policy } = deps
  const restingUntilMs = new Map<string, number>()
  const restKey = (peer: PeerId, service: ServiceName): string => `${service} ${peer}`

  const rest = (peer: PeerId, service: ServiceName): void => {
    if (restingUntilMs.size >= MAX_RESTING) restingUntilMs.clear()
    restingUntilMs.set(restKey(peer, service), clock.monotonicMs() + options.restMs)
  }
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
        return { kind: 'failed', why: 'denied', reason: `${label}: ${denial}` } as const
      }
      restingUntilMs.delete(restKey(peer, service))
      return { kind: 'connected', flow, peer } as const
    } catch (error) {
      if (!signal.aborted) rest(peer, service)
      return { kind: 'failed', why: failureOf(error), reason: `${label}: ${messageOf(error)}` } as const
    }
  }
  return {
    rest(peer, service, forMs) {
      const key = restKey(peer, service)
      const nowMs = clock.monotonicMs()
      const wasResting = (restingUntilMs.get(key) ?? 0) > nowMs
      if (restingUntilMs.size >= MAX_RESTING) restingUntilMs.clear()
      restingUntilMs.set(key, Math.max(restingUntilMs.get(key) ?? 0, nowMs + forMs))
      return !wasResting
    },
    async connect(query, signal) {
      const { candidates, ruledOut } = choose(query)
      const untilMs = clock.monotonicMs() + options.totalTimeoutMs
      const { taken, failed } = await tryStaggered<Candidate, ConnectOutcome>(
        clock,
        {
          candidates: candidates.slice(0, MAX_ATTEMPTS),
          aloneMs: ({ rttMs = UNKNOWN_RTT_MS }) => ALONE_MS + ALONE_ROUND_TRIPS * rttMs,
          isOver: () => clock.monotonicMs() >= untilMs,
          attempt: (candidate, limited) => attempt(candidate, query.service, limited),
          isTaken: ({ kind }) => kind === 'connected',
          onSlow: ({ peer }) => rest(peer, query.service),
          discard: (late) => {
            if (late.kind === 'connected') late.flow.destroy(flowReset(late.peer, 'another was faster'))
          },
        },
        signal,
      )
      if (taken !== undefined) return taken
      const failures = [...ruledOut, ...failed.filter((outcome) => outcome.kind === 'failed')]
      if (signal.aborted) return { kind: 'failed', why: 'unreachable', reason: 'the client went away' }
      return { kind: 'failed', why: sumUp(failures), reason: failures.map(({ reason }) => reason).join('; ') }
    },
  }
}

/** A provider must be a member, and its certificate must satisfy a rule that lets it provide the service. */
function mayProvide(policy: PolicyGate, peer: PeerId, service: ServiceName) {
  return policy.standing(peer) === 'member' ? policy.mayProvide(peer, service) : { allow: false }
}

/** One reason if all agree. Otherwise somebody could have served, and did not. */
function sumUp(failures: readonly { readonly why: ConnectFailure }[]): ConnectFailure {
  const [first, ...others] = failures.map(({ why }) => why)
  return first !== undefined && others.every((why) => why === first) ? first : 'unreachable'
}

const failureOf = (error: unknown): ConnectFailure =>
  error instanceof ProviderRefusal ? error.why : 'unreachable'

/** What a provider answered instead of taking a flow. */
class ProviderRefusal extends Error {
  readonly why: ConnectFailure

  constructor(why: ConnectFailure, message: string, cause: Error) {
    super(message, { cause })
    this.why = why
  }
}

async function openFlow(
  deps: ConnectorDeps,
  { peer, service }: { peer: PeerId; service: ServiceName },
  signal: AbortSignal,
): Promise<Duplex> {
  const flow = await deps.open(peer, signal)
  // Its end is learned by `close`; an error nobody listens to would end the process.
  flow.on('error', () => {})
  const problem = signal.aborted ? unanswered('it opened too late') : await askFor(flow, service, signal)
  if (problem === undefined) return flow
  const reset = flowReset(peer, problem.text)
  flow.destroy(reset)
  throw new ProviderRefusal(problem.why, problem.text, reset)
}

interface Problem {
  readonly why: ConnectFailure
  readonly text: string
}

const unanswered = (text: string): Problem => ({ why: 'unreachable', text })

const WHY: Readonly<Record<FlowRefusal, ConnectFailure>> = {
  DENIED: 'denied',
  TARGET_REFUSED: 'refused',
  NO_SUCH_SERVICE: 'unreachable',
  TARGET_TIMEOUT: 'unreachable',
  OVERLOADED: 'unreachable',
  UNSUPPORTED_VERSION: 'unreachable',
}

/** Names the service and waits for the answer; `undefined` when the provider has accepted. */
async function askFor(flow: Duplex, service: ServiceName, signal: AbortSignal): Promise<Problem | undefined> {
  flow.write(encodeFlowRequest({ service }))
  const header = await readHeader(flow, signal)
  switch (header.kind) {
    case 'ended':
      return unanswered(`the flow broke off: ${header.reason}`)
    case 'malformed':
      return unanswered('its answer is malformed')
    case 'other-version':
      return unanswered(`it speaks version ${header.version} of the protocol`)
    case 'frame': {
      const reply = decodeFlowReply(header.body)
      if (reply === undefined) return unanswered('its answer is malformed')
      if (reply.kind === 'accepted') return undefined
      return { why: WHY[reply.code], text: `${reply.code}, ${reply.reason}` }
    }
  }
}
