/**
 * `npm run bench:idle`: what a node costs that has nothing to do. Four real nodes, each linked to the other three;
 * memory from /proc and CPU time over a window, per node. `--n` is the number of windows.
 */
import type { Status } from '../../node-core/contract/schemas.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor } from '../helpers/x0t.ts'
import { type BenchCase, runBench } from './harness.ts'
import { cpuMs, residentMb } from './process-usage.ts'

const NAMES = ['anna', 'boris', 'clara', 'dmitri'] as const
const WINDOW_MS = 10_000
/** A mesh that has just formed still exchanges what it knows. */
const SETTLE_MS = 10_000
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function formMesh(mesh: MeshFixture): Promise<RunningNode[]> {
  const [founder, ...others] = NAMES
  await mesh.init(founder)
  const first = await mesh.up(founder)
  const nodes = [first]
  for (const name of others) {
    await mesh.join(name, first)
    nodes.push(await mesh.up(name))
  }
  for (const node of nodes) {
    await waitFor(`${node.name} to have three links`, async () => {
      const { links } = await node.json<Status>(['status'])
      return links.filter((link) => link.state === 'up').length === NAMES.length - 1
    })
  }
  return nodes
}

function cases(nodes: readonly RunningNode[]): BenchCase[] {
  const worst = (of: (pid: number) => number): number => Math.max(...nodes.map((node) => of(node.pid)))
  return [
    {
      metric: 'CPU of the busiest node, 3 links',
      unit: '%',
      async sample() {
        const before = new Map(nodes.map((node) => [node.pid, cpuMs(node.pid)]))
        const startedMs = performance.now()
        await pause(WINDOW_MS)
        const elapsedMs = performance.now() - startedMs
        return worst((pid) => ((cpuMs(pid) - (before.get(pid) ?? 0)) / elapsedMs) * 100)
      },
    },
    {
      metric: 'resident memory of the largest node, 3 links',
      unit: 'MB',
      sample: async () => worst(residentMb),
    },
  ]
}

await runBench({ name: 'idle', defaultN: 6, warmup: 0 }, async () => {
  const mesh = await createMeshFixture()
  try {
    const nodes = await formMesh(mesh)
    await pause(SETTLE_MS)
    return { cases: cases(nodes), close: mesh.stop }
  } catch (error) {
    await mesh.stop()
    throw error
  }
})
