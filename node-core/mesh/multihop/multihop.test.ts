import { randomBytes } from 'node:crypto'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it } from 'vitest'
import {
  openFlow,
  type RoutedMesh,
  type RoutedMeshOptions,
  serveFlows,
  startChain,
} from '../../../tests/helpers/routed-nodes.ts'
import { randomChunks } from '../../../tests/helpers/streams.ts'
import type { RoutedConnection } from './routed-connection.ts'

const MIB = 1024 * 1024
let mesh: RoutedMesh | undefined
const chain = async (length: number, options?: RoutedMeshOptions): Promise<RoutedMesh> => {
  mesh = await startChain(length, options)
  return mesh
}
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

const read = async (flow: Readable): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const part of flow) parts.push(part)
  return Buffer.concat(parts)
}

/** Both ends of a flow over a routed connection. */
async function flowPair(
  { near }: { near: RoutedConnection },
  far: RoutedMesh['nodes'][number],
): Promise<{ near: Duplex; far: Duplex }> {
  const arrived = Promise.withResolvers<Duplex>()
  await far.routed.unhandle('/x0t/test/1')
  await serveFlows(far, arrived.resolve)
  return { near: await openFlow(near), far: await arrived.promise }
}

describe('a routed connection', () => {
  it.each([3, 4, 9])('carries bytes exactly, both ways at once, over a chain of %i', async (length) => {
    const { connect, node } = await chain(length)
    const connection = await connect(0, length - 1)
    const flows = await flowPair(connection, node(length - 1))
    const there = randomBytes(5 * MIB + 17)
    const back = randomBytes(3 * MIB + 3)
    const [, , gotThere, gotBack] = await Promise.all([
      pipeline(Readable.from(randomChunks(there)), flows.near),
      pipeline(Readable.from(randomChunks(back)), flows.far),
      read(flows.far),
      read(flows.near),
    ])
    expect(gotThere.equals(there)).toBe(true)
    expect(gotBack.equals(back)).toBe(true)
  })
})
