import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { stalled } from '../../../tests/helpers/streams.ts'
import { createFlowPair } from '../../services/flow-pair.ts'
import { splice } from './splice.ts'

let left: Duplex
let right: Duplex
let carried: number
let middle: readonly Duplex[]

beforeEach(() => {
  const [leftEnd, leftInner] = createFlowPair()
  const [rightEnd, rightInner] = createFlowPair()
  ;[left, right, carried, middle] = [leftEnd, rightEnd, 0, [leftInner, rightInner]]
  for (const flow of [left, right, ...middle]) flow.on('error', () => undefined)
  splice(leftInner, rightInner, (bytes) => {
    carried += bytes
  })
})

const read = async (flow: Duplex): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of flow) parts.push(part)
  return Buffer.concat(parts).toString()
}

describe('two spliced flows', () => {
  it.each(['left first', 'right first', 'both at once'])('pass on both ends: %s', async (order) => {
    const [first, second] = order === 'right first' ? [right, left] : [left, right]
    first.end('one')
    if (order === 'both at once') second.end('two')
    expect(await read(second)).toBe('one')
    if (order !== 'both at once') {
      expect(first.destroyed).toBe(false)
      second.write('tw')
      second.end('o')
    }
    expect(await read(first)).toBe('two')
    await eventually('nothing is left open', () => middle.every((flow) => flow.closed))
    expect(carried).toBe(6)
  })

  it.each(['left', 'right'])('pass on a reset from the %s', async (side) => {
    const [from, to] = side === 'left' ? [left, right] : [right, left]
    to.write('before')
    await once(from, 'data')
    let ended = false
    to.on('end', () => {
      ended = true
    })
    to.resume()
    from.destroy(new Error('enough'))
    await eventually('all are closed', () => [to, ...middle].every((flow) => flow.closed))
    expect(ended).toBe(false)
  })

  it('pass on a reset after a half-close', async () => {
    left.end('done')
    expect(await read(right)).toBe('done')
    right.destroy(new Error('no answer'))
    await eventually('all are closed', () => [left, ...middle].every((flow) => flow.closed))
    expect(left.readableEnded).toBe(false)
  })

  it('make a fast writer wait for a slow reader', async () => {
    let written = 0
    const more = (): void => {
      do written += 65_536
      while (left.write(Buffer.alloc(65_536)))
    }
    left.on('drain', more)
    more()
    expect(await stalled(() => written)).toBeLessThan(8 * 1024 * 1024)
    left.off('drain', more)
    left.end()
    let received = 0
    for await (const part of right) received += part.length
    expect(received).toBe(written)
  })
})
