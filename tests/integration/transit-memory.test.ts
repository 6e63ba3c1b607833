import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { type HopProcesses, startHopProcesses } from '../helpers/hop-processes.ts'

let chain: HopProcesses | undefined
afterEach(async () => {
  await chain?.stop()
  chain = undefined
})

const PIECE_BYTES = 4 * 1024 * 1024

/** Whether the bytes are anywhere in the memory of another process: all that it may write, and so may have written. */
function isInMemory(pid: number, bytes: Buffer): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const piece = Buffer.alloc(PIECE_BYTES + bytes.length)
  try {
    return writableRanges(pid).some(([start, end]) => {
      for (let at = start; at < end; at += PIECE_BYTES) {
        const size = Math.min(piece.length, end - at)
        if (piece.subarray(0, readAt(memory, piece, size, at)).includes(bytes)) return true
      }
      return false
    })
  } finally {
    closeSync(memory)
  }
}

function writableRanges(pid: number): readonly (readonly [number, number])[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, start = '', end = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      return start === '' ? [] : [[Number.parseInt(start, 16), Number.parseInt(end, 16)] as const]
    })
}

function readAt(memory: number, target: Buffer, size: number, position: number): number {
  try {
    return readSync(memory, target, 0, size, position)
  } catch {
    // Reserved but never touched, or given back meanwhile.
    return 0
  }
}

it.skipIf(process.platform !== 'linux')(
  'what two ends tell each other is nowhere in the memory of the node that carries it',
  async () => {
    chain = await startHopProcesses(3)
    const [near, transit, far] = chain.nodes
    if (near === undefined || transit === undefined || far === undefined) throw new Error('no chain')
    const marker = randomBytes(24)
    await near.took({ kind: 'open', path: chain.path(2), mode: 'echo' })
    await near.took({ kind: 'echo', text: marker.toString('hex'), times: 50 })
    const text = Buffer.from(marker.toString('hex'))
    expect(isInMemory(near.pid, text)).toBe(true)
    expect(isInMemory(far.pid, text)).toBe(true)
    expect(isInMemory(transit.pid, text)).toBe(false)
    // The scan finds what is there: the PeerId of a neighbour.
    expect(isInMemory(transit.pid, Buffer.from(far.peer))).toBe(true)

    // And what the transit node's own link carries in the clear to it is found there, by the same scan.
    const other = Buffer.from(randomBytes(24).toString('hex'))
    await near.took({ kind: 'open', path: chain.path(1), mode: 'echo' })
    await near.took({ kind: 'echo', text: other.toString(), times: 50 })
    expect(isInMemory(transit.pid, other)).toBe(true)
  },
)
