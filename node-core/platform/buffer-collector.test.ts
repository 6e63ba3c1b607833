import { afterEach, describe, expect, it } from 'vitest'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { createBufferCollector } from './buffer-collector.ts'
import type { Lifecycle } from './lifecycle.ts'

const MIB = 1024 * 1024

/** A process whose buffers the test makes and drops. */
function createMemory() {
  let usedBytes = 0
  let garbageBytes = 0
  let oldBytes = 0
  let collections = 0
  let youngCollections = 0
  return {
    bytes: () => usedBytes + garbageBytes + oldBytes,
    collectYoung() {
      youngCollections += 1
      garbageBytes = 0
    },
    collect() {
      collections += 1
      garbageBytes = 0
      oldBytes = 0
    },
    youngCollections: () => youngCollections,
    collections: () => collections,
    take: (mib: number) => {
      usedBytes += mib * MIB
    },
    drop: (mib: number) => {
      usedBytes -= mib * MIB
      garbageBytes += mib * MIB
    },
    /** What was in use for long: young collections do not find it. */
    dropOld: (mib: number) => {
      usedBytes -= mib * MIB
      oldBytes += mib * MIB
    },
  }
}

let collector: Lifecycle | undefined
afterEach(() => collector?.stop())

async function start() {
  const [clock, memory] = [createManualClock(), createMemory()]
  collector = createBufferCollector(clock, memory)
  await collector.start()
  return { clock, memory }
}

describe('the collector of buffers', () => {
  it('collects young garbage as soon as enough has come together, and nothing else', async () => {
    const { clock, memory } = await start()
    memory.take(12)
    memory.drop(12)
    clock.advance(10_000)
    expect(memory.youngCollections()).toBe(0)
    memory.take(10)
    memory.drop(10)
    clock.advance(1_000)
    expect([memory.youngCollections(), memory.collections(), memory.bytes()]).toEqual([1, 0, 0])
  })

  it('keeps garbage small while much is carried', async () => {
    const { clock, memory } = await start()
    let most = 0
    for (let ms = 0; ms < 2_000; ms += 5) {
      memory.take(5)
      memory.drop(5)
      clock.advance(5)
      // Until the first look nobody knows.
      if (ms > 500) most = Math.max(most, memory.bytes() / MIB)
    }
    expect(most).toBeLessThan(24)
    expect(memory.collections()).toBe(0)
  })

  it('collects what has grown old, but not all the time', async () => {
    const { clock, memory } = await start()
    for (let round = 0; round < 60; round++) {
      memory.take(100)
      memory.dropOld(100)
      clock.advance(1_000)
    }
    expect(memory.collections()).toBeGreaterThan(10)
    expect(memory.collections()).toBeLessThanOrEqual(21)
  })

  it('leaves buffers in use alone once it has seen that they are', async () => {
    const { clock, memory } = await start()
    memory.take(64)
    clock.advance(60_000)
    expect([memory.youngCollections(), memory.collections()]).toEqual([1, 1])
  })

  it('sees and collects the buffers of a real process', async () => {
    const clock = createManualClock()
    collector = createBufferCollector(clock)
    await collector.start()
    const before = process.memoryUsage().arrayBuffers
    const held: Uint8Array[] = Array.from({ length: 64 }, () => new Uint8Array(MIB))
    expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(60 * MIB)
    held.length = 0
    clock.advance(1_000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * MIB)
  })
})
