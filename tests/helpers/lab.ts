import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type NodeName, parseNodeName } from '../../node-core/domain/ids.ts'
import { createLab, type Lab, type LabOptions } from '../../node-core/lab/lab.ts'
import { bundledPrograms } from '../../node-core/lab/programs.ts'
import { parseTopologyText, type Topology } from '../../node-core/lab/topology.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { homePaths } from '../../node-core/platform/home.ts'
import { systemRandom } from '../../node-core/platform/random.ts'

/** Of the built programs. */
export const PROGRAMS_DIR = resolve(import.meta.dirname, '../../dist/node-core')

/** A lab of the built programs in a temporary folder, not started. It ends with `stop` or with this process. */
export async function makeLab(
  topology: string | Topology,
  options: Partial<Omit<LabOptions, 'topology'>> = {},
): Promise<Lab> {
  return createLab(
    { clock: systemClock, random: systemRandom, programs: bundledPrograms(PROGRAMS_DIR) },
    {
      dir: options.dir ?? (await mkdtemp(join(tmpdir(), 'x0t-lab-'))),
      topology: typeof topology === 'string' ? parseTopologyText(topology) : topology,
      seed: 1,
      ...options,
    },
  )
}

export function nodeName(raw: string): NodeName {
  const name = parseNodeName(raw)
  if (name === undefined) throw new TypeError(`${raw} is no node name`)
  return name
}

/** Ids of the processes in whose command line the text stands, apart from this one. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return []
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(text) ? [Number(entry)] : []
    } catch {
      return []
    }
  })
}

/** Keeps what the nodes of a lab wrote, for whoever wants to know why it went wrong. @returns where */
export async function keepLogs(lab: Lab): Promise<string> {
  const kept = await mkdtemp(join(tmpdir(), 'x0t-lab-logs-'))
  for (const node of lab.topology.nodes) {
    const { logs } = homePaths(lab.home(node))
    await cp(logs, join(kept, node), { recursive: true }).catch(() => {})
  }
  return kept
}
