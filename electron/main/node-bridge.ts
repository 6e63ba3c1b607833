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

/** No socket, one that nobody serves any more, or no home at all. */
const NOBODY_THERE = ['ENOENT', 'ENOTDIR', 'ECONNREFUSED']

interface Problem {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** Says what is wrong, apart from whether there is a node at all: a node that answers badly does run. */
function problemOf(error: unknown): Problem {
  const errno = error instanceof Error && 'code' in error ? error.code : undefined
  if (NOBODY_THERE.some((code) => code === errno)) {
    const hint = 'Start it with: x0t up'
    return { code: 'NODE_NOT_RUNNING', message: 'No node runs on this machine.', hint }
  }
  if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')) {
    const hint = 'It may be busy. If it stays so, see the log in its home.'
    return { code: 'TIMEOUT', message: 'The node of this machine does not answer.', hint }
  }
  const hint = 'See what it says in a terminal: x0t status'
  return { code: 'NODE_UNREADABLE', message: 'The node of this machine cannot be read.', hint }
}

/**
 * Serves the window over a MessagePort. Every answer is parsed against the contract before it goes on, and a node that
 * cannot be reached is a FAULT of the contract, with a hint, so that the page need not know how it is reached.
 */
export function createNodeBridge(
  node: NodeReader,
  { answerWithinMs = ANSWER_WITHIN_MS }: { answerWithinMs?: number } = {},
): { serve(port: BridgePort): void; close(): void } {
  const os = implement(windowContract)
  const router = os.router({
    node: {
      status: os.node.status.handler(async ({ errors, signal }) => {
        const limit = AbortSignal.timeout(answerWithinMs)
        try {
          return await node.status(signal === undefined ? limit : AbortSignal.any([signal, limit]))
        } catch (cause) {
          const { code, message, hint } = problemOf(cause)
          throw errors.FAULT({ message, data: { code, hint }, cause })
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
