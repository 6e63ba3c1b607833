/**
 * `npm run bench:idle`: what a node costs that has nothing to do. Four real nodes, each linked to the other three;
 * memory from /proc and CPU time over a window, per node. `--n` is the number of windows.
 */
import { readFileSync } from 'node:fs'
import type { Status } from '../../node-core/contract/schemas.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor } from '../helpers/x0t.ts'
import { type BenchCase, runBench } from './harness.ts'

const NAMES = ['anna', 'boris', 'clara', 'dmitri'] as const
const WINDOW_MS = 10_000
/** A mesh that has just formed still exchanges what it knows. */
const SETTLE_MS = 10_000
/** Linux counts process time in hundredths of a second (`getconf CLK_TCK` is 100 on all its platforms). */
const TICK_MS = 10

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** User and system time of a process, milliseconds. proc_pid_stat(5): fields 14 and 15, behind the name in brackets. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Resident memory in MB of 2^20 bytes, as `top` shows it. */
function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}

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
