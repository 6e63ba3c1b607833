/**
 * One member of a chain as a process of its own, told by its parent what to do. All processes make the same world from
 * the same seed, so that they are members of one mesh.
 */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { PeerId } from '../../node-core/domain/ids.ts'
import { createFlow } from '../../node-core/mesh/flows/flow.ts'
import { createFlows } from '../../node-core/mesh/flows/flows.ts'
import { collectBuffersLikeObjects } from '../../node-core/platform/buffer-memory.ts'
import { eventually } from './eventually.ts'
import { type HopNode, openFlow, serveFlows, startHopNode } from './hop-chain.ts'
import type { HopAnswer, HopCommand, HopReply } from './hop-processes.ts'
import { securityWorld, type TestNode } from './security-world.ts'
import { worldClock } from './test-members.ts'

collectBuffersLikeObjects()

const CHUNK = Buffer.alloc(64 * 1024, 7)
const limit = () => AbortSignal.timeout(30_000)

let node: HopNode | undefined
let flow: Duplex | undefined
/** What the far end keeps, so that it can be found in its memory. */
let kept: Buffer = Buffer.alloc(0)

const started = (): HopNode => {
  if (node === undefined) throw new Error('not started')
  return node
}
const opened = (): Duplex => {
  if (flow === undefined) throw new Error('no flow')
  return flow
}

/** The first byte says what the rest is for: `s` is counted until 8 bytes of length are reached, `e` comes back. */
function serve(incoming: Duplex): void {
  incoming.once('data', (first: Buffer) => {
    const kind = first[0]
    incoming.pause()
    const rest = first.subarray(1)
    if (kind === 0x65) {
      if (rest.length > 0) incoming.write(rest)
      incoming.on('data', (part: Buffer) => {
        kept = part
        incoming.write(part)
      })
    } else count(incoming, rest)
    incoming.resume()
  })
  incoming.on('error', () => undefined)
}

function count(incoming: Duplex, first: Buffer): void {
  let left = -1
  const take = (part: Buffer): void => {
    let bytes = part.length
    if (left < 0) {
      left = Number(part.readBigUInt64BE(0))
      bytes -= 8
    }
    left -= bytes
    if (left > 0) return
    left = -1
    incoming.write('k')
  }
  if (first.length > 0) take(first)
  incoming.on('data', take)
}

async function start(index: number): Promise<HopReply> {
  const world = securityWorld()
  const members: TestNode[] = [world.founder]
  while (members.length <= index) members.push(world.member('operator', world.founder))
  node = await startHopNode(world, members[index] as TestNode, {
    clock: worldClock(),
    holdsAuthority: index === 0,
  })
  await serveFlows(node, serve)
  await createFlows({ streams: node.host }).handle(serve)
  return { kind: 'started', peer: node.peer, addresses: node.addresses() }
}

async function dial(addresses: readonly string[]): Promise<void> {
  await started().host.dial(addresses, limit())
  await eventually('the policy is here', () => started().membership.policy().rules.length > 0)
}

/** Over a route, or over the direct link when the path has one hop. */
async function open(path: readonly PeerId[], mode: 'sink' | 'echo'): Promise<number> {
  const begin = performance.now()
  const { routed, host } = started()
  flow?.destroy()
  const [peer] = path
  if (path.length === 1 && peer !== undefined) {
    const stream = await host.open(peer, '/x0t/flow/1', limit())
    const line = host.lineOf(stream)
    if (line === undefined) throw new Error('the link is gone')
    flow = createFlow(stream, line)
  } else {
    const known = routed.all().find((connection) => connection.path.join() === path.join())
    flow = await openFlow(known ?? (await routed.open(path, limit())))
  }
  flow.on('error', () => undefined)
  flow.write(mode === 'sink' ? 's' : 'e')
  return performance.now() - begin
}

async function send(bytes: number): Promise<number> {
  const out = opened()
  const header = Buffer.alloc(8)
  header.writeBigUInt64BE(BigInt(bytes))
  const begin = performance.now()
  out.write(header)
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    if (!out.write(CHUNK)) await once(out, 'drain')
  }
  await once(out, 'data')
  return performance.now() - begin
}

async function echo(text: string, times: number): Promise<number> {
  const out = opened()
  kept = Buffer.from(text)
  const begin = performance.now()
  for (let index = 0; index < times; index++) {
    const answered = once(out, 'data')
    out.write(kept)
    await answered
  }
  return (performance.now() - begin) / times
}

async function answer(command: HopCommand): Promise<HopReply> {
  switch (command.kind) {
    case 'start':
      return await start(command.index)
    case 'dial':
      await dial(command.addresses)
      return { kind: 'done' }
    case 'open':
      return { kind: 'took', ms: await open(command.path, command.mode) }
    case 'send':
      return { kind: 'took', ms: await send(command.bytes) }
    case 'echo':
      return { kind: 'took', ms: await echo(command.text, command.times) }
    case 'usage': {
      const { user, system } = process.cpuUsage()
      return { kind: 'usage', cpuMs: (user + system) / 1_000, rssBytes: process.memoryUsage.rss() }
    }
    case 'stop':
      await node?.routed.stop()
      await node?.stop()
      setImmediate(() => process.disconnect())
      return { kind: 'done' }
  }
}

process.on('message', (message: { id: number; command: HopCommand }) => {
  const reply = (value: HopAnswer): void => {
    process.send?.({ id: message.id, value })
  }
  answer(message.command).then(reply, (error: unknown) =>
    reply({
      kind: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  )
})
process.on('disconnect', () => process.exit())
