import type { PeerId } from '@libp2p/interface'
import { wipe } from '../platform/secret.ts'
import {
  type Admission,
  type HandshakeBinding,
  MAX_ADMISSION_MESSAGE_BYTES,
  MAX_PROOF_BYTES,
  type ReplyJudgement,
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
  return await withKeys(state, 'initiator', async (keys, exportSecret) => {
    const final = { ...binding, finalHash: keys.handshakeHash, exportSecret }
    await hearVerdict(context, admission, final, keys)
    return { keys, remote }
  })
}

type FinalBinding = Omit<Required<HandshakeBinding>, 'attempt'>

/** Sends nothing more, or one more proof, until the responder's admission has been heard and is found good. */
async function hearVerdict(
  context: ExchangeContext,
  admission: AdmissionExchange,
  binding: FinalBinding,
  keys: TransportKeys,
): Promise<void> {
  const first = await readVerdict(context, admission, { ...binding, attempt: 1 }, keys)
  if (first.kind !== 'again') return conclude(first)
  sendFrame(context, admission, keys, first.proof)
  conclude(await readVerdict(context, admission, { ...binding, attempt: 2 }, keys))
}

/** Reads D or F and has the admission judge it. */
async function readVerdict(
  { channel }: ExchangeContext,
  admission: AdmissionExchange,
  binding: Required<HandshakeBinding>,
  keys: TransportKeys,
): Promise<ReplyJudgement> {
  const message = binding.attempt === 1 ? 'D' : 'F'
  const reply = await readFrame(channel, admission, keys, message)
  return await channel.during(message, (signal) =>
    unbroken(() => admission.admission.judgeReply(binding, reply, signal)),
  )
}

function conclude(verdict: ReplyJudgement): void {
  if (verdict.kind === 'end') throw handshakeError({ code: 'EXCHANGE_ENDED' })
  if (verdict.kind === 'again') throw handshakeError({ code: 'ADMISSION_BROKEN' })
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
  if (admission === undefined || proof === undefined) return { keys: state.finish(), remote }
  const binding = bindingOf(admission, remote.peer, state)
  return await withKeys(state, 'responder', async (keys, exportSecret) => {
    const final = { ...binding, finalHash: keys.handshakeHash, exportSecret }
    await giveVerdict(context, admission, final, { keys, proof })
    return { keys, remote }
  })
}

/** Has the admission judge C and sends D; if D asks for another proof, the same once more with E and F. */
async function giveVerdict(
  context: ExchangeContext,
  admission: AdmissionExchange,
  binding: FinalBinding,
  { keys, proof }: { readonly keys: TransportKeys; readonly proof: Uint8Array },
): Promise<void> {
  const first = await sendVerdict(context, admission, { ...binding, attempt: 1 }, { keys, proof })
  if (first !== 'again') return
  const second = await readFrame(context.channel, admission, keys, 'E')
  if (second.length > MAX_PROOF_BYTES) {
    throw handshakeError({ code: 'MESSAGE_TOO_LARGE', message: 'E', limitBytes: MAX_PROOF_BYTES })
  }
  await sendVerdict(context, admission, { ...binding, attempt: 2 }, { keys, proof: second })
}

async function sendVerdict(
  context: ExchangeContext,
  admission: AdmissionExchange,
  binding: Required<HandshakeBinding>,
  { keys, proof }: { readonly keys: TransportKeys; readonly proof: Uint8Array },
): Promise<'admit' | 'again'> {
  const judgement = await context.channel.during(binding.attempt === 1 ? 'D' : 'F', (signal) =>
    unbroken(() => admission.admission.judge(binding, proof, signal)),
  )
  if (judgement.kind === 'again' && binding.attempt === 2) throw handshakeError({ code: 'ADMISSION_BROKEN' })
  sendFrame(context, admission, keys, judgement.reply)
  if (judgement.kind === 'end') throw handshakeError({ code: 'EXCHANGE_ENDED' })
  if (judgement.kind === 'refuse') {
    throw handshakeError({
      code: 'REFUSED',
      by: 'local',
      reasonCode: judgement.code,
      reason: judgement.reason,
    })
  }
  return judgement.kind
}

function sendFrame(
  { channel }: ExchangeContext,
  { rekeyAfterFrames }: AdmissionExchange,
  keys: TransportKeys,
  payload: Uint8Array,
): void {
  if (payload.length > MAX_PROOF_BYTES) throw handshakeError({ code: 'ADMISSION_BROKEN' })
  channel.send(sealPayload(keys.send, payload, rekeyAfterFrames))
}

async function readFrame(
  channel: HandshakeChannel,
  { rekeyAfterFrames }: AdmissionExchange,
  keys: TransportKeys,
  message: 'D' | 'E' | 'F',
): Promise<Uint8Array> {
  const frame = await channel.read(message, MAX_ADMISSION_MESSAGE_BYTES)
  return openFrame(keys.receive, message, frame, rekeyAfterFrames)
}

const EXPORT_LABEL = '/x0t/noise-hfs/1/export'
/** Keys for frames that are authenticated alone, one for what each end sends. Noise's own keys never see such a frame. */
const BARE_LABELS = {
  initiator: '/x0t/noise-hfs/1/bare/initiator',
  responder: '/x0t/noise-hfs/1/bare/responder',
} as const

/** Runs the rest of an exchange with the transport's keys, which are wiped if it fails, and the exported secret. */
async function withKeys(
  state: HandshakeState,
  role: keyof typeof BARE_LABELS,
  work: (keys: TransportKeys, exportSecret: () => Uint8Array | undefined) => Promise<ExchangeResult>,
): Promise<ExchangeResult> {
  let secret: Uint8Array | undefined = state.exportSecret(EXPORT_LABEL)
  const bareSend = state.exportSecret(BARE_LABELS[role])
  const bareReceive = state.exportSecret(BARE_LABELS[role === 'initiator' ? 'responder' : 'initiator'])
  const keys = state.finish()
  keys.send.allowBare(bareSend)
  keys.receive.allowBare(bareReceive)
  try {
    return await work(keys, () => secret && Uint8Array.from(secret))
  } catch (error) {
    keys.send.wipe()
    keys.receive.wipe()
    throw error
  } finally {
    wipe(secret)
    secret = undefined
  }
}

function bindingOf(
  admission: AdmissionExchange,
  remotePeer: PeerId,
  { initiatorHash }: Pick<HandshakeState, 'initiatorHash'>,
): Omit<HandshakeBinding, 'finalHash' | 'exportSecret' | 'attempt'> {
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
