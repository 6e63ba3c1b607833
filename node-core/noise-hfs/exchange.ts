import type { PeerId } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import {
  type Admission,
  type HandshakeBinding,
  MAX_ADMISSION_MESSAGE_BYTES,
  MAX_PROOF_BYTES,
} from './admission-port.ts'
import { handshakeError, isHandshakeError } from './faults.ts'
import { openFrame, sealPayload } from './frames.ts'
import type { HandshakeChannel } from './handshake-channel.ts'
import {
  type HandshakeState,
  MESSAGE_A_BYTES,
  MESSAGE_B_BYTES,
  MESSAGE_C_BYTES,
  type TransportKeys,
} from './handshake-state.ts'
import type { IdentityVerifier, RemoteIdentity } from './identity.ts'
import { decodeMessageC, encodeMessageC } from './message-c.ts'
import { MAX_PAYLOAD_BYTES } from './payload.ts'

/** How the mesh's suites admit. Without it an exchange is libp2p's published profile. */
export interface AdmissionExchange {
  readonly admission: Admission
  readonly selectedSuite: string
  readonly localSuites: readonly string[]
  readonly remoteAddress: string
  readonly rekeyAfterFrames: number
}

export interface ExchangeContext {
  readonly channel: HandshakeChannel
  readonly state: HandshakeState
  /** The libp2p payload of this end. */
  readonly payload: Uint8Array
  readonly identities: IdentityVerifier
  readonly expectedPeer: PeerId | undefined
  readonly admission: AdmissionExchange | undefined
  /** Called as soon as the other end's identity is proven, for the events of a handshake that fails later. */
  readonly onPeer: (peer: PeerId) => void
}

export interface ExchangeResult {
  readonly keys: TransportKeys
  readonly remote: RemoteIdentity
}

/** The published profile has no limit of its own on C. */
const MAX_PUBLISHED_C_BYTES = MESSAGE_C_BYTES + MAX_PAYLOAD_BYTES
const MAX_B_BYTES = MESSAGE_B_BYTES + MAX_PAYLOAD_BYTES

/** @throws HandshakeError */
export async function initiate(context: ExchangeContext): Promise<ExchangeResult> {
  const { channel, state, payload, expectedPeer, admission } = context
  channel.send(state.writeA())
  const answer = state.readB(await channel.read('B', MAX_B_BYTES))
  const remote = await context.identities.verify('B', answer, state.remoteStatic, expectedPeer)
  context.onPeer(remote.peer)
  state.beginC()
  if (admission === undefined) {
    channel.send(state.finishC(payload))
    return { keys: state.finish(), remote }
  }
  const binding = bindingOf(admission, remote.peer, state)
  const proof = await channel.during('C', (signal) =>
    unbroken(() => admission.admission.prove(binding, signal)),
  )
  channel.send(state.finishC(encodeMessageC({ libp2p: payload, proof })))
  const keys = state.finish()
  await readVerdict(context, admission, { ...binding, finalHash: keys.handshakeHash }, keys)
  return { keys, remote }
}

/** Reads D, the responder's first transport frame, and has the admission judge it. */
async function readVerdict(
  { channel }: ExchangeContext,
  admission: AdmissionExchange,
  binding: Required<HandshakeBinding>,
  keys: TransportKeys,
): Promise<void> {
  const frame = await channel.read('D', MAX_ADMISSION_MESSAGE_BYTES)
  const reply = Buffer.concat(
    openFrame(keys.receive, 'D', new Uint8ArrayList(frame), admission.rekeyAfterFrames),
  )
  const verdict = await channel.during('D', (signal) =>
    unbroken(() => admission.admission.judgeReply(binding, reply, signal)),
  )
  if (verdict.kind === 'end') throw handshakeError({ code: 'EXCHANGE_ENDED' })
  if (verdict.kind === 'refused') {
    const { by = 'remote', code, reason } = verdict
    throw handshakeError({ code: 'REFUSED', by, reasonCode: code, reason })
  }
}

/** @throws HandshakeError */
export async function respond(context: ExchangeContext): Promise<ExchangeResult> {
  const { channel, state, payload, expectedPeer, admission } = context
  state.readA(await channel.read('A', MESSAGE_A_BYTES))
  channel.send(state.writeB(payload))
  const limit = admission === undefined ? MAX_PUBLISHED_C_BYTES : MAX_ADMISSION_MESSAGE_BYTES
  const opened = state.readC(await channel.read('C', limit))
  const { libp2p, proof } =
    admission === undefined ? { libp2p: opened, proof: undefined } : decodeMessageC(opened)
  const remote = await context.identities.verify('C', libp2p, state.remoteStatic, expectedPeer)
  context.onPeer(remote.peer)
  const initiatorHash = state.initiatorHash
  const keys = state.finish()
  if (admission !== undefined && proof !== undefined) {
    const binding = { ...bindingOf(admission, remote.peer, { initiatorHash }), finalHash: keys.handshakeHash }
    await sendVerdict(context, admission, binding, proof, keys)
  }
  return { keys, remote }
}

/** Has the admission judge C, and sends D. */
async function sendVerdict(
  { channel }: ExchangeContext,
  admission: AdmissionExchange,
  binding: Required<HandshakeBinding>,
  proof: Uint8Array,
  keys: TransportKeys,
): Promise<void> {
  const judgement = await channel.during('D', (signal) =>
    unbroken(() => admission.admission.judge(binding, proof, signal)),
  )
  if (judgement.reply.length > MAX_PROOF_BYTES) throw handshakeError({ code: 'ADMISSION_BROKEN' })
  channel.send(sealPayload(keys.send, judgement.reply, admission.rekeyAfterFrames))
  if (judgement.kind === 'end') throw handshakeError({ code: 'EXCHANGE_ENDED' })
  if (judgement.kind === 'refuse') {
    throw handshakeError({
      code: 'REFUSED',
      by: 'local',
      reasonCode: judgement.code,
      reason: judgement.reason,
    })
  }
}

function bindingOf(
  admission: AdmissionExchange,
  remotePeer: PeerId,
  { initiatorHash }: Pick<HandshakeState, 'initiatorHash'>,
): Omit<HandshakeBinding, 'finalHash'> {
  const { selectedSuite, localSuites, remoteAddress } = admission
  return { remotePeer: remotePeer.toString(), selectedSuite, localSuites, initiatorHash, remoteAddress }
}

/** What the admission throws is its own mistake, whatever the other end sent. */
async function unbroken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isHandshakeError(error) ? error : handshakeError({ code: 'ADMISSION_BROKEN' }, error)
  }
}
