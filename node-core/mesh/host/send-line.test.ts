import { describe, expect, it } from 'vitest'
import { createSendLine } from './send-line.ts'

/** A connection that takes one turn and is full then. */
function createCarrier() {
  let onDrain = (): void => {}
  const carrier = {
    writableNeedsDrain: false,
    addEventListener: (_: string, listener: unknown) => {
      if (typeof listener === 'function') onDrain = () => void listener(new Event('drain'))
    },
  }
  return {
    carrier,
    async drain() {
      carrier.writableNeedsDrain = false
      onDrain()
      await Promise.resolve()
    },
  }
}

describe('send line', () => {
  it('gives turns at once while there is room, and one by one in order when there is not', async () => {
    const { carrier, drain } = createCarrier()
    const line = createSendLine(carrier)
    const turns: string[] = []
    const writer = (name: string) => () => {
      turns.push(name)
      carrier.writableNeedsDrain = true
    }
    const [a, b, c] = [writer('a'), writer('b'), writer('c')]
    line.request(a)
    expect(turns).toEqual(['a'])
    line.request(b)
    line.request(c)
    line.request(b)
    line.request(a)
    expect(turns).toEqual(['a'])
    await drain()
    expect(turns).toEqual(['a', 'b'])
    await drain()
    expect(turns).toEqual(['a', 'b', 'c'])
    await drain()
    await drain()
    expect(turns).toEqual(['a', 'b', 'c', 'a'])
  })

  it('lets nobody past those who wait', async () => {
    const { carrier, drain } = createCarrier()
    const line = createSendLine(carrier)
    const turns: string[] = []
    carrier.writableNeedsDrain = true
    line.request(() => {
      turns.push('first')
      line.request(() => turns.push('late'))
    })
    const withdrawn = (): void => void turns.push('withdrawn')
    line.request(withdrawn)
    line.request(() => turns.push('second'))
    line.withdraw(withdrawn)
    await drain()
    expect(turns).toEqual(['first', 'second', 'late'])
  })
})
