import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from './clock.ts'
import type { Lifecycle } from './lifecycle.ts'

/** What it takes to collect, so that it can be watched from outside. */
export interface BufferMemory {
  /** Bytes in buffers, those in use and those that are garbage. */
  bytes(): number
  /** Collects all garbage. Takes 20 to 30 ms in a node. */
  collect(): void
}

const LOOK_MS = 500
/** Garbage in buffers that is worth a collection. */
const WORTH_BYTES = 24 * 1024 * 1024
/** Together with the 30 ms that one takes: at most one per cent of the time. */
const APART_MS = 3_000

/**
 * Collects what buffers leave behind before V8 finds it worth the while. It lets 90 MB come together, and the memory of
 * a process is what it once needed: the allocator gives back little. A node that carries a few megabytes a second was
 * 200 MB large with it, and grew for as long as one looked.
 */
export function createBufferCollector(clock: Clock, memory: BufferMemory = processMemory()): Lifecycle {
  let cancel: (() => void) | undefined
  /** The least since the last collection: what is above it may be garbage, what is below was in use. */
  let floorBytes = 0
  let collectedMs = Number.NEGATIVE_INFINITY

  const look = (): void => {
    const bytes = memory.bytes()
    floorBytes = Math.min(floorBytes, bytes)
    if (bytes - floorBytes >= WORTH_BYTES && clock.monotonicMs() - collectedMs >= APART_MS) {
      memory.collect()
      collectedMs = clock.monotonicMs()
      floorBytes = memory.bytes()
    }
    cancel = clock.after(LOOK_MS, look)
  }
  return {
    async start() {
      if (cancel !== undefined) return
      floorBytes = memory.bytes()
      cancel = clock.after(LOOK_MS, look)
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
  return {
    // `process.memoryUsage()` reads a file of the system for what is not asked here.
    bytes: () => getHeapStatistics().external_memory,
    collect: () => {
      if (typeof gc === 'function') gc()
    },
  }
}
