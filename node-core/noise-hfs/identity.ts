import { publicKeyFromProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { handshakeError, type MessageName } from './faults.ts'
import { decodePayload, encodePayload, type Libp2pPayload } from './payload.ts'

const SIGNATURE_PREFIX = new TextEncoder().encode('noise-libp2p-static-key:')

const signedBytes = (staticKey: Uint8Array): Uint8Array => Buffer.concat([SIGNATURE_PREFIX, staticKey])

/** Binds this node's libp2p identity to one Noise static key. Signs once, however many handshakes use it. */
export interface LocalIdentity {
  /** The libp2p payload of B or C, for these muxers. */
  payload(streamMuxers: readonly string[]): Promise<Uint8Array>
}

export function createLocalIdentity(privateKey: PrivateKey, staticKey: Uint8Array): LocalIdentity {
  const identityKey = publicKeyToProtobuf(privateKey.publicKey)
  const encoded = new Map<string, Uint8Array>()
  let signature: Promise<Uint8Array> | undefined
  return {
    async payload(streamMuxers) {
      const key = streamMuxers.join('\n')
      const known = encoded.get(key)
      if (known !== undefined) return known
      signature ??= Promise.resolve(privateKey.sign(signedBytes(staticKey)))
      const fresh = encodePayload({ identityKey, identitySignature: await signature, streamMuxers })
      // At most two lists ever come up: the node's muxers, and none.
      encoded.set(key, fresh)
      return fresh
    },
  }
}

export interface RemoteIdentity {
  readonly peer: PeerId
  readonly streamMuxers: readonly string[]
}

export interface IdentityVerifier {
  /**
   * Reads the libp2p payload of the other end and checks that its identity signed its static key, and that it is the
   * peer that was dialled, if one was.
   *
   * @throws HandshakeError MESSAGE_MALFORMED, MESSAGE_TOO_LARGE, BAD_IDENTITY, WRONG_PEER
   */
  verify(
    message: MessageName,
    payload: Uint8Array,
    remoteStatic: Uint8Array,
    expected: PeerId | undefined,
  ): Promise<RemoteIdentity>
}

/** Peers whose signature is remembered: more than a node has neighbours. */
const MAX_REMEMBERED = 256

/**
 * Remembers the payloads that verified, so that a peer that connects again costs no signature check: whether a
 * signature is right for a key and a text never changes, and the exact bytes of all three are the key of the memory.
 */
export function createIdentityVerifier(): IdentityVerifier {
  const remembered = new Map<string, RemoteIdentity>()
  const remember = (key: string, identity: RemoteIdentity): void => {
    const [oldest] = remembered.keys()
    if (remembered.size >= MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
    remembered.set(key, identity)
  }
  return {
    async verify(message, payload, remoteStatic, expected) {
      // The static key has a fixed length, so no two pairs make one text.
      const key = Buffer.concat([remoteStatic, payload]).toString('latin1')
      let identity = remembered.get(key)
      if (identity === undefined) {
        identity = await provenIdentity(decodePayload(message, payload), remoteStatic)
        remember(key, identity)
      }
      if (expected !== undefined && !expected.equals(identity.peer)) {
        throw handshakeError({
          code: 'WRONG_PEER',
          expected: expected.toString(),
          actual: identity.peer.toString(),
        })
      }
      return identity
    },
  }
}

async function provenIdentity(payload: Libp2pPayload, remoteStatic: Uint8Array): Promise<RemoteIdentity> {
  let proven: PeerId | undefined
  try {
    const key = publicKeyFromProtobuf(payload.identityKey)
    if (await key.verify(signedBytes(remoteStatic), payload.identitySignature))
      proven = peerIdFromPublicKey(key)
  } catch (error) {
    // Keys of unknown types and signatures of a wrong shape are thrown by libp2p, and mean the same here.
    throw handshakeError({ code: 'BAD_IDENTITY' }, error)
  }
  if (proven === undefined) throw handshakeError({ code: 'BAD_IDENTITY' })
  return { peer: proven, streamMuxers: payload.streamMuxers }
}
