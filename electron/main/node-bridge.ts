import { implement } from '@orpc/server'
import { RPCHandler } from '@orpc/server/message-port'
import { contract } from '../../node-core/contract/contract.ts'
import type { Status } from '../../node-core/contract/schemas.ts'

/** What the window may ask of the node: it reads, it changes nothing. */
const windowContract = { node: { status: contract.node.status } }

/** How the main process reaches the node of this machine. */
export interface NodeReader {
  /** Rejects when the node does not run or does not answer. */
  status(signal: AbortSignal): Promise<Status>
}

const ANSWER_WITHIN_MS = 4_000

/** A MessagePort as the main process has it. */
type BridgePort = Parameters<RPCHandler<Record<never, never>>['upgrade']>[0] & {
  start(): void
  close(): void
}

/**
 * Serves the window over a MessagePort. Every answer is parsed against the contract before it goes on, and a node that
 * cannot be reached is a FAULT of the contract, with a hint, so that the page need not know how it is reached.
 */
export function createNodeBridge(node: NodeReader): { serve(port: BridgePort): void; close(): void } {
  const os = implement(windowContract)
  const router = os.router({
    node: {
      status: os.node.status.handler(async ({ errors, signal }) => {
        const limit = AbortSignal.timeout(ANSWER_WITHIN_MS)
        try {
          return await node.status(signal === undefined ? limit : AbortSignal.any([signal, limit]))
        } catch (cause) {
          throw errors.FAULT({
            message: 'No node answers on this machine.',
            data: { code: 'NODE_NOT_RUNNING', hint: 'Start it with: x0t up' },
            cause,
          })
        }
      }),
    },
  })
  const handler = new RPCHandler(router)
  let current: BridgePort | undefined
  const close = (): void => {
    current?.close()
    current = undefined
  }
  return {
    serve(port) {
      // A page that was loaded anew asks again: only its newest line stays open.
      close()
      current = port
      handler.upgrade(port)
      port.start()
    },
    close,
  }
}
