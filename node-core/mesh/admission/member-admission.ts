import { parsePeerId } from '../../domain/ids.ts'
import type {
  Admission,
  HandshakeBinding,
  Judgement,
  ReplyJudgement,
} from '../../noise-hfs/admission-port.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import type { CertificateChain } from '../../security/chain.ts'
import { verifyMldsa } from '../../security/hybrid-key.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import { decodeJoinRequest, type JoinRequest } from '../../security/join-request.ts'
import { REFUSALS, type RefusalCode } from '../membership/events.ts'
import type { MembershipFault } from '../membership/faults.ts'
import type { JoinReply } from '../membership/join-reply.ts'
import type { Membership } from '../membership/membership.ts'
import {
  decodeInitiatorMessage,
  decodeResponderMessage,
  encodeInitiatorMessage,
  encodeResponderMessage,
  type InitiatorMessage,
  type MemberProof,
  type ResponderMessage,
} from './messages.ts'
import {
  type Admitted,
  answerTicket,
  judgeTicket,
  judgeTicketReply,
  keepNextTicket,
  proveByTicket,
} from './readmission.ts'
import type { TicketMessage } from './ticket-messages.ts'
import type { Tickets } from './tickets.ts'
import { INITIATOR_CONTEXT, isHonestSelection, RESPONDER_CONTEXT, transcriptBytes } from './transcript.ts'

export interface MemberAdmissionDeps {
  readonly clock: Clock
  readonly identity: NodeIdentity
  readonly membership: Membership
  /** Of the same membership. Started and stopped with it. */
  readonly tickets: Tickets
  /** Passes a join request on to the member that made the invite, and brings back its answer. Never throws. */
  readonly carry: (request: JoinRequest, signal: AbortSignal) => Promise<JoinReply>
}

type MemberMessage = Extract<InitiatorMessage, { kind: 'member' }>
type JoinMessage = Extract<InitiatorMessage, { kind: 'join' }>

/** What one end has shown: who it is, and over which bytes it signed. */
interface Shown {
  readonly chain: CertificateChain
  readonly signature: Uint8Array
  readonly signed: Uint8Array
  readonly context: string
}

/**
 * Admission of members by members, in both roles, and the answer to those who want to join. Nothing of this mesh is
 * shown to the other end before its proof has verified, and what it was told in a refusal is all it ever gets.
 */
export function createMemberAdmission(deps: MemberAdmissionDeps): Admission {
  const { membership } = deps
  return {
    prove: async (binding) => proveByTicket(deps, binding) ?? (await prove(deps, binding)),
    async judge(binding, proof, signal) {
      const message = decodeInitiatorMessage(proof)
      if (message === undefined) return refuse(deps, binding, 'malformed')
      if (membership.ownChain() === undefined) return refuse(deps, binding, 'no-certificate')
      if (!isHonestOffer(binding, message)) return refuse(deps, binding, 'suite-downgrade')
      if (message.kind === 'join') return await judgeJoin(deps, binding, message, signal)
      if (message.kind === 'ticket') return judgeTicketHolder(deps, binding, message)
      return await judgeMember(deps, binding, message)
    },
    judgeReply: (binding, reply) => judgeReply(deps, binding, reply),
  }
}

const isHonestOffer = (binding: HandshakeBinding, message: InitiatorMessage): boolean =>
  message.selected === binding.selectedSuite &&
  isHonestSelection(message.offered, binding.localSuites, binding.selectedSuite)

async function prove(
  { identity, membership }: MemberAdmissionDeps,
  binding: HandshakeBinding,
): Promise<Uint8Array> {
  const chain = requireOwnChain(membership)
  const signed = transcriptBytes({
    meshId: membership.meshId,
    handshakeHash: binding.initiatorHash,
    chainHash: chain.hash,
    offered: binding.localSuites,
    supported: [],
    selected: binding.selectedSuite,
  })
  return encodeInitiatorMessage({
    kind: 'member',
    chain: chain.bytes,
    signature: await identity.key.signMldsa(INITIATOR_CONTEXT, signed),
    offered: binding.localSuites,
    selected: binding.selectedSuite,
    ...shownSuccessor(membership),
  })
}

/** Only while there is one: nodes that know nothing of it are not told either. */
function shownSuccessor({ authorities }: Membership): { readonly successor?: Uint8Array } {
  const successor = authorities.successor()
  return successor === undefined ? {} : { successor }
}

function requireOwnChain(membership: Membership): CertificateChain {
  const chain = membership.ownChain()
  if (chain !== undefined) return chain
  throw new FaultError<MembershipFault>(
    { code: 'NO_CERTIFICATE' },
    'this node has no valid certificate, so it cannot be admitted anywhere',
  )
}

