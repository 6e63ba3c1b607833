import { StandardRPCLink } from '@orpc/client/standard'
import { ClientPeer } from '@orpc/standard-server-peer'
import type { OperationMeta } from '../../contract/operation.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Random } from '../../platform/random.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import { signRemoteAction } from '../../security/remote-action.ts'
import { ACTION_HEADER } from '../gate.ts'
import { decodeHello, decodeRpcFrame, encodeRpcFrame } from './control-frames.ts'
import type { ControlFrames, ControlStreams } from './ports.ts'

export type RemoteFault =
  | { code: 'NODE_UNREACHABLE'; node: string }
  | { code: 'REMOTE_REFUSED'; node: string }

export interface RemoteCall {
  readonly path: readonly string[]
  readonly input: unknown
  readonly meta: OperationMeta
  readonly signal: AbortSignal
}

/** Calls operations of other members, in the name of this node's certificate. */
export interface RemoteCaller {
  /** @throws FaultError UNKNOWN_NODE, NODE_UNREACHABLE, REMOTE_REFUSED; ORPCError as the other node answered */
  call(node: string, call: RemoteCall): Promise<unknown>
}

export interface RemoteCallerDeps {
  readonly clock: Clock
  readonly random: Random
  readonly identity: NodeIdentity
  readonly streams: ControlStreams
  /** @throws FaultError UNKNOWN_NODE */
  resolve(node: string): PeerId
}

export function createRemoteCaller(deps: RemoteCallerDeps): RemoteCaller {
  const { streams, resolve } = deps
  return {
    async call(node, call) {
      const peer = resolve(node)
      const frames = await streams.open(peer, call.signal).catch((cause: unknown) => {
        throw unreachable(node, cause)
      })
      const line = openLine(frames, call.signal)
      try {
        const epoch = decodeHello(await frames.read(call.signal))
        if (epoch === undefined) throw refused(node)
        line.follow()
        const result = await line.link(headersOf(deps, call, peer, epoch)).call(call.path, call.input, {
          ...{ context: {}, signal: call.signal },
        })
        if (!isStream(result)) {
          await line.close()
          return result
        }
        return line.carrying(result)
      } catch (error) {
        frames.abort(new Error('the call failed'))
        if (error instanceof FaultError && error.code === 'STREAM_CLOSED') throw refused(node, error)
        throw error
      }
    },
  }
}

function headersOf(
  deps: RemoteCallerDeps,
  { path, input, meta }: RemoteCall,
  target: PeerId,
  epoch: Uint8Array,
): Record<string, string> {
  if (meta.effect === 'read') return {}
  const action = signRemoteAction(deps, deps.identity, { target, epoch, operation: path.join('.'), input })
  return { [ACTION_HEADER]: Buffer.from(action).toString('base64') }
}

const isStream = (value: unknown): value is AsyncGenerator<unknown, unknown, void> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/** oRPC's client on a stream that has said hello. */
function openLine(frames: ControlFrames, signal: AbortSignal) {
  const peer = new ClientPeer(async (message) => {
    const frame =
      typeof message === 'string' || message instanceof Uint8Array ? message : new Uint8Array(message)
    await frames.write(encodeRpcFrame(frame))
  })
  const close = async (): Promise<void> => {
    peer.close()
    await frames.end().catch(() => frames.abort(new Error('ended')))
  }
  return {
    close,
    follow(): void {
      const read = async (): Promise<void> => {
        for (;;) {
          const bytes = await frames.read(signal)
          const frame = bytes === undefined ? undefined : decodeRpcFrame(bytes)
          if (frame === undefined) break
          await peer.message(frame)
        }
      }
      read()
        .catch(() => {})
        .finally(() => peer.close({ reason: new Error('the other node has ended the call') }))
    },
    link: (headers: Record<string, string>) =>
      new StandardRPCLink(
        {
          async call(request) {
            const response = await peer.request(request)
            return { ...response, body: () => Promise.resolve(response.body) }
          },
        },
        { url: 'http://orpc', headers },
      ),
    async *carrying(events: AsyncGenerator<unknown, unknown, void>) {
      try {
        yield* events
      } finally {
        await close()
      }
    },
  }
}

function unreachable(node: string, cause: unknown): FaultError<RemoteFault> {
  return new FaultError<RemoteFault>(
    { code: 'NODE_UNREACHABLE', node },
    `${node} cannot be reached: ${messageOf(cause)}`,
    {
      cause,
      hint: 'See x0t peers for who is reachable.',
    },
  )
}

function refused(node: string, cause?: unknown): FaultError<RemoteFault> {
  return new FaultError<RemoteFault>(
    { code: 'REMOTE_REFUSED', node },
    `${node} does not let this node control it`,
    {
      cause,
      hint: 'It takes a certificate with a role: x0t peers shows who has which.',
    },
  )
}
