import { TICKET_ID_BYTES, TICKET_PROOF_BYTES } from '../../security/ticket.ts'

/**
 * The messages of a re-admission, in a form of their own: it is read and written on every reconnect, and CBOR with a
 * schema takes most of the time that a proof without a signature takes.
 *
 *     1 | ticket id, 16 | proof, 32 | offered | selected       ticket, in C
 *     2 | ticket id, 16 | proof, 32 | supported | selected     readmitted, in D
 *     3                                                        again, in D
 *
 * A list is its count and its texts, a text its length and its bytes in ASCII; counts and lengths are one byte. No CBOR
 * message begins with one of these bytes: those are maps.
 */

/** That the sender is who it was when the two ends admitted each other in full, and is on this very connection. */
export interface TicketMessage {
  readonly kind: 'ticket'
  readonly ticket: string
  readonly proof: Uint8Array
  readonly offered: readonly string[]
  readonly selected: string
}

/** The same of the responder. */
export interface ReadmittedMessage {
  readonly kind: 'readmitted'
  readonly ticket: string
  readonly proof: Uint8Array
  readonly supported: readonly string[]
  readonly selected: string
}

/** The ticket does not hold here. It does not say why: whoever has none learns nothing from trying. */
export interface AgainMessage {
  readonly kind: 'again'
}

export type AnyTicketMessage = TicketMessage | ReadmittedMessage | AgainMessage

const TICKET = 1
const READMITTED = 2
const AGAIN = 3
const PROOF_AT = 1 + TICKET_ID_BYTES
const LISTS_AT = PROOF_AT + TICKET_PROOF_BYTES
const MAX_SUITES = 8
const MAX_SUITE_BYTES = 64

export const isTicketMessage = (bytes: Uint8Array): boolean =>
  bytes[0] === TICKET || bytes[0] === READMITTED || bytes[0] === AGAIN

export function encodeTicketMessage(message: AnyTicketMessage): Uint8Array {
  if (message.kind === 'again') return Uint8Array.of(AGAIN)
  const [type, suites] =
    message.kind === 'ticket' ? [TICKET, message.offered] : [READMITTED, message.supported]
  const texts = [...suites, message.selected].map((suite) => Buffer.from(suite, 'latin1'))
  return Buffer.concat([
    Uint8Array.of(type),
    Buffer.from(message.ticket, 'hex'),
    message.proof,
    Uint8Array.of(suites.length),
    ...texts.flatMap((text) => [Uint8Array.of(text.length), text]),
  ])
}

/** `undefined` for anything but the exact encoding of such a message. Never throws. */
export function decodeTicketMessage(bytes: Uint8Array): AnyTicketMessage | undefined {
  const type = bytes[0]
  if (type === AGAIN) return bytes.length === 1 ? { kind: 'again' } : undefined
  if (type !== TICKET && type !== READMITTED) return undefined
  const count = bytes[LISTS_AT] ?? 0
  if (count === 0 || count > MAX_SUITES) return undefined
  const suites = readTexts(bytes, LISTS_AT + 1, count + 1)
  const selected = suites?.pop()
  if (suites === undefined || selected === undefined) return undefined
  const ticket = Buffer.from(bytes.subarray(1, PROOF_AT)).toString('hex')
  const proof = Uint8Array.from(bytes.subarray(PROOF_AT, LISTS_AT))
  return type === TICKET
    ? { kind: 'ticket', ticket, proof, offered: suites, selected }
    : { kind: 'readmitted', ticket, proof, supported: suites, selected }
}

/** Exactly `count` texts, to the end of the bytes. */
function readTexts(bytes: Uint8Array, from: number, count: number): string[] | undefined {
  const texts: string[] = []
  let at = from
  while (texts.length < count) {
    const length = bytes[at] ?? 0
    const end = at + 1 + length
    if (length === 0 || length > MAX_SUITE_BYTES || end > bytes.length) return undefined
    const text = bytes.subarray(at + 1, end)
    if (!text.every(isPrintable)) return undefined
    texts.push(Buffer.from(text).toString('latin1'))
    at = end
  }
  return at === bytes.length ? texts : undefined
}

const isPrintable = (byte: number): boolean => byte > 0x20 && byte < 0x7f
