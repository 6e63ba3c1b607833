import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { NodeName, ServiceName } from '../../node-core/domain/ids.ts'
import { decodeFlowReply, type FlowReply, parseFrame } from '../../node-core/services/flow-header.ts'
import { eventually } from './eventually.ts'
import { createMemoryNetwork, type FlowNetwork } from './flow-networks.ts'
import { createServiceMesh, type MeshNode, type ServiceMesh } from './service-mesh.ts'
import { followSocket, startTcpTarget, type TcpTarget } from './tcp-ends.ts'

export const WEB = 'web' as ServiceName
export const OTHER = 'other' as ServiceName

/** A mesh over flows in this process, with the few things that most tests of services begin with. */
export interface ServiceScene {
  readonly network: FlowNetwork
  readonly mesh: ServiceMesh
  /** Closed at the end. */
  readonly targets: TcpTarget[]
  /** A target that greets and then echoes. */
  target(greeting?: string): Promise<TcpTarget>
  /** A node that provides WEB with a target that greets with the node's name. */
  provide(name: string, check?: string): Promise<{ readonly node: MeshNode; readonly site: TcpTarget }>
  /** A flow to a node as a member of its own making opens it. */
  openRaw(from: MeshNode, to: MeshNode, bytes: Uint8Array): Promise<Duplex>
  stop(): Promise<void>
}

export function createServiceScene(): ServiceScene {
  const network = createMemoryNetwork()
  const mesh = createServiceMesh(network)
  const targets: TcpTarget[] = []
  const target = async (greeting = 'hello'): Promise<TcpTarget> => {
    const made = await startTcpTarget(({ socket }) => {
      socket.write(greeting)
      socket.pipe(socket)
    })
    targets.push(made)
    return made
  }
  return {
    network,
    mesh,
    targets,
    target,
    async provide(name, check) {
      const node = await mesh.add(name)
      const site = await target(name)
      await node.services.expose({ name: WEB, target: site.target, check })
      await announces(node, true)
      return { node, site }
    },
    async openRaw(from, to, bytes) {
      const flow = await network.transportOf(from.peer).open(to.peer, AbortSignal.timeout(5_000))
      flow.on('error', () => {})
      if (bytes.length > 0) flow.write(bytes)
      return flow
    },
    async stop() {
      await mesh.stop()
      await Promise.all(targets.map((made) => made.close()))
    },
  }
}

export const announces = (node: MeshNode, healthy: boolean): Promise<void> =>
  eventually(`${node.name} announces ${healthy ? 'a healthy' : 'an unhealthy'} service`, () =>
    node.announced.some((service) => service.healthy === healthy),
  )

/** A port that leads to WEB. */
export async function forwardTo(node: MeshNode, pinned?: MeshNode | string): Promise<number> {
  const ref = typeof pinned === 'string' ? (pinned as NodeName) : pinned?.name
  return (await node.services.forward({ port: 0, service: WEB, node: ref })).port
}

/** What a new client gets to read first, or the code with which it was broken off. */
export async function greetingAt(port: number): Promise<string> {
  // Not `connectTcp`: a client may be reset before it knows that it is connected.
  const client = followSocket(connect({ host: '127.0.0.1', port, allowHalfOpen: true }))
  const first = new Promise<string>((resolve) => client.socket.once('data', (part) => resolve(String(part))))
  const ended = eventually('the client is told', () => client.seen.closed, 10_000).then(
    () => client.seen.error ?? 'ended',
  )
  const result = await Promise.race([first, ended])
  client.socket.destroy()
  await ended
  return result
}

/** The warnings in a node's log, each as one text. */
export const warnings = (node: MeshNode): string[] =>
  node.log.filter(({ level }) => level === 'warn').map((line) => JSON.stringify(line))

/** What a provider answers to a flow; `undefined` when it breaks it off without a word. */
export async function replyOf(flow: Duplex): Promise<FlowReply | undefined> {
  const parts: Buffer[] = []
  flow.on('data', (part: Buffer) => parts.push(part))
  await eventually('there is an answer', () => flow.destroyed || flow.readableEnded || parts.length > 0)
  const frame = parseFrame(Buffer.concat(parts))
  return frame.kind === 'frame' ? decodeFlowReply(frame.body) : undefined
}