async function judgeMember(
  deps: MemberAdmissionDeps,
  binding: Required<HandshakeBinding>,
  message: MemberMessage,
): Promise<Judgement> {
  const { membership } = deps
  // It proves itself, whoever shows it; without it, what the authority signs from now on would count as forged.
  if (message.successor !== undefined) membership.authorities.learn(message.successor)
  const chain = membership.readChain(message.chain)
  if (chain === undefined) return refuse(deps, binding, 'malformed')
  const early = isKnownMember(membership, binding, chain)
    ? memberProof(deps, binding, message.offered)
    : undefined
  // Whoever is refused after all has no use for it, whatever became of it.
  early?.catch(() => {})
  const code = await judgeShown(membership, binding, {
    chain,
    signature: message.signature,
    context: INITIATOR_CONTEXT,
    signed: transcriptBytes({
      meshId: membership.meshId,
      handshakeHash: binding.initiatorHash,
      chainHash: chain.hash,
      offered: message.offered,
      supported: [],
      selected: message.selected,
    }),
  })
  if (code !== undefined) return refuse(deps, binding, code)
  membership.keepChain(chain)
  membership.noteAdmission('admitted')
  const { chain: own, signature, supported } = await (early ?? memberProof(deps, binding, message.offered))
  const selected = binding.selectedSuite
  const shown = { chain: own, signature, supported, selected, ...shownSuccessor(membership) }
  const reply = encodeResponderMessage({ kind: 'member', ...shown })
  keepNextTicket(deps, binding, { role: 'responder', peerChain: chain, by: undefined })
  return { kind: 'admit', reply }
}

/**
 * For a member whose certificate is held already, and whose PeerId the handshake has proved, the answer is signed in the
 * thread pool while its signature is verified here. A stranger still costs none: nobody holds its certificate.
 */
function isKnownMember(
  membership: Membership,
  binding: Required<HandshakeBinding>,
  { leaf }: CertificateChain,
): boolean {
  const { remotePeer } = binding
  const isHeld = membership.certificateOf(leaf.peerId)?.hash === leaf.hash
  return leaf.peerId === remotePeer && isHeld && membership.standing(leaf.peerId) === 'member'
}

/** No signature is made or verified here. A ticket that does not hold gets one answer, whatever is wrong with it. */
function judgeTicketHolder(
  deps: MemberAdmissionDeps,
  binding: Required<HandshakeBinding>,
  message: TicketMessage,
): Judgement {
  // It was told already that no ticket will do.
  if (binding.attempt === 2) return refuse(deps, binding, 'bad-ticket')
  const held = judgeTicket(deps, binding, message)
  if (held === undefined) return { kind: 'again', reply: encodeResponderMessage({ kind: 'again' }) }
  const reply = answerTicket(deps, binding, held, message.offered)
  noteReadmission(deps, binding, { role: 'responder', peerChain: held.peerChain, by: held })
  return { kind: 'admit', reply }
}

function noteReadmission(
  deps: MemberAdmissionDeps,
  binding: Required<HandshakeBinding>,
  admitted: Admitted,
): void {
  deps.membership.keepChain(admitted.peerChain)
  deps.membership.noteAdmission('readmitted')
  keepNextTicket(deps, binding, admitted)
}

/** Cheapest first: nothing is verified for a certificate that would not do anyway. */
async function judgeShown(
  membership: Membership,
  binding: HandshakeBinding,
  shown: Shown,
): Promise<RefusalCode | undefined> {
  const { leaf } = shown.chain
  if (leaf.peerId !== binding.remotePeer) return 'wrong-peer'
  const verdict = membership.judgeChain(shown.chain)
  if (verdict !== 'valid') return verdict
  const isSigned = await verifyMldsa(leaf.publicKey, shown.context, shown.signed, shown.signature)
  return isSigned ? undefined : 'bad-signature'
}

/** Signs as the responder, over the whole handshake. */
async function memberProof(
  { identity, membership }: MemberAdmissionDeps,
  binding: Required<HandshakeBinding>,
  offered: readonly string[],
): Promise<MemberProof> {
  const chain = requireOwnChain(membership)
  const signed = transcriptBytes({
    meshId: membership.meshId,
    handshakeHash: binding.finalHash,
    chainHash: chain.hash,
    offered,
    supported: binding.localSuites,
    selected: binding.selectedSuite,
  })
  return {
    ...membership.authorities.proof(),
    chain: chain.bytes,
    signature: await identity.key.signMldsa(RESPONDER_CONTEXT, signed),
    supported: binding.localSuites,
  }
}

