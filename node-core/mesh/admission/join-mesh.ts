import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { JoinId, NodeName } from '../../domain/ids.ts'
import { createMeshNoise, type MeshNoiseOptions } from '../../noise-hfs/noise-hfs.ts'
import { backoffMs } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { wipe } from '../../platform/secret.ts'
import { sleep, withTimeout } from '../../platform/wait.ts'
import type { CertificateChain } from '../../security/chain.ts'
import type { HybridPublicKey } from '../../security/hybrid-key.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import { decodeToken, deriveInviteKey, type Invite } from '../../security/invite.ts'
import { signJoinRequest } from '../../security/join-request.ts'
import { isRetryable } from '../membership/events.ts'
import { createJoinAdmission, type JoinAnswer } from './join-admission.ts'

export interface JoinDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface JoinInput {
  readonly token: string
  readonly name: NodeName
  readonly identity: NodeIdentity
  readonly signal: AbortSignal
}

export interface JoinOptions {
  /** For one address, from the dial to the answer. Default 8 s. */
  readonly addressTimeoutMs?: number
  readonly noise?: Pick<MeshNoiseOptions, 'suites' | 'implementation'>
}

/** How joining went. None of these is an error of the program. */
export type JoinOutcome =
  | {
      readonly kind: 'joined'
      readonly chain: CertificateChain
      /** Its hash is the mesh id of the invite. */
      readonly authority: HybridPublicKey
      /** What its members call the mesh, in their words; may be empty. */
      readonly meshName: string
      /** Where members were when the invite was made: the beginning of an address book. */
      readonly addresses: readonly string[]
    }
  /** An operator has to approve: ask again with the same token, identity and name. */
  | { readonly kind: 'pending'; readonly joinId: JoinId }
  /** `proven`: said by a member of the mesh. If not, it may have been anyone at that address. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string; readonly proven: boolean }
  | { readonly kind: 'unreachable'; readonly attempts: readonly JoinAttempt[] }
  /** The token cannot be read, or has expired by this machine's clock. Nothing was sent. */
  | { readonly kind: 'bad-token'; readonly why: 'not-a-token' | 'damaged' | 'expired' }

export interface JoinAttempt {
  readonly address: string
  readonly error: string
}

const ADDRESS_TIMEOUT_MS = 8_000

/**
 * Joins the mesh that a token invites to: asks at each of its addresses in turn until one gives an answer that counts.
 * The exchange happens inside the handshake of a libp2p host that lives only for it and serves nothing.
 *
 * @throws FaultError ABORTED with the signal
 */
export async function joinMesh(
  deps: JoinDeps,
  input: JoinInput,
  options: JoinOptions = {},
): Promise<JoinOutcome> {
  const reading = decodeToken(input.token)
  if (reading.kind !== 'invite') return { kind: 'bad-token', why: reading.kind }
  const { invite } = reading
  const request = signRequest(invite, input)
  if (invite.expiresAt <= deps.clock.now()) return { kind: 'bad-token', why: 'expired' }
  const attempts: JoinAttempt[] = []
  let unproven: JoinOutcome | undefined
  for (const address of invite.addresses) {
    const answer = await askAt(deps, input, options, { invite, request, address })
    if (answer.kind === 'failed') {
      attempts.push({ address, error: answer.error })
      continue
    }
    if (answer.kind === 'joined') return { ...answer, addresses: invite.addresses }
    if (answer.kind === 'pending' || answer.proven) return answer
    // Whoever said this has not shown that it belongs to the mesh: the next address may know better.
    if (isRetryable(answer.code)) attempts.push({ address, error: answer.reason })
    else unproven ??= answer
  }
  return unproven ?? { kind: 'unreachable', attempts }
}

/** Signs with the keys of the token, whose secret is wiped here: it is used for nothing else. */
function signRequest(invite: Invite, { identity, name }: JoinInput): Uint8Array {
  const inviteKey = deriveInviteKey(invite.secret)
  try {
    return signJoinRequest(invite, inviteKey, { peerId: identity.peerId, key: identity.key, name })
  } finally {
    inviteKey.wipe()
    wipe(invite.secret)
  }
}

type AddressAnswer = JoinAnswer | { readonly kind: 'failed'; readonly error: string }

async function askAt(
  deps: JoinDeps,
  { identity, signal }: JoinInput,
  options: JoinOptions,
  what: { readonly invite: Invite; readonly request: Uint8Array; readonly address: string },
): Promise<AddressAnswer> {
  const { invite, request, address } = what
  let answer: JoinAnswer | undefined
  const admission = createJoinAdmission({
    ...{ identity, invite, request },
    nowMs: () => deps.clock.now(),
    onAnswer: (given) => {
      answer = given
    },
  })
  const target = parseAddress(address)
  if (target === undefined) return { kind: 'failed', error: 'not an address that can be dialled' }
  const node = await createJoiner(identity, createMeshNoise({ clock: deps.clock, admission }, options.noise))
  try {
    await withTimeout(
      deps.clock,
      options.addressTimeoutMs ?? ADDRESS_TIMEOUT_MS,
      'asking to join',
      (limit) => node.dial(target, { signal: limit }),
      signal,
    )
    return answer ?? { kind: 'failed', error: 'the connection was made, and nothing was answered' }
  } catch (error) {
    // The exchange ends the upgrade in every case, so the dial fails also when all went well.
    if (answer !== undefined) return answer
    if (signal.aborted) throw error
    deps.logger.debug('a bootstrap address gave no answer', { address, error: messageOf(error) })
    return { kind: 'failed', error: messageOf(error) }
  } finally {
    await node.stop()
  }
}

function parseAddress(text: string): Multiaddr | undefined {
  try {
    return multiaddr(text)
  } catch {
    return undefined
  }
}

/** A host that listens nowhere, serves nothing and only knows our own handshakes. */
async function createJoiner(
  identity: NodeIdentity,
  noise: ReturnType<typeof createMeshNoise>,
): Promise<Libp2p> {
  return await createLibp2p({
    privateKey: identity.libp2pKey,
    transports: [tcp()],
    connectionEncrypters: [...noise.encrypters],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false },
  })
}

const POLL = { baseMs: 1_000, maxMs: 5_000 }

/**
 * Like `joinMesh`, and while an operator has to approve, or nobody answers after that, it asks again and again until
 * there is an answer for good or the signal ends it; then it returns the last outcome.
 */
export async function joinMeshPatiently(
  deps: JoinDeps,
  input: JoinInput & { readonly onPending: (joinId: JoinId) => void },
  options: JoinOptions = {},
): Promise<JoinOutcome> {
  let last: JoinOutcome | undefined
  for (let attempt = 0; ; attempt++) {
    try {
      const outcome = await joinMesh(deps, input, options)
      const isWaiting =
        outcome.kind === 'pending' || (outcome.kind === 'unreachable' && last?.kind === 'pending')
      if (!isWaiting) return outcome
      if (outcome.kind === 'pending' && last === undefined) input.onPending(outcome.joinId)
      if (outcome.kind === 'pending') last = outcome
      await sleep(deps.clock, backoffMs(attempt, POLL, deps.random), input.signal)
    } catch (error) {
      if (input.signal.aborted && last !== undefined) return last
      throw error
    }
  }
}
