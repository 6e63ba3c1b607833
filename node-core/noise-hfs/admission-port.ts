/**
 * What the handshake needs from whoever decides on membership. The handshake carries opaque bytes in its message C and
 * its first transport frame D, and knows nothing of certificates, meshes or roles.
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
  /** Where the other end's bytes come from, as a multiaddr text, for counting and logging. */
  readonly remoteAddress: string
}

/** The responder's decision on message C. In every case `reply` is sent as D; `end` and `refuse` then close the connection. */
export type Judgement =
  | { readonly kind: 'admit'; readonly reply: Uint8Array }
  /** The exchange is complete and the connection is over, as after a join. */
  | { readonly kind: 'end'; readonly reply: Uint8Array }
  | { readonly kind: 'refuse'; readonly reply: Uint8Array; readonly code: string; readonly reason: string }

export type ReplyJudgement =
  | { readonly kind: 'admitted' }
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
  /** Responder: judges the initiator's proof and makes D. Must not throw for bad input: that is a refusal. */
  judge(binding: Required<HandshakeBinding>, proof: Uint8Array, signal: AbortSignal): Promise<Judgement>
  /** Initiator: judges D. Must not throw for bad input: that is a refusal. */
  judgeReply(
    binding: Required<HandshakeBinding>,
    reply: Uint8Array,
    signal: AbortSignal,
  ): Promise<ReplyJudgement>
}

/** The whole of message C and the whole of D, on the wire. */
export const MAX_ADMISSION_MESSAGE_BYTES = 24 * 1024

/** What C and D carry at most of the admission's bytes: the rest of the message is the handshake's own. */
export const MAX_PROOF_BYTES = MAX_ADMISSION_MESSAGE_BYTES - 1024
