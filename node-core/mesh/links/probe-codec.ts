/**
 * Messages of `/x0t/probe/1`, each one frame of a fixed layout per kind; big-endian. Numbers that are no numbers, or
 * out of their range, make a message invalid.
 *
 *     beat  kind 1 | hasEcho u8 | intervalMs u16 | seq u32 | sentAtMs f64 | echoSeq u32 | holdMs f32 | silentMs f32 | lateShare u16
 *     ping  kind 2 | id u32
 *     pong  kind 3 | id u32
 *     bye   kind 4 | reason u8
 */
export type ProbeMessage = Beat | Ping | Bye

/** A numbered heartbeat. Each end sends its own; together they give the four timestamps of NTP (RFC 5905, section 8). */
export interface Beat {
  readonly kind: 'beat'
  /** Counts from 1 and up by 1. */
  readonly seq: number
  /** The next beat follows after this time. */
  readonly intervalMs: number
  /** Wall clock of the sender, ms since the Unix epoch. */
  readonly sentAtMs: number
  /** The newest beat that the sender has received, and how long before this one was sent. */
  readonly echo: { readonly seq: number; readonly holdMs: number } | undefined
  /** How long the sender has received nothing at all from the other end. */
  readonly silentMs: number
  /** Share of the other end's beats that came late, 0 to 1: what the sender estimates to be lost on the way to it. */
  readonly lateShare: number
}

/**
 * `pong` answers a `ping` at once, with its id; and with `NO_PING` a beat of a faster rhythm than the receiver's own. Under
 * traffic an end doubts the other one sooner than the next beat of an idle one would come.
 */
export interface Ping {
  readonly kind: 'ping' | 'pong'
  readonly id: number
}

/** The sender is about to close the connection. */
export interface Bye {
  readonly kind: 'bye'
  readonly reason: ByeReason
}

/** `stopping`: the node goes down. `full`: it has more neighbours than it wants. */
export const BYE_REASONS = ['stopping', 'full'] as const
export type ByeReason = (typeof BYE_REASONS)[number]

/** Pings count from 1. */
export const NO_PING = 0

const KINDS = { beat: 1, ping: 2, pong: 3, bye: 4 } as const
const BEAT_BYTES = 30
const PING_BYTES = 5
const BYE_BYTES = 2
export const MAX_PROBE_BYTES = BEAT_BYTES

const MAX_U16 = 0xffff
const MAX_U32 = 0xffff_ffff

export function encodeProbe(message: ProbeMessage): Uint8Array {
  switch (message.kind) {
    case 'beat':
      return encodeBeat(message)
    case 'ping':
    case 'pong': {
      const bytes = new Uint8Array(PING_BYTES)
      const view = new DataView(bytes.buffer)
      view.setUint8(0, KINDS[message.kind])
      view.setUint32(1, message.id)
      return bytes
    }
    case 'bye':
      return Uint8Array.of(KINDS.bye, BYE_REASONS.indexOf(message.reason))
  }
}

function encodeBeat(beat: Beat): Uint8Array {
  const bytes = new Uint8Array(BEAT_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, KINDS.beat)
  view.setUint8(1, beat.echo === undefined ? 0 : 1)
  view.setUint16(2, Math.min(MAX_U16, Math.round(beat.intervalMs)))
  view.setUint32(4, beat.seq % (MAX_U32 + 1))
  view.setFloat64(8, beat.sentAtMs)
  view.setUint32(16, (beat.echo?.seq ?? 0) % (MAX_U32 + 1))
  view.setFloat32(20, beat.echo?.holdMs ?? 0)
  view.setFloat32(24, beat.silentMs)
  view.setUint16(28, Math.round(Math.min(1, beat.lateShare) * MAX_U16))
  return bytes
}

/** `undefined` for bytes that are no message of this protocol. Never throws. */
export function decodeProbe(bytes: Uint8Array): ProbeMessage | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (bytes[0]) {
    case KINDS.beat:
      return bytes.byteLength === BEAT_BYTES ? decodeBeat(view) : undefined
    case KINDS.ping:
    case KINDS.pong: {
      if (bytes.byteLength !== PING_BYTES) return undefined
      return { kind: bytes[0] === KINDS.ping ? 'ping' : 'pong', id: view.getUint32(1) }
    }
    case KINDS.bye: {
      const reason = bytes.byteLength === BYE_BYTES ? BYE_REASONS[bytes[1] ?? BYE_REASONS.length] : undefined
      return reason === undefined ? undefined : { kind: 'bye', reason }
    }
    default:
      return undefined
  }
}

function decodeBeat(view: DataView): Beat | undefined {
  const hasEcho = view.getUint8(1)
  const intervalMs = view.getUint16(2)
  const sentAtMs = view.getFloat64(8)
  const holdMs = view.getFloat32(20)
  const silentMs = view.getFloat32(24)
  if (hasEcho > 1 || intervalMs === 0) return undefined
  if (![sentAtMs, holdMs, silentMs].every((value) => Number.isFinite(value) && value >= 0)) return undefined
  return {
    kind: 'beat',
    seq: view.getUint32(4),
    intervalMs,
    sentAtMs,
    echo: hasEcho === 1 ? { seq: view.getUint32(16), holdMs } : undefined,
    silentMs,
    lateShare: view.getUint16(28) / MAX_U16,
  }
}
