/*
 * The two multicast DNS messages of LAN discovery (RFC 6762), for the name `_TAG._udp.local`: a question for its TXT
 * record, and an answer with one such record of one string. They are read by comparing: a message has to be what this
 * file writes, byte for byte, but for the content. So no DNS of strangers is ever parsed.
 */

/** RFC 1035 section 3.3: a character string is at most this long. */
export const MAX_CONTENT_BYTES = 255

const TYPE_TXT = [0, 16]
const CLASS_IN = [0, 1]
/** RFC 6762 section 10: what others, who do not know the name, would keep it for. */
const TTL_SECONDS = 120
/** Id 0, a standard query, one question. */
const QUERY_HEADER = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
/** Id 0, an authoritative answer, one record. */
const ANSWER_HEADER = [0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0]

const label = (text: string): number[] => [text.length, ...Buffer.from(text, 'latin1')]
const nameOf = (tag: string): number[] => [...label(tag), ...label('_udp'), ...label('local'), 0]

/** A question: who of the mesh with this tag is here? */
export const encodeQuery = (tag: string): Uint8Array =>
  Uint8Array.from([...QUERY_HEADER, ...nameOf(tag), ...TYPE_TXT, ...CLASS_IN])

const answerStart = (tag: string): Uint8Array =>
  Uint8Array.from([...ANSWER_HEADER, ...nameOf(tag), ...TYPE_TXT, ...CLASS_IN, 0, 0, 0, TTL_SECONDS])

/** An answer with 1 to 255 bytes. */
export function encodeAnswer(tag: string, content: Uint8Array): Uint8Array {
  if (content.length === 0 || content.length > MAX_CONTENT_BYTES) {
    throw new RangeError(`an answer holds 1 to ${MAX_CONTENT_BYTES} bytes`)
  }
  const dataLength = content.length + 1
  return Uint8Array.from([
    ...answerStart(tag),
    dataLength >> 8,
    dataLength & 0xff,
    content.length,
    ...content,
  ])
}

export type LanMessage =
  | { readonly kind: 'query' }
  | { readonly kind: 'answer'; readonly content: Uint8Array }

/** What a datagram says under this tag; `undefined` for everything else on the LAN. Never throws. */
export function decodeMessage(tag: string, datagram: Uint8Array): LanMessage | undefined {
  const query = encodeQuery(tag)
  if (datagram.length === query.length && startsWith(datagram, query)) return { kind: 'query' }
  const start = answerStart(tag)
  if (!startsWith(datagram, start)) return undefined
  const [high, low, length, ...rest] = datagram.subarray(start.length)
  if (high === undefined || low === undefined || length === undefined || length === 0) return undefined
  if (((high << 8) | low) !== length + 1 || rest.length !== length) return undefined
  return { kind: 'answer', content: datagram.subarray(datagram.length - length) }
}

const startsWith = (bytes: Uint8Array, start: Uint8Array): boolean =>
  bytes.length >= start.length && Buffer.compare(bytes.subarray(0, start.length), start) === 0
