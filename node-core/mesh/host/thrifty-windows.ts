import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

/** What the other end may send on a stream before it waits: from the start, as on every node of the mesh. */
export const STREAM_WINDOW_BYTES = 2 * 1024 * 1024
/**
 * Credit that is held back until it is worth a frame. The other end always has the rest of the window left, so what it
 * sends with that frees what is held.
 */
const HELD_CREDIT_BYTES = 512 * 1024

/** Frame types and flags of yamux. https://github.com/hashicorp/yamux/blob/master/spec.md */
const WINDOW_UPDATE = 1
const NO_FLAGS = 0
/** Streams with held credit that are looked through for closed ones. */
const MAX_HELD = 2_048

/**
 * @libp2p/yamux 8.0.3 grants window after every single frame of data, each time with a frame, a seal and a system call
 * of its own, which its peer answers with pieces as small as the grants. Here credit is gathered first.
 */
export function withThriftyWindows(factory: StreamMuxerFactory): StreamMuxerFactory {
  return {
    protocol: factory.protocol,
    createStreamMuxer(carrier: MessageStream): StreamMuxer {
      const muxer = factory.createStreamMuxer(carrier)
      gatherCredit(muxer)
      return muxer
    },
  }
}

/** The same for a muxer that has no streams yet. @throws TypeError for another muxer than yamux */
export function gatherCredit(muxer: { readonly streams: readonly { readonly id: string }[] }): void {
  const sendFrame: unknown = Reflect.get(muxer, 'sendFrame')
  if (typeof sendFrame !== 'function') throw new TypeError('this muxer is not the one that was measured')
  const held = new Map<number, number>()
  const forgetClosed = (): void => {
    const open = new Set(muxer.streams.map(({ id }) => id))
    for (const id of held.keys()) if (!open.has(String(id))) held.delete(id)
  }
  // The muxer hands this to each of its streams when it makes them.
  Reflect.set(muxer, 'sendFrame', (header: FrameHeader, data?: unknown): unknown => {
    const { type, flag, streamID, length } = header
    if (type !== WINDOW_UPDATE || flag !== NO_FLAGS) return Reflect.apply(sendFrame, muxer, [header, data])
    const credit = (held.get(streamID) ?? 0) + length
    if (credit < HELD_CREDIT_BYTES) {
      held.set(streamID, credit)
      if (held.size > MAX_HELD) forgetClosed()
      return true
    }
    held.delete(streamID)
    return Reflect.apply(sendFrame, muxer, [{ ...header, length: credit }])
  })
}

interface FrameHeader {
  readonly type: number
  readonly flag: number
  readonly streamID: number
  readonly length: number
}
