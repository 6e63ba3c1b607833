import { z } from 'zod'
import type { CipherState } from '../../node-core/noise-hfs/cipher-state.ts'
import {
  HandshakeState,
  MESSAGE_A_BYTES,
  MESSAGE_B_BYTES,
  MESSAGE_C_BYTES,
  type TransportKeys,
} from '../../node-core/noise-hfs/handshake-state.ts'
import type { AeadKind, DiffieHellman, Kem, Primitives } from '../../node-core/noise-hfs/primitives.ts'
import { createNobleKem } from '../../node-core/noise-hfs/primitives-noble.ts'
import { selectPrimitives } from '../../node-core/noise-hfs/probe.ts'
import { createSuite, type Suite } from '../../node-core/noise-hfs/suite.ts'

const hex = (bytes?: number) =>
  z
    .string()
    .regex(/^([0-9a-f]{2})*$/i, 'must be hex')
    .refine((text) => bytes === undefined || text.length === 2 * bytes, {
      error: `must be ${bytes} bytes of hex`,
    })
    .transform((text) => new Uint8Array(Buffer.from(text, 'hex')))

const vectorSchema = z.object({
  vector_index: z.int().optional(),
  prologue: hex().default(new Uint8Array(0)),
  payload: hex().default(new Uint8Array(0)),
  static_i_private: hex(32),
  static_r_private: hex(32),
  ephemeral_dh_i_private: hex(32),
  ephemeral_dh_r_private: hex(32),
  kem_keygen_seed: hex(64),
  kem_encap_seed: hex(32),
  kem_i_public: hex(1184).optional(),
  msg_a: hex(),
  msg_b: hex(),
  msg_c: hex(),
  handshake_hash: hex(32),
  cs1_k: hex(32),
  cs2_k: hex(32),
})

export const vectorFileSchema = z.object({
  protocol: z.enum([
    'Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256',
    'Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256',
  ]),
  vectors: z.array(vectorSchema).min(1),
})

export type Vector = z.infer<typeof vectorSchema>
export type VectorProtocol = z.infer<typeof vectorFileSchema>['protocol']

const COMPARED = ['msg_a', 'msg_b', 'msg_c', 'handshake_hash', 'cs1_k', 'cs2_k'] as const
type Compared = (typeof COMPARED)[number]
type Role = 'initiator' | 'responder'

export interface Difference {
  readonly role: Role
  readonly what: Compared | 'kem_i_public' | 'error'
  readonly expected: string
  readonly actual: string
}

const KINDS: Record<VectorProtocol, AeadKind> = {
  'Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256': 'chachapoly',
  'Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256': 'aesgcm',
}

/** Which code does the arithmetic of one end. Encapsulation is noble's in any case: no native one takes a seed. */
export interface ReplayOptions {
  readonly initiator?: Primitives
  readonly responder?: Primitives
}

/**
 * Replays one vector through the production state machine. Each role is run against the bytes of the vector, not
 * against the other role, so a mistake that both roles share shows as well. No difference means that it passes.
 */
export function replayVector(
  protocol: VectorProtocol,
  vector: Vector,
  options: ReplayOptions = {},
): readonly Difference[] {
  const kind = KINDS[protocol]
  const suiteOf = (primitives: Primitives = selectPrimitives(kind)): Suite =>
    createSuite({ ...primitives, kem: seeded(primitives.kem, vector) })
  return [
    ...attempt('initiator', vector, () => replayInitiator(suiteOf(options.initiator), vector)),
    ...attempt('responder', vector, () => replayResponder(suiteOf(options.responder), vector)),
  ]
}

/** The KEM of a vector: keys by `kem`, encapsulation with the vector's seed. */
function seeded(kem: Kem, vector: Vector): Kem {
  const noble = createNobleKem(vector.kem_encap_seed)
  return { ...kem, generate: () => kem.fromSeed(vector.kem_keygen_seed), encapsulate: noble.encapsulate }
}

/** A seeded key each time it is asked for, as a fresh one would be generated. */
const fixedDh = (dh: DiffieHellman, privateKey: Uint8Array) => ({ dh: dh.fromPrivate(privateKey) })

/** A vector has one payload; each message carries it that has room for it. */
function payloadIn(vector: Vector, message: Uint8Array, fixedBytes: number): Uint8Array {
  return message.length === fixedBytes ? new Uint8Array(0) : vector.payload
}

type Outcome = Partial<Record<Compared | 'kem_i_public' | 'payload', Uint8Array>>

function replayInitiator(suite: Suite, vector: Vector): Outcome {
  const { dh, kem } = suite.primitives
  const kemPair = kem.generate()
  const state = new HandshakeState(suite, {
    role: 'initiator',
    staticKey: dh.fromPrivate(vector.static_i_private),
    prologue: vector.prologue,
    ephemeral: { ...fixedDh(dh, vector.ephemeral_dh_i_private), kem: kemPair },
  })
  const messageA = state.writeA(payloadIn(vector, vector.msg_a, MESSAGE_A_BYTES))
  expectPayload(state.readB(vector.msg_b), payloadIn(vector, vector.msg_b, MESSAGE_B_BYTES))
  state.beginC()
  const messageC = state.finishC(payloadIn(vector, vector.msg_c, MESSAGE_C_BYTES))
  const keys = state.finish()
  return {
    kem_i_public: kemPair.publicKey,
    msg_a: messageA,
    msg_c: messageC,
    ...keysOf(keys, keys.send, keys.receive),
  }
}

function replayResponder(suite: Suite, vector: Vector): Outcome {
  const { dh } = suite.primitives
  const state = new HandshakeState(suite, {
    role: 'responder',
    staticKey: dh.fromPrivate(vector.static_r_private),
    prologue: vector.prologue,
    ephemeral: fixedDh(dh, vector.ephemeral_dh_r_private),
  })
  expectPayload(state.readA(vector.msg_a), payloadIn(vector, vector.msg_a, MESSAGE_A_BYTES))
  const messageB = state.writeB(payloadIn(vector, vector.msg_b, MESSAGE_B_BYTES))
  expectPayload(state.readC(vector.msg_c), payloadIn(vector, vector.msg_c, MESSAGE_C_BYTES))
  const keys = state.finish()
  return { msg_b: messageB, ...keysOf(keys, keys.receive, keys.send) }
}

function keysOf(keys: TransportKeys, first: CipherState, second: CipherState): Outcome {
  return { handshake_hash: keys.handshakeHash, cs1_k: first.exportKey(), cs2_k: second.exportKey() }
}

function expectPayload(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) !== 0)
    throw new Error('a message carries another payload than the vector says')
}

function attempt(role: Role, vector: Vector, replay: () => Outcome): Difference[] {
  let outcome: Outcome
  try {
    outcome = replay()
  } catch (error) {
    const actual = error instanceof Error ? error.message : String(error)
    return [{ role, what: 'error', expected: 'a complete handshake', actual }]
  }
  const differences: Difference[] = []
  for (const what of [...COMPARED, 'kem_i_public'] as const) {
    const expected = vector[what]
    const actual = outcome[what]
    if (expected === undefined || actual === undefined || Buffer.compare(actual, expected) === 0) continue
    differences.push({ role, what, expected: shown(expected), actual: shown(actual) })
  }
  return differences
}

const shown = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes).toString('hex')
  return text.length <= 64 ? text : `${text.slice(0, 61)}... (${bytes.length} bytes)`
}
