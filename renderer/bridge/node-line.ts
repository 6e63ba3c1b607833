/** The line to the node: a MessagePort that the desktop's main process serves. Nothing else in the renderer knows of it. */
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import type { contract } from '../../node-core/contract/contract.ts'
import type { NodeStatus } from './status.ts'

/** What the preload script puts on the page. */
interface DesktopBridge {
  connect(): void
}

declare global {
  interface Window {
    readonly x0t?: DesktopBridge
  }
}

/** The part of a window that is used here. */
export interface Page {
  readonly x0t?: DesktopBridge
  addEventListener(
    type: 'message',
    listener: (event: MessageEvent) => void,
    options: { readonly signal: AbortSignal },
  ): void
}

type WindowContract = { node: { status: typeof contract.node.status } }

export interface NodeLine {
  status(signal: AbortSignal): Promise<NodeStatus>
}

/** Opens the line, or gives `undefined` where the page is not in the desktop app. */
export async function openNodeLine(page: Page, signal: AbortSignal): Promise<NodeLine | undefined> {
  if (page.x0t === undefined) return undefined
  const port = await nextPort(page, page.x0t, signal)
  port.start()
  const client: ContractRouterClient<WindowContract> = createORPCClient(new RPCLink({ port }))
  return { status: (limit) => client.node.status(undefined, { signal: limit }) }
}

function nextPort(page: Page, bridge: DesktopBridge, signal: AbortSignal): Promise<MessagePort> {
  return new Promise((resolve, reject) => {
    const listening = new AbortController()
    const onMessage = (event: MessageEvent): void => {
      const [port] = event.ports
      if (event.source !== page || event.data !== 'x0t:node-port' || port === undefined) return
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
    bridge.connect()
  })
}
