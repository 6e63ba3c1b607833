import type { PeerId } from '../../node-core/domain/ids.ts'
import { createMemberAdmission } from '../../node-core/mesh/admission/member-admission.ts'
import { createTickets, type Tickets } from '../../node-core/mesh/admission/tickets.ts'
import type { Refusal } from '../../node-core/mesh/membership/events.ts'
import type { JoinReply } from '../../node-core/mesh/membership/join-reply.ts'
import {
  createMembership,
  type Membership,
  type MembershipOptions,
} from '../../node-core/mesh/membership/membership.ts'
import { rankOf } from '../../node-core/mesh/membership/registry.ts'
import type { MembershipStore } from '../../node-core/mesh/membership/store-port.ts'
import type {
  Admission,
  HandshakeBinding,
  Judgement,
  ReplyJudgement,
} from '../../node-core/noise-hfs/admission-port.ts'
import type { Clock } from '../../node-core/platform/clock.ts'
import { type Logger, silentLogger } from '../../node-core/platform/logger.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import type { MeshAuthority } from '../../node-core/security/authority.ts'
import type { JoinRequest } from '../../node-core/security/join-request.ts'
import { STARTING_POLICY } from '../../node-core/security/policy-document.ts'
import { signPolicyVersion } from '../../node-core/security/policy-version.ts'
import { createMemoryMembershipStore } from './memory-membership-store.ts'
import { NOW_MS, type SecurityWorld, type TestNode } from './security-world.ts'

export interface TestMember extends TestNode {
  readonly membership: Membership
  readonly store: MembershipStore
  readonly tickets: Tickets
  readonly admission: Admission
  readonly refusals: Refusal[]
  readonly expelled: PeerId[]
}

export interface TestMemberOptions extends Partial<MembershipOptions> {
  readonly clock: Clock
  readonly store?: MembershipStore
  readonly logger?: Logger
  /** Holds the authority's key, as the founder does. */
  readonly holdsAuthority?: boolean
  /** Holds this key of the authority. */
  readonly authorityKey?: MeshAuthority
  readonly carry?: (request: JoinRequest, signal: AbortSignal) => Promise<JoinReply>
}

const nobodyCarries = async (): Promise<JoinReply> => ({
  kind: 'refused',
  code: 'issuer-unreachable',
  genuine: false,
})

function holdsKey<T extends object>(world: SecurityWorld, options: TestMemberOptions, deps: T) {
  const authorityKey = options.authorityKey ?? (options.holdsAuthority === true ? world.authority : undefined)
  return authorityKey === undefined ? deps : { ...deps, authorityKey }
}

/** A member with real keys and a store in memory, started. */
export async function startTestMember(
  world: SecurityWorld,
  node: TestNode,
  options: TestMemberOptions,
): Promise<TestMember> {
  const store = options.store ?? createMemoryMembershipStore()
  const { identity, chain } = node
  const { peerId: peer, generation, expiresAt } = chain.leaf
  if (options.store === undefined) {
    store.certificates.put({ peer, rank: rankOf(chain), generation, expiresAt, chain: chain.bytes })
  }
  if (options.holdsAuthority === true && store.policies.latest() === undefined) {
    const policy = signPolicyVersion(world.authority, undefined, STARTING_POLICY, NOW_MS)
    store.policies.append({ version: 1, acceptedAt: NOW_MS, policy: policy.bytes })
  }
  const deps = {
    clock: options.clock,
    random: systemRandom,
    logger: options.logger ?? silentLogger,
    ...{ store, identity },
  }
  const membership = createMembership(holdsKey(world, options, deps), {
    authority: world.authority.key.publicKey,
    version: '0.1.0',
    ...options,
  })
  const refusals: Refusal[] = []
  const expelled: PeerId[] = []
  membership.events.on('refused', (refusal) => refusals.push(refusal))
  membership.events.on('expelled', ({ peer: gone }) => expelled.push(gone))
  await membership.start()
  const tickets = createTickets({ clock: options.clock, membership })
  await tickets.start()
  const carry = options.carry ?? nobodyCarries
  const admission = createMemberAdmission({
    clock: options.clock,
    ...{ identity, membership, tickets, carry },
  })
  return { identity, chain, membership, store, tickets, admission, refusals, expelled }
}

export const TEST_SUITES = ['/x0t/noise-hfs/1/aesgcm', '/x0t/noise-hfs/1/chachapoly'] as const

