import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { createActionJudge, EPOCH_BYTES } from '../../security/remote-action.ts'
import { createRpcPeer, type RpcPeerDeps } from '../rpc-peer.ts'
import { decodeRpcFrame, encodeHello, encodeRpcFrame } from './control-frames.ts'
import type { ControlFrames, ControlMembers, ControlStreams } from './ports.ts'

export interface RemoteServerDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly streams: ControlStreams
  readonly members: ControlMembers
  readonly router: RpcPeerDeps['router']
}

const MAX_CALLERS = 32

/** Serves the contract to other members over `/x0t/control/1`, each with the role of its certificate. */
export function createRemoteServer(deps: RemoteServerDeps): Lifecycle {
  const { clock, random, logger, streams, members } = deps
  const epoch = random.bytes(EPOCH_BYTES)
  const judge = createActionJudge({ clock, keyOf: members.keyOf }, { self: members.self, epoch })
  const callers = new Map<AbortController, PeerId>()
  let off = (): void => {}

  async function serve(frames: ControlFrames, peer: PeerId): Promise<void> {
    const role = members.roleOf(peer)
    if (role === undefined || role === 'none' || callers.size >= MAX_CALLERS) {
      logger.warn('a member was not let in to control this node', { peer, role })
      frames.abort(new Error('this member may not control this node'))
      return
    }
    const gone = new AbortController()
    callers.set(gone, peer)
    const caller = createRpcPeer({
      ...{ logger, router: deps.router },
      context: {
        caller: { via: 'mesh', role, peer },
        stopping: gone.signal,
        judgeAction: (bytes, operation, input) => judge.judge(bytes, { approver: peer, operation, input }),
      },
      send: (frame) => frames.write(encodeRpcFrame(frame)),
    })
    try {
      await frames.write(encodeHello(epoch))
      for (;;) {
        const bytes = await frames.read(gone.signal)
        if (bytes === undefined) break
        const frame = decodeRpcFrame(bytes)
        if (frame === undefined || caller.receive(frame) === 'too-many') {
          throw new Error('the caller does not keep to the protocol')
        }
      }
      await frames.end()
    } catch (error) {
      logger.debug('a member that controlled this node has gone', { peer, reason: messageOf(error) })
      frames.abort(new Error('ended'))
    } finally {
      callers.delete(gone)
      gone.abort()
      caller.close()
    }
  }

  return {
    async start() {
      // A role that changed, or a membership that ended, counts for what is open too.
      off = members.onChange((peer) => {
        for (const [gone, of] of callers) if (of === peer) gone.abort()
      })
      await streams.handle((frames, peer) => void serve(frames, peer))
    },
    async stop() {
      off()
      await streams.unhandle()
      for (const gone of callers.keys()) gone.abort()
    },
  }
}
