import type { HandshakeFault } from './faults.ts'

/** Which connection an event is about. Nothing in it is secret. */
export interface HandshakeContext {
  readonly direction: 'inbound' | 'outbound'
  /** Protocol id of the suite. */
  readonly suite: string
  /** Multiaddr text of the other end, or `unknown`. */
  readonly remoteAddress: string
  /** PeerId text of the other end, once its signature proved it. */
  readonly peer: string | undefined
}

/**
 * What the encrypters say of each handshake, because libp2p's upgrader flattens their errors into texts. Exactly one
 * of these is emitted for every connection that reaches an encrypter; `shed` also for those that never do.
 */
export interface HandshakeEvents {
  /** The connection is secured and, on the mesh's suites, both ends are admitted. */
  secured: HandshakeContext & { readonly tookMs: number }
  /** An exchange such as a join did all it was for. */
  ended: HandshakeContext
  /** The admission of one end said no: `by` says which. */
  refused: HandshakeContext & {
    readonly by: 'local' | 'remote'
    readonly code: string
    readonly reason: string
  }
  /** Anything else. */
  failed: HandshakeContext & { readonly fault: HandshakeFault }
  /** An inbound connection was closed to make room, or because it sent nothing. Comes in floods: count it, sample logs. */
  shed: { readonly remoteAddress: string; readonly why: 'room' | 'silent'; readonly ageMs: number }
}
