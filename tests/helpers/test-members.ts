import type { PeerId } from '../../node-core/domain/ids.ts'
import { createMemberAdmission } from '../../node-core/mesh/admission/member-admission.ts'
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
import type { JoinRequest } from '../../node-core/security/join-request.ts'
import { STARTING_POLICY } from '../../node-core/security/policy-document.ts'
import { signPolicyVersion } from '../../node-core/security/policy-version.ts'
import { createMemoryMembershipStore } from './memory-membership-store.ts'
import { NOW_MS, type SecurityWorld, type TestNode } from './security-world.ts'

export interface TestMember extends TestNode {
  readonly membership: Membership
  readonly store: MembershipStore
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
  readonly carry?: (request: JoinRequest, signal: AbortSignal) => Promise<JoinReply>
}

const nobodyCarries = async (): Promise<JoinReply> => ({
  kind: 'refused',
  code: 'issuer-unreachable',
  genuine: false,
})

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
  const membership = createMembership(
    options.holdsAuthority === true ? { ...deps, authorityKey: world.authority } : deps,
    { authority: world.authority.key.publicKey, version: '0.1.0', ...options },
  )
  const refusals: Refusal[] = []
  const expelled: PeerId[] = []
  membership.events.on('refused', (refusal) => refusals.push(refusal))
  membership.events.on('expelled', ({ peer: gone }) => expelled.push(gone))
  await membership.start()
  const admission = createMemberAdmission({ identity, membership, carry: options.carry ?? nobodyCarries })
  return { identity, chain, membership, store, admission, refusals, expelled }
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
  /** The other end's handshake is another one, as when a proof is replayed. */
  readonly responderHash?: number
  readonly finalHash?: number
}

export interface Exchange {
  readonly judgement: Judgement
  readonly verdict: ReplyJudgement
  readonly proof: Uint8Array
}

/** Runs the admission of a handshake without the handshake: C, its judgement, D, its judgement. */
export async function exchange(
  initiator: { readonly admission: Admission; readonly peer: PeerId },
  responder: { readonly admission: Admission; readonly peer: PeerId },
  tampering: Tampering = {},
): Promise<Exchange> {
  const { signal } = new AbortController()
  const base = {
    selectedSuite: tampering.selected ?? TEST_SUITES[0],
    initiatorHash: new Uint8Array(32).fill(1),
    remoteAddress: '/ip4/127.0.0.1/tcp/4001',
  }
  const finalHash = new Uint8Array(32).fill(2)
  const dialler: HandshakeBinding = {
    ...base,
    remotePeer: responder.peer,
    localSuites: tampering.offered ?? TEST_SUITES,
  }
  const listener: Required<HandshakeBinding> = {
    ...base,
    remotePeer: initiator.peer,
    localSuites: tampering.supported ?? TEST_SUITES,
    initiatorHash: new Uint8Array(32).fill(tampering.responderHash ?? 1),
    finalHash: new Uint8Array(32).fill(tampering.finalHash ?? 2),
  }
  const proof = await initiator.admission.prove(dialler, signal)
  const judgement = await responder.admission.judge(listener, tampering.proof?.(proof) ?? proof, signal)
  const reply = tampering.reply?.(judgement.reply) ?? judgement.reply
  const verdict = await initiator.admission.judgeReply({ ...dialler, finalHash }, reply, signal)
  return { judgement, verdict, proof }
}

/** How two members meet in a test. */
export const end = (member: TestMember): { admission: Admission; peer: PeerId } => ({
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
