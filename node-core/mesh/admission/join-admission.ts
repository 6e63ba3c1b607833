import type { JoinId, MeshId } from '../../domain/ids.ts'
import type { Admission, HandshakeBinding, ReplyJudgement } from '../../noise-hfs/admission-port.ts'
import { type AuthorityProof, provenKeys } from '../../security/authority-succession.ts'
import { type CertificateChain, type ChainVerdict, decodeChain, verifyChain } from '../../security/chain.ts'
import { type HybridPublicKey, verifyMldsa } from '../../security/hybrid-key.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import type { Invite } from '../../security/invite.ts'
import { REFUSALS, type RefusalCode } from '../membership/events.ts'
import {
  decodeResponderMessage,
  encodeInitiatorMessage,
  type MemberProof,
  type ResponderMessage,
} from './messages.ts'
import { isHonestSelection, RESPONDER_CONTEXT, transcriptBytes } from './transcript.ts'

/** What one attempt to join through one address came to. */
export type JoinAnswer =
  | {
      readonly kind: 'joined'
      readonly chain: CertificateChain
      readonly authority: HybridPublicKey
      /** What its members call the mesh, in their words; may be empty. */
      readonly meshName: string
    }
  | { readonly kind: 'pending'; readonly joinId: JoinId }
  /** `proven`: whoever refused has proved to be a member of the invite's mesh. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string; readonly proven: boolean }

export interface JoinAdmissionDeps {
  readonly identity: NodeIdentity
  /** The token's content; its secret is not needed any more. */
  readonly invite: Pick<Invite, 'meshId' | 'issuer' | 'authority'>
  /** Signed by the invite's and the node's keys. */
  readonly request: Uint8Array
  readonly nowMs: () => number
  readonly onAnswer: (answer: JoinAnswer) => void
}

/**
 * The joiner's side of a join: shows the request and believes an answer only from the invite's mesh. A certificate
 * proves itself, since nobody else could have signed it; any other answer has to come with the proof of a member.
 */
export function createJoinAdmission(deps: JoinAdmissionDeps): Admission {
  return {
    async prove(binding) {
      return encodeInitiatorMessage({
        kind: 'join',
        request: deps.request,
        offered: binding.localSuites,
        selected: binding.selectedSuite,
      })
    },
    async judge() {
      // Nobody is let in by a node that is no member yet: an empty reply says nothing.
      return { kind: 'refuse', reply: new Uint8Array(0), code: 'not-a-join', reason: REFUSALS['not-a-join'] }
    },
    async judgeReply(binding, reply) {
      const message = decodeResponderMessage(reply)
      const answer =
        message === undefined ? localRefusal('malformed') : await judgeAnswer(deps, binding, message)
      deps.onAnswer(answer)
      return verdictOf(answer)
    },
  }
}

const verdictOf = (answer: JoinAnswer): ReplyJudgement =>
  answer.kind === 'refused' ? { kind: 'refused', code: answer.code, reason: answer.reason } : { kind: 'end' }

const localRefusal = (code: RefusalCode): JoinAnswer => ({
  kind: 'refused',
  code,
  reason: REFUSALS[code],
  proven: false,
})

async function judgeAnswer(
  deps: JoinAdmissionDeps,
  binding: Required<HandshakeBinding>,
  message: ResponderMessage,
): Promise<JoinAnswer> {
  switch (message.kind) {
    case 'member':
    case 'readmitted':
    case 'again':
      return localRefusal('not-a-join')
    case 'joined':
      return judgeOwnChain(deps, message)
    case 'pending': {
      const code = await judgeProof(deps, binding, message.proof)
      return code === undefined ? { kind: 'pending', joinId: message.joinId } : localRefusal(code)
    }
    case 'refused': {
      const { proof } = message
      const proven = proof !== undefined && (await judgeProof(deps, binding, proof)) === undefined
      const code = message.code.replace(/[^a-z0-9-]/g, '')
      return { kind: 'refused', code, reason: plain(message.reason), proven }
    }
  }
}

/** The certificate must be the mesh's, for this node's own two keys, and from the node that made the invite. */
function judgeOwnChain(
  { identity, invite, nowMs }: JoinAdmissionDeps,
  { chain: bytes, meshName, ...shown }: Extract<ResponderMessage, { kind: 'joined' }>,
): JoinAnswer {
  const keys = keysShown(invite, shown, nowMs())
  const [current] = keys
  if (current === undefined) return localRefusal('wrong-mesh')
  const chain = decodeChain(bytes)
  if (chain === undefined) return localRefusal('malformed')
  const { leaf } = chain
  // The PeerId is the Ed25519 key; the other key has to be this node's too.
  const isOurs =
    leaf.peerId === identity.peerId && Buffer.compare(leaf.mldsaPublicKey, identity.key.publicKey.mldsa) === 0
  if (!isOurs) return localRefusal('wrong-peer')
  // What needs the authority's own signature, as an owner's certificate does, names the authority.
  if (leaf.issuer !== invite.issuer && leaf.issuer !== 'authority') return localRefusal('forged')
  const verdict = judgeUnder(keys, chain, invite.meshId, nowMs())
  return verdict === 'valid'
    ? { kind: 'joined', chain, authority: current, meshName: plain(meshName) }
    : localRefusal(verdict)
}

/** The invite names the mesh by its founding authority, and the authority of its day beside it once that was another one. */
const keysShown = (
  { meshId, authority }: JoinAdmissionDeps['invite'],
  shown: AuthorityProof,
  nowMs: number,
): readonly HybridPublicKey[] => provenKeys(shown, { meshId, fingerprint: authority ?? meshId, nowMs })

function judgeUnder(
  keys: readonly HybridPublicKey[],
  chain: CertificateChain,
  meshId: MeshId,
  nowMs: number,
): ChainVerdict {
  for (const authority of keys) {
    const verdict = verifyChain(chain, { meshId, authority, isRevoked: () => false, nowMs })
    if (verdict !== 'forged') return verdict
  }
  return 'forged'
}

/** Foreign text is shown to people: no control characters. */
const plain = (text: string): string => text.replace(/\p{Cc}/gu, ' ')

/** `undefined` when the other end is a member of the invite's mesh and on this very connection. */
async function judgeProof(
  { invite, nowMs }: JoinAdmissionDeps,
  binding: Required<HandshakeBinding>,
  proof: MemberProof,
): Promise<RefusalCode | undefined> {
  const keys = keysShown(invite, proof, nowMs())
  if (keys.length === 0) return 'wrong-mesh'
  const chain = decodeChain(proof.chain)
  if (chain === undefined) return 'malformed'
  if (chain.leaf.peerId !== binding.remotePeer) return 'wrong-peer'
  const { localSuites: offered, selectedSuite: selected } = binding
  if (!isHonestSelection(offered, proof.supported, selected)) return 'suite-downgrade'
  const verdict = judgeUnder(keys, chain, invite.meshId, nowMs())
  if (verdict !== 'valid') return verdict
  const signed = transcriptBytes({
    meshId: invite.meshId,
    handshakeHash: binding.finalHash,
    chainHash: chain.hash,
    offered,
    supported: proof.supported,
    selected,
  })
  const isSigned = await verifyMldsa(chain.leaf.publicKey, RESPONDER_CONTEXT, signed, proof.signature)
  return isSigned ? undefined : 'bad-signature'
}
