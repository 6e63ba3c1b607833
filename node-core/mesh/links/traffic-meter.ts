/** Tells traffic from the bytes that the probes themselves cause. */
export interface TrafficMeter {
  /** A probe frame of this many bytes has come in. */
  probeReceived(frameBytes: number): void
  /**
   * True if anything else has come in, or has been sent by bulk writers, since the last look.
   *
   * @param receivedBytes all that the connection has received, with the muxer's headers
   * @param sentBytes all that bulk writers have sent
   */
  hasTraffic(receivedBytes: number, sentBytes: number): boolean
}

/** Header of a yamux frame; a window update, of which many probes cause one, is nothing but that. */
const MUXER_HEADER_BYTES = 12
const LENGTH_PREFIX_BYTES = 4
/** A keep-alive of the muxer and its answer do not make a link busy. */
const IGNORED_BYTES = 2 * MUXER_HEADER_BYTES
/** A frame is counted when it is read, a moment after its bytes came: what was taken for traffic is made good slowly. */
const FORGIVEN_BYTES = 4

export function createTrafficMeter(): TrafficMeter {
  let probeBytes = 0
  let seenOther = 0
  let seenSent = 0
  return {
    probeReceived(frameBytes) {
      probeBytes += MUXER_HEADER_BYTES + LENGTH_PREFIX_BYTES + frameBytes
    },
    hasTraffic(receivedBytes, sentBytes) {
      const other = receivedBytes - probeBytes
      const isBusy = other - seenOther > IGNORED_BYTES || sentBytes > seenSent
      seenOther = Math.max(other, seenOther - FORGIVEN_BYTES)
      seenSent = sentBytes
      return isBusy
    },
  }
}