export interface Tampering {
  /** What the initiator offers and the responder supports. */
  readonly offered?: readonly string[]
  readonly supported?: readonly string[]
  /** What came out of the unauthenticated negotiation. */
  readonly selected?: string
  /** Changes message C or D on its way; without it they arrive as they were made. */
  readonly proof?: (bytes: Uint8Array) => Uint8Array
  readonly reply?: (bytes: Uint8Array) => Uint8Array
  /** The same for E and F. */
  readonly secondProof?: (bytes: Uint8Array) => Uint8Array
  readonly secondReply?: (bytes: Uint8Array) => Uint8Array
  /** The other end's handshake is another one, as when a proof is replayed. */
  readonly responderHash?: number
  readonly finalHash?: number
  /** Something happens between C and D, or between D and its judgement. */
  readonly meanwhile?: (at: 'C' | 'D') => void
}

export interface Exchange {
  /** The last ones, after E and F if there were any. */
  readonly judgement: Judgement
  readonly verdict: ReplyJudgement
  /** What C carried. */
  readonly proof: Uint8Array
  /** What all messages carried, as they were made: C and D, and E and F if D asked for another proof. */
  readonly messages: readonly Uint8Array[]
}

/** An end of an exchange: how it admits, and who it is. */
export interface ExchangeEnd {
  readonly admission: Admission
  readonly peer: PeerId
}

interface Bindings {
  readonly dialler: Required<HandshakeBinding>
  readonly listener: Required<HandshakeBinding>
}

/** What the two ends of a new handshake agree on. */
function bindings(initiator: ExchangeEnd, responder: ExchangeEnd, tampering: Tampering): Bindings {
  const secret = systemRandom.bytes(32)
  const base = {
    selectedSuite: tampering.selected ?? TEST_SUITES[0],
    initiatorHash: systemRandom.bytes(32),
    finalHash: systemRandom.bytes(32),
    remoteAddress: '/ip4/127.0.0.1/tcp/4001',
    exportSecret: () => Uint8Array.from(secret),
    attempt: 1 as const,
  }
  const { responderHash, finalHash } = tampering
  return {
    dialler: { ...base, remotePeer: responder.peer, localSuites: tampering.offered ?? TEST_SUITES },
    listener: {
      ...base,
      remotePeer: initiator.peer,
      localSuites: tampering.supported ?? TEST_SUITES,
      ...(responderHash === undefined ? {} : { initiatorHash: new Uint8Array(32).fill(responderHash) }),
      ...(finalHash === undefined ? {} : { finalHash: new Uint8Array(32).fill(finalHash) }),
    },
  }
}

/** Runs the admission of a handshake without the handshake: C, its judgement, D, its judgement, and E and F if asked. */
export async function exchange(
  initiator: ExchangeEnd,
  responder: ExchangeEnd,
  tampering: Tampering = {},
): Promise<Exchange> {
  const { signal } = new AbortController()
  const { dialler, listener } = bindings(initiator, responder, tampering)
  const { finalHash, exportSecret, attempt, ...whileWriting } = dialler
  const proof = await initiator.admission.prove(whileWriting, signal)
  tampering.meanwhile?.('C')
  const judgement = await responder.admission.judge(listener, tampering.proof?.(proof) ?? proof, signal)
  tampering.meanwhile?.('D')
  const reply = tampering.reply?.(judgement.reply) ?? judgement.reply
  const verdict = await initiator.admission.judgeReply(dialler, reply, signal)
  const messages = [proof, judgement.reply]
  if (verdict.kind !== 'again') return { judgement, verdict, proof, messages }
  const shown = tampering.secondProof?.(verdict.proof) ?? verdict.proof
  const second = await responder.admission.judge({ ...listener, attempt: 2 }, shown, signal)
  const answer = tampering.secondReply?.(second.reply) ?? second.reply
  return {
    judgement: second,
    verdict: await initiator.admission.judgeReply({ ...dialler, attempt: 2 }, answer, signal),
    proof,
    messages: [...messages, verdict.proof, second.reply],
  }
}

/** How two members meet in a test. */
export const end = (member: TestMember): ExchangeEnd => ({
  admission: member.admission,
  peer: member.identity.peerId,
})

/** The system's clock as if the test had begun one second after the world was made. */
export function worldClock(): Clock {
  const startedMs = performance.now()
  return {
    now: () => NOW_MS + 1_000 + Math.floor(performance.now() - startedMs),
    monotonicMs: () => performance.now(),
    after(delayMs, fn) {
      const timer = setTimeout(fn, delayMs)
      return () => clearTimeout(timer)
    },
  }
}
