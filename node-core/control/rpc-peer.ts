import { StandardRPCHandler } from '@orpc/server/standard'
import { createServerPeerHandleRequestFn } from '@orpc/server/standard-peer'
import { ServerPeer } from '@orpc/standard-server-peer'
import { messageOf } from '../platform/error.ts'
import type { Logger } from '../platform/logger.ts'
import type { CallContext } from './gate.ts'
import { headersPlugin } from './headers-plugin.ts'

/** Calls at once on one connection: more than a page has, less than would hurt. */
const MAX_CALLS = 64

export type Frame = string | Uint8Array

export interface RpcPeer {
  /** Takes one frame of the caller. `too-many` means that its connection is to be cut. */
  receive(frame: Frame): 'taken' | 'too-many'
  /** The caller has gone: what it asked for is aborted. */
  close(): void
}

export interface RpcPeerDeps {
  // oRPC's own type of a router is open at both ends.
  readonly router: ConstructorParameters<typeof StandardRPCHandler<CallContext>>[0]
  readonly context: CallContext
  readonly logger: Logger
  /** Resolves when the caller may be sent more: a stream waits for it before its next event. */
  send(frame: Frame): Promise<void>
}

/** One caller of the contract on a connection that carries frames, whatever kind it is. */
export function createRpcPeer({ router, context, logger, send }: RpcPeerDeps): RpcPeer {
  const peer = new ServerPeer(async (message) => {
    await send(
      typeof message === 'string' || message instanceof Uint8Array ? message : new Uint8Array(message),
    )
  })
  const handle = createServerPeerHandleRequestFn(
    new StandardRPCHandler(router, { plugins: [headersPlugin()] }),
    { context },
  )
  let calls = 0
  return {
    receive(frame) {
      if (calls >= MAX_CALLS) return 'too-many'
      calls += 1
      peer
        .message(frame, handle)
        .catch((error: unknown) => logger.debug('a call broke off', { reason: messageOf(error) }))
        .finally(() => {
          calls -= 1
        })
      return 'taken'
    },
    close: () => peer.close(),
  }
}
