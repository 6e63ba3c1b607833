import { generateKeyPair } from '@libp2p/crypto/keys'
import type {
  MultiaddrConnection,
  PeerId,
  PrivateKey,
  SecuredConnection,
  StreamMuxerFactory,
} from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddrConnectionPair } from '@libp2p/utils'
import type { Admission } from '../../node-core/noise-hfs/admission-port.ts'
import type { HandshakeEvents } from '../../node-core/noise-hfs/events.ts'
import { createMeshNoise, type NoiseHfsParts } from '../../node-core/noise-hfs/noise-hfs.ts'

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const string = (value: Uint8Array): string => new TextDecoder().decode(value)

export const admitting: Admission = {
  prove: async () => text('let me in'),
  judge: async () => ({ kind: 'admit', reply: text('welcome') }),
  judgeReply: async () => ({ kind: 'admitted' }),
}

const muxerNamed = (protocol: string): StreamMuxerFactory => ({
  protocol,
  createStreamMuxer() {
    throw new Error('no test opens a muxer')
  },
})

interface EndOptions {
  readonly parts: NoiseHfsParts
  readonly muxers?: readonly string[]
  readonly suite?: number
  readonly privateKey?: PrivateKey
}

export async function createEnd({ parts, muxers = ['/yamux/1.0.0'], suite = 0, ...rest }: EndOptions) {
  const privateKey = rest.privateKey ?? (await generateKeyPair('Ed25519'))
  const factories = new Map(muxers.map((name) => [name, muxerNamed(name)]))
  const factory = parts.encrypters[suite]
  if (factory === undefined) throw new Error('no such suite')
  const encrypter = factory({ privateKey, upgrader: { getStreamMuxers: () => factories } })
  const events: { name: keyof HandshakeEvents; event: HandshakeEvents[keyof HandshakeEvents] }[] = []
  for (const name of ['secured', 'ended', 'refused', 'failed', 'shed'] as const) {
    parts.events.on(name, (event) => events.push({ name, event }))
  }
  return { encrypter, events, peer: peerIdFromPrivateKey(privateKey), gate: parts.gate }
}
type End = Awaited<ReturnType<typeof createEnd>>

export interface Ends {
  readonly initiator?: EndOptions
  readonly responder?: EndOptions
  readonly dialled?: PeerId
  readonly onConnections?: (out: MultiaddrConnection, inn: MultiaddrConnection) => void
}

/** Runs both ends of one handshake and says how each ended: a connection, or the code of its error. */
export async function handshake({ initiator, responder, dialled, onConnections }: Ends) {
  const [out, inn] = multiaddrConnectionPair()
  const a = await createEnd(initiator ?? { parts: createMeshNoise({ admission: admitting }) })
  const b = await createEnd(responder ?? { parts: createMeshNoise({ admission: admitting }) })
  onConnections?.(out, inn)
  const options = dialled === undefined ? {} : { remotePeer: dialled }
  const [outbound, inbound] = await Promise.all([
    settle(a.encrypter.secureOutbound(out, options)),
    settle(b.encrypter.secureInbound(inn)),
  ])
  return { a, b, out, inn, outbound, inbound }
}

type Outcome = { readonly ok: SecuredConnection } | { readonly code: string; readonly error: unknown }

export async function settle(work: Promise<SecuredConnection>): Promise<Outcome> {
  try {
    return { ok: await work }
  } catch (error) {
    return { code: (error as { code?: string }).code ?? 'untyped', error }
  }
}

export const codeOf = (outcome: Outcome): string => ('code' in outcome ? outcome.code : 'secured')
export const names = (end: End): string[] => end.events.map(({ name }) => name)

export function connectionOf(outcome: Outcome): SecuredConnection {
  if (!('ok' in outcome)) throw outcome.error
  return outcome.ok
}
