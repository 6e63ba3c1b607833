import {
  type ConnectionEncrypter,
  type MessageStream,
  type PeerId,
  type PrivateKey,
  type SecureConnectionOptions,
  type SecuredConnection,
  type StreamMuxerFactory,
  serviceCapabilities,
  type Upgrader,
} from '@libp2p/interface'
import type { Clock } from '../platform/clock.ts'
import type { Emitter } from '../platform/emitter.ts'
import type { Admission } from './admission-port.ts'
import type { HandshakeContext, HandshakeEvents } from './events.ts'
import { type AdmissionExchange, type ExchangeResult, initiate, respond } from './exchange.ts'
import { type HandshakeError, handshakeError, isHandshakeError } from './faults.ts'
import { HandshakeChannel } from './handshake-channel.ts'
import { HandshakeState, type Role } from './handshake-state.ts'
import {
  createIdentityVerifier,
  createLocalIdentity,
  type IdentityVerifier,
  type LocalIdentity,
} from './identity.ts'
import { type InboundGate, remoteAddressOf } from './inbound-gate.ts'
import type { DhKeyPair } from './primitives.ts'
import { SecuredStream } from './secured-stream.ts'
import type { Suite } from './suite.ts'

/** What libp2p gives to a connection encrypter's factory. */
export interface EncrypterComponents {
  readonly privateKey: PrivateKey
  readonly upgrader: Pick<Upgrader, 'getStreamMuxers'>
}

export interface EncrypterDeps {
  readonly clock: Clock
  readonly gate: InboundGate
  readonly events: Pick<Emitter<HandshakeEvents>, 'emit'>
}

export interface EncrypterProfile {
  readonly protocol: string
  readonly suite: Suite
  /** Each message of the other end is due this long after it is waited for. */
  readonly messageTimeoutMs: number
  /** Absent in libp2p's published profile. */
  readonly mesh?: {
    readonly admission: Admission
    readonly suites: readonly string[]
    readonly rekeyAfterFrames: number
  }
}

/** Before C the responder needs no more than one message; while it judges, the initiator has nothing to say. */
const MAX_INBOUND_BUFFER_BYTES = 32 * 1024
/** Behind D the responder may send at once; libp2p's own read buffer has this size. */
const MAX_OUTBOUND_BUFFER_BYTES = 4 * 1024 * 1024
/** Time for the answer of a refusal to reach the other end before the connection is cut. */
const FAREWELL_MS = 1_000

/** One protocol of this module as a libp2p connection encrypter. */
export class NoiseHfs implements ConnectionEncrypter {
  readonly protocol: string
  readonly [serviceCapabilities]: string[] = ['@libp2p/connection-encryption']
  readonly #deps: EncrypterDeps
  readonly #components: EncrypterComponents
  readonly #profile: EncrypterProfile
  readonly #staticKey: DhKeyPair
  readonly #identity: LocalIdentity
  readonly #identities: IdentityVerifier = createIdentityVerifier()

  constructor(deps: EncrypterDeps, components: EncrypterComponents, profile: EncrypterProfile) {
    this.protocol = profile.protocol
    this.#deps = deps
    this.#components = components
    this.#profile = profile
    this.#staticKey = profile.suite.primitives.dh.generate()
    this.#identity = createLocalIdentity(components.privateKey, this.#staticKey.publicKey)
  }

  get [Symbol.toStringTag](): string {
    return '@x0t/noise-hfs'
  }

  /**
   * Resolves once the other end is who it should be and, on the mesh's suites, both ends have admitted each other.
   *
   * @throws HandshakeError; the same fault is emitted as an event.
   */
  async secureOutbound(
    connection: MessageStream,
    options?: SecureConnectionOptions,
  ): Promise<SecuredConnection> {
    return await this.#secure('initiator', connection, options)
  }

  /** @throws HandshakeError; the same fault is emitted as an event. */
  async secureInbound(
    connection: MessageStream,
    options?: SecureConnectionOptions,
  ): Promise<SecuredConnection> {
    const leave = this.#deps.gate.enter(connection)
    try {
      return await this.#secure('responder', connection, options)
    } finally {
      leave()
    }
  }

