import type { Duplex } from 'node:stream'
import type { PeerId, ServiceName } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { ExposedService } from './expose.ts'
import { decodeFlowRequest, encodeFlowReply, FLOW_VERSION, type FlowRefusal } from './flow-header.ts'
import type { FlowLedger, FlowSlot } from './flow-ledger.ts'
import { readHeader } from './header-io.ts'
import type { LogThrottle } from './log-throttle.ts'
import type { PolicyGate } from './ports.ts'
import { flowReset } from './service-fault.ts'
import { resetSocket, splice } from './splice.ts'
import type { TargetDialer } from './target.ts'

export interface InboundDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly throttle: LogThrottle
  readonly ledger: FlowLedger
  readonly policy: PolicyGate
  readonly dialer: TargetDialer
  readonly find: (name: ServiceName) => ExposedService | undefined
}

export interface InboundOptions {
  /** For the consumer to name the service. */
  readonly headerTimeoutMs: number
  /** For the target to take the connection. */
  readonly connectTimeoutMs: number
}

/** For a refusal to be read before the flow is broken off. */
const LINGER_MS = 2_000
/** Refusals on their way beyond which flows are reset without a word. */
const MAX_LINGERING = 64

type Refusal = { readonly code: FlowRefusal; readonly reason: string }

/** Answers flows that members open to services of this node. */
export interface Inbound {
  /** Takes the flow over. Never throws. */
  accept(flow: Duplex, peer: PeerId): void
}

export function createInbound(deps: InboundDeps, options: InboundOptions): Inbound {
  const { ledger, logger, throttle } = deps
  const refuse = createRefuser(deps.clock)

  const tell = (peer: PeerId, refusal: Refusal, service?: ServiceName): void => {
    const heldBack = throttle(`${refusal.code} ${peer} ${service}`)
    if (heldBack === undefined) return
    logger.warn('refused a flow from a member', { ...refusal, peer, service, heldBack })
  }
  const serve = async (flow: Duplex, peer: PeerId, slot: FlowSlot): Promise<string | undefined> => {
    const asked = await askedService(flow, slot.signal, deps.clock, options.headerTimeoutMs)
    if (asked.kind === 'unusable') {
      flow.destroy(flowReset(peer, asked.reason))
      return asked.reason
    }
    const admitted = asked.kind === 'refused' ? asked : admit(deps, peer, asked.service)
    if (admitted.kind === 'refused') {
      tell(peer, admitted, asked.kind === 'asked' ? asked.service : undefined)
      refuse(flow, peer, admitted)
      return admitted.reason
    }
    const { service } = admitted
    slot.assign(service.name, peer, service.tally)
    const onGone = (): void => slot.reset('the consumer went away before the target answered')
    flow.once('close', onGone)
    if (flow.closed) onGone()
    const connected = await deps.dialer.connect(service.target, options.connectTimeoutMs, slot.signal)
    flow.off('close', onGone)
    if (connected.kind !== 'connected') {
      if (slot.signal.aborted) return String(slot.signal.reason)
      const code = connected.kind === 'timeout' ? 'TARGET_TIMEOUT' : 'TARGET_REFUSED'
      service.suspect()
      tell(peer, { code, reason: connected.reason }, service.name)
      // The consumer learns that the target is dead, but not where it is.
      refuse(flow, peer, { code, reason: `the target of '${service.name}' did not take the connection` })
      return connected.reason
    }
    const { socket } = connected
    slot.signal.addEventListener('abort', () => resetSocket(socket), { once: true })
    if (slot.signal.aborted) resetSocket(socket)
    flow.write(encodeFlowReply({ kind: 'accepted' }))
    const end = await splice(socket, flow, slot.carried())
    if (end.kind === 'ended') return undefined
    if (slot.signal.aborted) return String(slot.signal.reason)
    return `${end.by === 'socket' ? 'target' : 'consumer'}: ${end.reason}`
  }
  return {
    accept(flow, peer) {
      // Whoever works on the flow learns of its end by `close`; an error nobody listens to would end the process.
      flow.on('error', () => {})
      const slot = ledger.admit('provide', peer)
      if (slot === undefined) {
        const refusal: Refusal = { code: 'OVERLOADED', reason: 'too many flows at once' }
        tell(peer, refusal)
        refuse(flow, peer, refusal)
        return
      }
      slot.signal.addEventListener('abort', () => flow.destroy(flowReset(peer, String(slot.signal.reason))))
      serve(flow, peer, slot).then(
        (error) => {
          if (error !== undefined) logger.debug('a flow from a member failed', { peer, error })
          slot.close(error)
        },
        (error: unknown) => {
          logger.error('a flow from a member failed unexpectedly', { peer, error })
          flow.destroy(flowReset(peer, 'internal fault'))
          slot.close('internal fault')
        },
      )
    },
  }
}

