import { describe, expect, it } from 'vitest'
import { createTrafficMeter } from './traffic-meter.ts'

const PROBE_BYTES = 30
const PROBE_ON_THE_WIRE = 12 + 4 + PROBE_BYTES
const WINDOW_UPDATE = 12

describe('traffic meter', () => {
  it('does not take probes and their answers for traffic, whenever the answers come', () => {
    const meter = createTrafficMeter()
    let received = 0
    let owed = 0
    for (let look = 0; look < 200; look++) {
      meter.probeSent()
      owed += WINDOW_UPDATE
      if (look % 3 !== 0) {
        received += owed
        owed = 0
      }
      meter.probeReceived(PROBE_BYTES)
      received += PROBE_ON_THE_WIRE
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

  it('goes on seeing traffic when the other muxer does not answer each probe', () => {
    const meter = createTrafficMeter()
    for (let look = 0; look < 600; look++) {
      if (look % 10 === 0) meter.probeSent()
      meter.hasTraffic(0, 0)
    }
    expect(meter.hasTraffic(60, 0)).toBe(true)
  })
})
