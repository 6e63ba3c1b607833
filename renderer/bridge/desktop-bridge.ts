/** The line of the desktop app's page: a MessagePort that the main process serves. */
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import { LINE_MESSAGE, type LineHello, lineHelloSchema } from '../../node-core/contract/desktop-schemas.ts'
import type { Bridge, Line, LineEnd, NodeClient } from './line.ts'

/** What the preload script puts on the page. */
interface DesktopApi {
  connect(): void
}

declare global {
  interface Window {
    readonly x0t?: DesktopApi
  }
}

/** The part of a window that is used here. */
export interface Page {
  readonly x0t?: DesktopApi
  addEventListener(
    type: 'message',
    listener: (event: MessageEvent) => void,
    options: { readonly signal: AbortSignal },
  ): void
}

/** @returns undefined where the page is not in the desktop app */
export function createDesktopBridge(page: Page): Bridge | undefined {
  const api = page.x0t
  if (api === undefined) return undefined
  return {
    async open(signal) {
      try {
        const port = await nextPort(page, api, signal)
        const hello = await helloOn(port, signal)
        if (hello.kind === 'open') return { kind: 'open', line: lineOver(port) }
        port.close()
        return { kind: 'lost', problem: hello.problem }
      } catch {
        const problem = { code: 'DESKTOP_NOT_REACHED', message: '', hint: '' }
        return { kind: 'lost', problem }
      }
    },
  }
}

function lineOver(port: MessagePort): Line {
  const client: NodeClient = createORPCClient(new RPCLink({ port }))
  const closed = new Promise<LineEnd>((resolve) => {
    const problem = { code: 'DESKTOP_NOT_REACHED', message: '', hint: '' }
    port.addEventListener('close', () => resolve({ kind: 'lost', problem }))
  })
  // Whoever sits at this machine owns its node, as the user of its control socket.
  return { client, role: 'owner', expiresAt: null, closed, close: () => port.close() }
}

/** What the other end says first: that it carries the contract, or why there is no node. */
function helloOn(port: MessagePort, signal: AbortSignal): Promise<LineHello> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    port.addEventListener(
      'message',
      ({ data }) => {
        const hello = lineHelloSchema.safeParse(data)
        if (hello.success) resolve(hello.data)
        else reject(hello.error)
      },
      { once: true },
    )
    port.start()
  })
}

function nextPort(page: Page, api: DesktopApi, signal: AbortSignal): Promise<MessagePort> {
  return new Promise((resolve, reject) => {
    const listening = new AbortController()
    const onMessage = (event: MessageEvent): void => {
      const [port] = event.ports
      if (event.source !== page || event.data !== LINE_MESSAGE || port === undefined) return
      listening.abort()
      resolve(port)
    }
    page.addEventListener('message', onMessage, { signal: listening.signal })
    signal.addEventListener(
      'abort',
      () => {
        listening.abort()
        reject(new Error('the desktop app gave no line to the node', { cause: signal.reason }))
      },
      { once: true, signal: listening.signal },
    )
    api.connect()
  })
}
