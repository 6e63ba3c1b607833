import type { Duplex } from 'node:stream'

/**
 * Joins two flows: what one reads the other writes, at the pace of the slower one. The end of one direction is passed
 * on and leaves the other open; when either flow is reset or lost, so is the other.
 */
export function splice(left: Duplex, right: Duplex, onBytes: (bytes: number) => void): void {
  passOn(left, right, onBytes)
  passOn(right, left, onBytes)
}

function passOn(from: Duplex, to: Duplex, onBytes: (bytes: number) => void): void {
  let isCorked = false
  const uncork = (): void => {
    isCorked = false
    to.uncork()
  }
  from.on('data', (chunk: Buffer) => {
    onBytes(chunk.length)
    if (!isCorked) {
      // What comes in one turn goes on in one: a frame of the muxer comes in several pieces.
      isCorked = true
      to.cork()
      process.nextTick(uncork)
    }
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('close', () => {
    const isComplete = from.readableEnded && from.writableFinished && from.errored === null
    if (!isComplete) to.destroy(from.errored ?? new Error('the other side of the route is gone'))
  })
  from.resume()
}
