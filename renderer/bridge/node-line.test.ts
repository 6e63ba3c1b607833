import { expect, it } from 'vitest'
import { openNodeLine, type Page } from './node-line.ts'

/** A page on which messages can be put by hand, with the sender of the test's choice. */
function fakePage(onConnect: (deliver: (event: Partial<MessageEvent>) => void) => void) {
  const listeners = new Set<(event: MessageEvent) => void>()
  const page: Page = {
    addEventListener: (_type, listener, { signal }) => {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener))
    },
    x0t: {
      connect: () =>
        onConnect((event) => {
          for (const listener of [...listeners]) listener(event as MessageEvent)
        }),
    },
  }
  return { page, listeners }
}

const within = (limitMs: number): AbortSignal => AbortSignal.timeout(limitMs)

it('takes the port that the desktop app sends to this very page', async () => {
  const { port1 } = new MessageChannel()
  const { page, listeners } = fakePage((deliver) =>
    deliver({ source: page as Window, data: 'x0t:node-port', ports: [port1] }),
  )
  expect(await openNodeLine(page, within(1_000))).toBeDefined()
  expect(listeners.size).toBe(0)
  port1.close()
})

it.each([
  ['from another window', { source: null, data: 'x0t:node-port' }],
  ['that says something else', { data: 'another message' }],
])('ignores a message %s and gives up within its limit', async (_what, event) => {
  const { port1 } = new MessageChannel()
  const { page, listeners } = fakePage((deliver) =>
    deliver({ source: page as Window, ports: [port1], ...event }),
  )
  await expect(openNodeLine(page, within(20))).rejects.toThrow('no line to the node')
  expect(listeners.size).toBe(0)
  port1.close()
})

it('has no line where the page is not in the desktop app', async () => {
  const { page } = fakePage(() => {})
  expect(await openNodeLine({ addEventListener: page.addEventListener }, within(1_000))).toBeUndefined()
})
