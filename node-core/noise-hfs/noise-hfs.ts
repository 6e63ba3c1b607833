import type { ConnectionEncrypter } from '@libp2p/interface'
import { type Clock, systemClock } from '../platform/clock.ts'
import { createEmitter, type Emitter } from '../platform/emitter.ts'
import type { Admission } from './admission-port.ts'
import { type EncrypterComponents, type EncrypterProfile, NoiseHfs } from './encrypter.ts'
import type { HandshakeEvents } from './events.ts'
import { createInboundGate, type InboundGate, type InboundGateOptions } from './inbound-gate.ts'
import type { AeadKind, Implementation } from './primitives.ts'
import { selectPrimitives } from './probe.ts'
import { createSuite, MESH_PROTOCOLS, PUBLISHED_PROTOCOL } from './suite.ts'

/** For libp2p's `connectionEncrypters`. */
export type EncrypterFactory = (components: EncrypterComponents) => ConnectionEncrypter

export interface NoiseHfsDeps {
  readonly clock?: Clock
  /** Hears of event listeners that throw. */
  readonly onListenerError?: (error: unknown) => void
}

export interface NoiseHfsOptions {
  /** `noble` never uses native code; `native`, the default, uses what a probe finds. */
  readonly implementation?: Implementation
  /** Each message of the other end is due this long after it is waited for. Default 3 s. */
  readonly messageTimeoutMs?: number
  readonly gate?: InboundGateOptions
}

export interface MeshNoiseOptions extends NoiseHfsOptions {
  /** Order of preference. Default AES-GCM first: every runtime here has it in hardware. */
  readonly suites?: readonly AeadKind[]
  /** Each direction rekeys after this many frames. Default 2^20. Both ends must agree. */
  readonly rekeyAfterFrames?: number
}

export interface NoiseHfsParts {
  readonly encrypters: readonly EncrypterFactory[]
  /** Shared by all of `encrypters`. Its `connectionGater` belongs into libp2p's. */
  readonly gate: InboundGate
  readonly events: Pick<Emitter<HandshakeEvents>, 'on'>
}

const MESSAGE_TIMEOUT_MS = 3_000
const REKEY_AFTER_FRAMES = 2 ** 20

/**
 * The mesh's two suites with one gate and one stream of events:
 *
 *     const noise = createMeshNoise({ admission, clock }, {})
 *     createLibp2p({
 *       connectionEncrypters: [...noise.encrypters],
 *       connectionGater: { ...noise.gate.connectionGater },
 *       connectionManager: { ...GATED_CONNECTION_MANAGER },
 *     })
 */
export function createMeshNoise(
  deps: NoiseHfsDeps & { readonly admission: Admission },
  options: MeshNoiseOptions = {},
): NoiseHfsParts {
  const kinds = options.suites ?? ['aesgcm', 'chachapoly']
  const suites = kinds.map((kind) => MESH_PROTOCOLS[kind])
  const rekeyAfterFrames = options.rekeyAfterFrames ?? REKEY_AFTER_FRAMES
  const mesh = { admission: deps.admission, suites, rekeyAfterFrames }
  return assemble(
    deps,
    options,
    kinds.map((kind) => ({ kind, protocol: MESH_PROTOCOLS[kind], mesh })),
  )
}

/** libp2p's draft profile `/noise-mlkem768-hfs/0.2.0`, byte for byte: no admission, no rekeying. */
export function createPublishedNoise(deps: NoiseHfsDeps = {}, options: NoiseHfsOptions = {}): NoiseHfsParts {
  return assemble(deps, options, [{ kind: 'chachapoly', protocol: PUBLISHED_PROTOCOL }])
}

interface Protocol extends Pick<EncrypterProfile, 'protocol' | 'mesh'> {
  readonly kind: AeadKind
}

function assemble(
  deps: NoiseHfsDeps,
  options: NoiseHfsOptions,
  protocols: readonly Protocol[],
): NoiseHfsParts {
  const clock = deps.clock ?? systemClock
  const events = createEmitter<HandshakeEvents>(deps.onListenerError ?? (() => {}))
  const gate = createInboundGate({ clock, onShed: (event) => events.emit('shed', event) }, options.gate)
  const messageTimeoutMs = options.messageTimeoutMs ?? MESSAGE_TIMEOUT_MS
  const encrypters = protocols.map(({ kind, ...rest }): EncrypterFactory => {
    const suite = createSuite(selectPrimitives(kind, options.implementation))
    return (components) =>
      new NoiseHfs({ clock, gate, events }, components, { ...rest, suite, messageTimeoutMs })
  })
  return { encrypters, gate, events }
}
