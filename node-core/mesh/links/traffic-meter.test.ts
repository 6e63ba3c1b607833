import { describe, expect, it } from 'vitest'
import { createTrafficMeter } from './traffic-meter.ts'

const PROBE_BYTES = 30
const PROBE_ON_THE_WIRE = 12 + 4 + PROBE_BYTES
const WINDOW_UPDATE = 12

describe('traffic meter', () => {
  it('does not take probes and what the muxer says of them for traffic', () => {
    const meter = createTrafficMeter()
    let received = 0
    for (let look = 0; look < 2_000; look++) {
      meter.probeReceived(PROBE_BYTES)
      received += PROBE_ON_THE_WIRE + (look % 500 === 0 ? WINDOW_UPDATE : 0)
      expect(meter.hasTraffic(received, 0)).toBe(false)
    }
  })

  it('sees small requests and bulk data, and that they are over', () => {
    const meter = createTrafficMeter()
    expect(meter.hasTraffic(40, 0)).toBe(true)
    expect(meter.hasTraffic(40, 0)).toBe(false)
    expect(meter.hasTraffic(1_000_040, 0)).toBe(true)
    expect(meter.hasTraffic(1_000_040, 1)).toBe(true)
    expect(meter.hasTraffic(1_000_040, 1)).toBe(false)
  })

  it('sees a small request at once, however many probes came before it', () => {
    const meter = createTrafficMeter()
    for (let look = 1; look <= 600; look++) {
      meter.probeReceived(PROBE_BYTES)
      meter.hasTraffic(look * PROBE_ON_THE_WIRE, 0)
    }
    expect(meter.hasTraffic(600 * PROBE_ON_THE_WIRE + 25, 0)).toBe(true)
  })
})
