/**
 * What the handshake needs from whoever decides on membership. The handshake carries opaque bytes in its message C and
 * its first transport frame D and, when the responder asks for another proof, in one more of each, E and F. It knows
 * nothing of certificates, meshes or roles.
 */

/** What both ends have agreed on when a proof is made or judged. */
export interface HandshakeBinding {
  /** libp2p PeerId text of the other end, as its signed libp2p payload proves. */
  readonly remotePeer: string
  /** Protocol id of the suite in use, e.g. `/x0t/noise-hfs/1/aesgcm`. */
  readonly selectedSuite: string
  /** Protocol ids that this end offers or accepts, in order of preference. */
  readonly localSuites: readonly string[]
  /** Noise h after `s, se` of message C and before C's payload, 32 bytes: what the initiator signs. */
  readonly initiatorHash: Uint8Array
  /** Noise h after the whole of message C, 32 bytes: what the responder signs. Absent while C is being written. */
  readonly finalHash?: Uint8Array
  /**
   * A copy of 32 bytes that only the two ends of this handshake know, for keys that outlive it; the caller wipes it.
   * Gives nothing once the handshake is over, so that work that was left behind cannot go on with bytes that are wiped.
   * Absent while C is being written.
   */
  readonly exportSecret?: () => Uint8Array | undefined
  /** 2 once the responder has asked for another proof: it asks only once. Absent while C is being written. */
  readonly attempt?: 1 | 2
  /** Where the other end's bytes come from, as a multiaddr text, for counting and logging. */
  readonly remoteAddress: string
}

/** The responder's decision on a proof. In every case `reply` is sent; `end` and `refuse` then close the connection. */
export type Judgement =
  | { readonly kind: 'admit'; readonly reply: Uint8Array }
  /** This proof says nothing here, and the initiator may show another one. In the first attempt alone. */
  | { readonly kind: 'again'; readonly reply: Uint8Array }
  /** The exchange is complete and the connection is over, as after a join. */
  | { readonly kind: 'end'; readonly reply: Uint8Array }
  | { readonly kind: 'refuse'; readonly reply: Uint8Array; readonly code: string; readonly reason: string }

export type ReplyJudgement =
  | { readonly kind: 'admitted' }
  /** The responder asks for another proof, and this is it. In the first attempt alone. */
  | { readonly kind: 'again'; readonly proof: Uint8Array }
  /** The exchange is complete and the connection is over, as after a join. */
  | { readonly kind: 'end' }
  /** `by` says whether this end refuses what it was shown, or tells that it was refused. Default `remote`. */
  | {
      readonly kind: 'refused'
      readonly by?: 'local' | 'remote'
      readonly code: string
      readonly reason: string
    }

export interface Admission {
  /** Initiator: the proof that message C carries. At most `MAX_PROOF_BYTES`. */
  prove(binding: HandshakeBinding, signal: AbortSignal): Promise<Uint8Array>
  /** Responder: judges the initiator's proof and makes D or F. Must not throw for bad input: that is a refusal. */
  judge(binding: Required<HandshakeBinding>, proof: Uint8Array, signal: AbortSignal): Promise<Judgement>
  /** Initiator: judges D or F. Must not throw for bad input: that is a refusal. */
  judgeReply(
    binding: Required<HandshakeBinding>,
    reply: Uint8Array,
    signal: AbortSignal,
  ): Promise<ReplyJudgement>
}

/** The whole of each of the messages C to F, on the wire. */
export const MAX_ADMISSION_MESSAGE_BYTES = 24 * 1024

/** What each of them carries at most of the admission's bytes: the rest of the message is the handshake's own. */
export const MAX_PROOF_BYTES = MAX_ADMISSION_MESSAGE_BYTES - 1024
