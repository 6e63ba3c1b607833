import { RESET_REASONS, type ResetReason, readNumber, writeNumber } from './session-frames.ts'

/*
 * The first message on a carrier in each direction, 32 bytes, big-endian; frames follow at once:
 *
 *   0      version
 *   1      kind: 1 open, 2 resume, 3 attach; in the answer 4 accepted, 5 refused
 *   2      hello: 0 when the sender opened the session, 1 when the receiver did; refusal: the reason
 *   3      zero
 *   4..9   hello: boot epoch of whoever opened the session; answer: boot epoch of whoever answers
 *   10..15 hello: number of the session in that epoch; answer: zero
 *   16..21 bytes received so far (a FIN counts as one)
 *   22..27 credit
 *   28..31 zero
 *
 * Who opened the session is not on the wire but the authenticated peer at the other end of the carrier: nobody can name
 * a session that is not its own.
 */
export const HELLO_BYTES = 32
const SESSION_VERSION = 1

const KIND = { open: 1, resume: 2, attach: 3, accepted: 4, refused: 5 } as const

export interface Hello {
  /**
   * `open` makes a session, or adds a carrier when an earlier `open` of the same id came over another path. `resume`
   * brings the carrier to be used from now on, `attach` a standby.
   */
  readonly kind: 'open' | 'resume' | 'attach'
  readonly openedBy: 'sender' | 'receiver'
  readonly epoch: number
  readonly counter: number
  readonly received: number
  readonly credit: number
}

export type HelloReply =
  | { readonly kind: 'accepted'; readonly epoch: number; readonly received: number; readonly credit: number }
  | { readonly kind: 'refused'; readonly epoch: number; readonly reason: ResetReason }

export function encodeHello(hello: Hello): Uint8Array {
  const bytes = message(KIND[hello.kind], hello.openedBy === 'sender' ? 0 : 1, hello.epoch)
  writeNumber(bytes, 10, hello.counter)
  writeNumber(bytes, 16, hello.received)
  writeNumber(bytes, 22, hello.credit)
  return bytes
}

export function encodeReply(reply: HelloReply): Uint8Array {
  if (reply.kind === 'refused') return message(KIND.refused, RESET_REASONS.indexOf(reply.reason), reply.epoch)
  const bytes = message(KIND.accepted, 0, reply.epoch)
  writeNumber(bytes, 16, reply.received)
  writeNumber(bytes, 22, reply.credit)
  return bytes
}

function message(kind: number, detail: number, epoch: number): Uint8Array {
  const bytes = new Uint8Array(HELLO_BYTES)
  bytes[0] = SESSION_VERSION
  bytes[1] = kind
  bytes[2] = detail
  writeNumber(bytes, 4, epoch)
  return bytes
}

/** What a hello says; `other-version` when only its version can be read, undefined when it is none. */
export function decodeHello(bytes: Uint8Array): Hello | 'other-version' | undefined {
  if (bytes.length !== HELLO_BYTES) return undefined
  if (bytes[0] !== SESSION_VERSION) return 'other-version'
  const kind = kindOf(bytes[1])
  const detail = bytes[2]
  if (kind === undefined || (detail !== 0 && detail !== 1) || !endsInZeros(bytes)) return undefined
  const openedBy = detail === 0 ? 'sender' : 'receiver'
  // Nobody can open a session in the name of another.
  if (kind === 'open' && openedBy !== 'sender') return undefined
  return {
    kind,
    openedBy,
    epoch: readNumber(bytes, 4),
    counter: readNumber(bytes, 10),
    received: readNumber(bytes, 16),
    credit: readNumber(bytes, 22),
  }
}

export function decodeReply(bytes: Uint8Array): HelloReply | undefined {
  if (bytes.length !== HELLO_BYTES || !endsInZeros(bytes)) return undefined
  const epoch = readNumber(bytes, 4)
  // A refusal keeps its form in every version, so that an older end can read why.
  if (bytes[1] === KIND.refused) {
    const reason = RESET_REASONS[bytes[2] ?? RESET_REASONS.length]
    return reason === undefined ? undefined : { kind: 'refused', epoch, reason }
  }
  if (bytes[0] !== SESSION_VERSION || bytes[1] !== KIND.accepted) return undefined
  return { kind: 'accepted', epoch, received: readNumber(bytes, 16), credit: readNumber(bytes, 22) }
}

function kindOf(code: number | undefined): Hello['kind'] | undefined {
  if (code === KIND.open) return 'open'
  if (code === KIND.resume) return 'resume'
  return code === KIND.attach ? 'attach' : undefined
}

const endsInZeros = (bytes: Uint8Array): boolean =>
  bytes[3] === 0 && bytes.subarray(28).every((byte) => byte === 0)