type Asked =
  | { readonly kind: 'asked'; readonly service: ServiceName }
  | ({ readonly kind: 'refused' } & Refusal)
  | { readonly kind: 'unusable'; readonly reason: string }

async function askedService(
  flow: Duplex,
  signal: AbortSignal,
  clock: Clock,
  timeoutMs: number,
): Promise<Asked> {
  const limit = new AbortController()
  const cancel = clock.after(timeoutMs, () => limit.abort())
  const header = await readHeader(flow, AbortSignal.any([signal, limit.signal]))
  cancel()
  switch (header.kind) {
    case 'ended':
      return { kind: 'unusable', reason: header.reason }
    case 'malformed':
      return { kind: 'unusable', reason: 'its header is malformed' }
    case 'other-version': {
      const reason = `version ${header.version} is not spoken here, only ${FLOW_VERSION}`
      return { kind: 'refused', code: 'UNSUPPORTED_VERSION', reason }
    }
    case 'frame': {
      const request = decodeFlowRequest(header.body)
      if (request === undefined) return { kind: 'unusable', reason: 'its header is malformed' }
      return { kind: 'asked', service: request.service }
    }
  }
}

type Admitted =
  | { readonly kind: 'admitted'; readonly service: ExposedService }
  | ({ readonly kind: 'refused' } & Refusal)

/** Policy comes before existence: who may not use a name does not learn whether it is there. */
function admit({ policy, find }: InboundDeps, peer: PeerId, name: ServiceName): Admitted {
  const denial = denialOf(policy, peer, name)
  if (denial !== undefined) return { kind: 'refused', code: 'DENIED', reason: denial }
  const service = find(name)
  if (service === undefined) {
    return { kind: 'refused', code: 'NO_SUCH_SERVICE', reason: `'${name}' is not exposed here` }
  }
  return { kind: 'admitted', service }
}

/** Why a member may not use a service of this node now, or `undefined` when it may. */
export function denialOf(policy: PolicyGate, peer: PeerId, service: ServiceName): string | undefined {
  const standing = policy.standing(peer)
  if (standing !== 'member') return `the node is no member in good standing (${standing})`
  const verdict = policy.mayUse(peer, service)
  if (verdict.allow) return undefined
  return verdict.rule === undefined
    ? `no rule of the policy lets the node use '${service}'`
    : `the rule '${verdict.rule}' of the policy denies it`
}

/** Sends a refusal and ends the flow, so that the consumer can read why. */
function createRefuser(clock: Clock): (flow: Duplex, peer: PeerId, refusal: Refusal) => void {
  let lingering = 0
  return (flow, peer, refusal) => {
    if (flow.destroyed) return
    if (lingering >= MAX_LINGERING) {
      flow.destroy(flowReset(peer, refusal.code))
      return
    }
    lingering += 1
    const cancel = clock.after(LINGER_MS, () => flow.destroy(flowReset(peer, refusal.code)))
    flow.once('close', () => {
      lingering -= 1
      cancel()
    })
    flow.end(encodeFlowReply({ kind: 'refused', ...refusal }))
    flow.resume()
  }
}
