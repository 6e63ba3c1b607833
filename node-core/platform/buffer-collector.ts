import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from './clock.ts'
import type { Lifecycle } from './lifecycle.ts'

/** What it takes to collect, so that it can be watched from outside. */
export interface BufferMemory {
  /** Bytes in buffers, those in use and those that are garbage. */
  bytes(): number
  /** Collects the garbage among the young objects. Takes less than a millisecond. */
  collectYoung(): void
  /** Collects all garbage. Takes 20 to 30 ms in a node. */
  collect(): void
}

const MIB = 1024 * 1024
const CALM_LOOK_MS = 500
/** While much is carried: so often that what comes together between two looks stays small. */
const BUSY_LOOK_MS = 5
/** Bytes between two looks that make it busy, and looks without as many that make it calm again. */
const BUSY_BYTES = 4 * MIB
const BUSY_LOOKS = 100
/** Garbage in buffers that is worth a look at the young objects. */
const WORTH_YOUNG_BYTES = 16 * MIB
/** Garbage in buffers that is worth a collection of everything, where the young ones do not hold it. */
const WORTH_BYTES = 24 * MIB
/** Together with the 30 ms that one takes: at most one per cent of the time. */
const APART_MS = 3_000

/**
 * Collects what buffers leave behind before V8 does, which counts few of the bytes outside of its heap towards the young
 * objects that own them. At 64 MiB of such bytes it marks the whole heap, in a node that carries 200 MB/s ten times a
 * second, and that was half of its CPU time. Nearly all of these buffers are young, and are gone with a collection of the
 * young objects. What has grown old is collected by itself, seldom: the memory of a process is what it once needed, for the
 * allocator gives back little.
 */
export function createBufferCollector(clock: Clock, memory: BufferMemory = processMemory()): Lifecycle {
  let cancel: (() => void) | undefined
  /** The least since the last collection: what is above it may be garbage, what is below was in use. */
  let floorBytes = 0
  let youngFloorBytes = 0
  let seenBytes = 0
  let busyLooks = 0
  let collectedMs = Number.NEGATIVE_INFINITY

  const look = (): void => {
    let bytes = memory.bytes()
    busyLooks = Math.abs(bytes - seenBytes) >= BUSY_BYTES ? BUSY_LOOKS : Math.max(0, busyLooks - 1)
    floorBytes = Math.min(floorBytes, bytes)
    youngFloorBytes = Math.min(youngFloorBytes, bytes)
    if (bytes - youngFloorBytes >= WORTH_YOUNG_BYTES) {
      memory.collectYoung()
      bytes = memory.bytes()
      youngFloorBytes = bytes
    }
    if (bytes - floorBytes >= WORTH_BYTES && clock.monotonicMs() - collectedMs >= APART_MS) {
      memory.collect()
      collectedMs = clock.monotonicMs()
      bytes = memory.bytes()
      floorBytes = bytes
      youngFloorBytes = bytes
    }
    seenBytes = bytes
    cancel = clock.after(busyLooks > 0 ? BUSY_LOOK_MS : CALM_LOOK_MS, look)
  }
  return {
    async start() {
      if (cancel !== undefined) return
      floorBytes = memory.bytes()
      youngFloorBytes = floorBytes
      seenBytes = floorBytes
      cancel = clock.after(CALM_LOOK_MS, look)
    },
    async stop() {
      cancel?.()
      cancel = undefined
    },
  }
}

function processMemory(): BufferMemory {
  setFlagsFromString('--expose-gc')
  // Only a context that is made after the flag has it.
  const gc: unknown = runInNewContext('gc')
  const collect = (options?: object): void => {
    if (typeof gc === 'function') gc(options)
  }
  return {
    // `process.memoryUsage()` reads a file of the system for what is not asked here.
    bytes: () => getHeapStatistics().external_memory,
    collectYoung: () => collect({ type: 'minor' }),
    collect: () => collect(),
  }
}