  async #secure(
    role: Role,
    connection: MessageStream,
    options: SecureConnectionOptions = {},
  ): Promise<SecuredConnection> {
    const startedMs = this.#deps.clock.monotonicMs()
    const context = {
      direction: role === 'initiator' ? 'outbound' : 'inbound',
      suite: this.protocol,
      remoteAddress: remoteAddressOf(connection),
      peer: undefined as string | undefined,
    } satisfies HandshakeContext
    const attempt = this.#attempt(role, connection, options)
    try {
      const result = await this.#exchange(role, attempt, context, options)
      const streamMuxer = this.#chooseMuxer(role, result, options)
      const stream = new SecuredStream(connection, result.keys, {
        rekeyAfterFrames: this.#profile.mesh?.rekeyAfterFrames,
        leftover: attempt.channel.release(),
        maxFrameBytes: maxFrameBytesOf(connection),
      })
      this.#deps.events.emit('secured', { ...context, tookMs: this.#deps.clock.monotonicMs() - startedMs })
      const secured = { connection: stream, remotePeer: result.remote.peer }
      return streamMuxer === undefined ? secured : { ...secured, streamMuxer }
    } catch (thrown) {
      attempt.channel.release()
      attempt.state.wipe()
      const error = isHandshakeError(thrown) ? thrown : handshakeError({ code: 'MISUSED' }, thrown)
      this.#report(context, error)
      await this.#sayFarewell(connection, error)
      throw error
    }
  }

  #attempt(
    role: Role,
    connection: MessageStream,
    options: SecureConnectionOptions,
  ): { readonly channel: HandshakeChannel; readonly state: HandshakeState } {
    const { messageTimeoutMs, suite } = this.#profile
    const channel = new HandshakeChannel(this.#deps.clock, connection, {
      messageTimeoutMs,
      maxBufferedBytes: role === 'initiator' ? MAX_OUTBOUND_BUFFER_BYTES : MAX_INBOUND_BUFFER_BYTES,
      signal: options.signal,
    })
    return { channel, state: new HandshakeState(suite, { role, staticKey: this.#staticKey }) }
  }

  async #exchange(
    role: Role,
    attempt: { readonly channel: HandshakeChannel; readonly state: HandshakeState },
    context: HandshakeContext & { peer: string | undefined },
    options: SecureConnectionOptions,
  ): Promise<ExchangeResult> {
    const run = role === 'initiator' ? initiate : respond
    return await run({
      ...attempt,
      payload: await this.#identity.payload(this.#muxers(options)),
      identities: this.#identities,
      expectedPeer: options.remotePeer,
      admission: this.#admission(context.remoteAddress),
      onPeer: (peer: PeerId) => {
        context.peer = peer.toString()
      },
    })
  }

  #admission(remoteAddress: string): AdmissionExchange | undefined {
    const { mesh } = this.#profile
    if (mesh === undefined) return undefined
    const { admission, suites, rekeyAfterFrames } = mesh
    return { admission, selectedSuite: this.protocol, localSuites: suites, remoteAddress, rekeyAfterFrames }
  }

  #muxers(options: SecureConnectionOptions): readonly string[] {
    if (options.skipStreamMuxerNegotiation === true) return []
    return [...this.#components.upgrader.getStreamMuxers().keys()]
  }

  /** The first muxer of the initiator's list that both have; without lists, libp2p negotiates one afterwards. */
  #chooseMuxer(
    role: Role,
    { remote }: ExchangeResult,
    options: SecureConnectionOptions,
  ): StreamMuxerFactory | undefined {
    const local = this.#muxers(options)
    if (local.length === 0 || remote.streamMuxers.length === 0) return undefined
    const [first, second] = role === 'initiator' ? [local, remote.streamMuxers] : [remote.streamMuxers, local]
    const chosen = first.find((muxer) => second.includes(muxer))
    if (chosen === undefined) throw handshakeError({ code: 'NO_COMMON_MUXER' })
    return this.#components.upgrader.getStreamMuxers().get(chosen)
  }

  #report(context: HandshakeContext, { fault }: HandshakeError): void {
    const { events } = this.#deps
    if (fault.code === 'EXCHANGE_ENDED') events.emit('ended', { ...context })
    else if (fault.code === 'REFUSED') {
      events.emit('refused', { ...context, by: fault.by, code: fault.reasonCode, reason: fault.reason })
    } else events.emit('failed', { ...context, fault })
  }

  /**
   * After D the connection is closed and not reset: a reset would overtake D, and the other end would never learn why.
   * Everything else is reset, which costs nothing.
   */
  async #sayFarewell(connection: MessageStream, error: HandshakeError): Promise<void> {
    const { fault } = error
    const owesAnswer = fault.code === 'EXCHANGE_ENDED' || (fault.code === 'REFUSED' && fault.by === 'local')
    if (owesAnswer) {
      try {
        await connection.close({ signal: AbortSignal.timeout(FAREWELL_MS) })
        return
      } catch {
        // The other end does not read: it has had its time.
      }
    }
    connection.abort(error)
  }
}

/** A connection that runs over frames of its own says what fits into one of them. */
function maxFrameBytesOf(connection: MessageStream): number | undefined {
  const limit: unknown = Reflect.get(connection, 'maxMessageSize')
  return typeof limit === 'number' ? limit : undefined
}