async function judgeJoin(
  deps: MemberAdmissionDeps,
  binding: Required<HandshakeBinding>,
  message: JoinMessage,
  signal: AbortSignal,
): Promise<Judgement> {
  const { membership } = deps
  const request = decodeJoinRequest(message.request)
  if (request === undefined) return refuse(deps, binding, 'malformed')
  if (request.meshId !== membership.meshId) return refuse(deps, binding, 'wrong-mesh')
  if (request.peerId !== binding.remotePeer) return refuse(deps, binding, 'wrong-peer')
  const isOwn = request.issuer === membership.self
  const reply = isOwn ? membership.redeem(request.bytes) : await deps.carry(request, signal)
  switch (reply.kind) {
    case 'joined': {
      const { authorities, meshName } = membership
      const joined = { kind: 'joined', chain: reply.chain, ...authorities.proof(), meshName } as const
      return { kind: 'end', reply: encodeResponderMessage(joined) }
    }
    case 'pending': {
      const proof = await memberProof(deps, binding, message.offered)
      return { kind: 'end', reply: encodeResponderMessage({ kind: 'pending', joinId: reply.joinId, proof }) }
    }
    case 'refused': {
      const proof = reply.genuine ? await memberProof(deps, binding, message.offered) : undefined
      return refuse(deps, binding, reply.code, proof)
    }
  }
}

function refuse(
  deps: MemberAdmissionDeps,
  binding: HandshakeBinding,
  code: RefusalCode,
  proof?: MemberProof,
): Judgement {
  note(deps, binding, code)
  const reason = REFUSALS[code]
  const message = { kind: 'refused', code, reason } as const
  const reply = encodeResponderMessage(proof === undefined ? message : { ...message, proof })
  return { kind: 'refuse', reply, code, reason }
}

function note({ membership }: MemberAdmissionDeps, binding: HandshakeBinding, code: RefusalCode): void {
  const peer = parsePeerId(binding.remotePeer)
  const { remoteAddress } = binding
  const refusal = { code, reason: REFUSALS[code], remoteAddress }
  membership.noteRefusal(peer === undefined ? refusal : { ...refusal, peer })
}

/** Judges D or F. */
async function judgeReply(
  deps: MemberAdmissionDeps,
  binding: Required<HandshakeBinding>,
  reply: Uint8Array,
): Promise<ReplyJudgement> {
  const message = decodeResponderMessage(reply)
  switch (message?.kind) {
    case 'refused':
      setTicketsAside(deps, binding)
      return remoteRefusal(message)
    case 'again':
      // It asks for what is worth more than a ticket, and only once.
      if (binding.attempt === 2) return refuseReply(deps, binding, 'malformed')
      return { kind: 'again', proof: await prove(deps, binding) }
    case 'member':
    case 'readmitted': {
      const code = await judgeResponder(deps, binding, message)
      return code === undefined ? { kind: 'admitted' } : refuseReply(deps, binding, code)
    }
    default:
      return refuseReply(deps, binding, 'malformed')
  }
}

/** Why the responder is not admitted; `undefined` admits it. */
async function judgeResponder(
  deps: MemberAdmissionDeps,
  binding: Required<HandshakeBinding>,
  message: Extract<ResponderMessage, { kind: 'member' | 'readmitted' }>,
): Promise<RefusalCode | undefined> {
  const { membership } = deps
  const isHonest =
    message.selected === binding.selectedSuite &&
    isHonestSelection(binding.localSuites, message.supported, binding.selectedSuite)
  if (!isHonest) return 'suite-downgrade'
  if (message.kind === 'readmitted') {
    const held = judgeTicketReply(deps, binding, message)
    if (held === undefined) return 'bad-ticket'
    noteReadmission(deps, binding, { role: 'initiator', peerChain: held.peerChain, by: held })
    return undefined
  }
  if (message.successor !== undefined) membership.authorities.learn(message.successor)
  const chain = membership.readChain(message.chain)
  if (chain === undefined) return 'malformed'
  const code = await judgeShown(membership, binding, {
    chain,
    signature: message.signature,
    context: RESPONDER_CONTEXT,
    signed: transcriptBytes({
      meshId: membership.meshId,
      handshakeHash: binding.finalHash,
      chainHash: chain.hash,
      offered: binding.localSuites,
      supported: message.supported,
      selected: message.selected,
    }),
  })
  if (code !== undefined) return code
  membership.keepChain(chain)
  membership.noteAdmission('admitted')
  keepNextTicket(deps, binding, { role: 'initiator', peerChain: chain, by: undefined })
  return undefined
}

function refuseReply(
  deps: MemberAdmissionDeps,
  binding: HandshakeBinding,
  code: RefusalCode,
): ReplyJudgement {
  setTicketsAside(deps, binding)
  note(deps, binding, code)
  return { kind: 'refused', by: 'local', code, reason: REFUSALS[code] }
}

/** Whatever a refusal was about, the next attempt shows everything. */
function setTicketsAside({ tickets }: MemberAdmissionDeps, { remotePeer }: HandshakeBinding): void {
  const peer = parsePeerId(remotePeer)
  if (peer !== undefined) tickets.setAside(peer)
}

/** Foreign text is shown to people: no control characters, and not much of it. */
const remoteRefusal = ({ code, reason }: { code: string; reason: string }): ReplyJudgement => ({
  kind: 'refused',
  code: code.replace(/[^a-z0-9-]/g, ''),
  reason: reason.replace(/\p{Cc}/gu, ' '),
})
