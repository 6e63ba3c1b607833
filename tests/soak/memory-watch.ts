import type { NodeName } from '../../node-core/domain/ids.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { quantile } from '../bench/harness.ts'
import { residentMb } from '../bench/process-usage.ts'

export interface MemoryVerdict {
  readonly node: NodeName
  /** Resident memory of its process two minutes after it began, and at the end, MB of 2^20 bytes. */
  readonly earlyMb: number
  readonly endMb: number
}

/** How large the processes of a lab's nodes are, from their second minute on. */
export interface MemoryWatch {
  look(nowMs: number): void
  /** Of every process that is old enough: one that was started again is compared with its own second minute. */
  verdicts(endMs: number): readonly MemoryVerdict[]
}

interface Life {
  readonly node: NodeName
  readonly pid: number
  readonly bornMs: number
  readonly samples: { readonly atMs: number; readonly mb: number }[]
}

const EARLY_MS = 120_000
/** One look tells little while garbage comes and goes: the median of those within this time counts. */
const WINDOW_MS = 30_000

export const MIN_MEMORY_RUN_MS = EARLY_MS + 2 * WINDOW_MS

export function createMemoryWatch(lab: Pick<Lab, 'topology' | 'pid'>): MemoryWatch {
  const lives = new Map<number, Life>()
  const median = (life: Life, fromMs: number, toMs: number): number =>
    quantile(
      life.samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).map(({ mb }) => mb),
      0.5,
    )
  return {
    look(nowMs) {
      for (const node of lab.topology.nodes) {
        const pid = lab.pid(node)
        if (pid === undefined) continue
        const life = lives.get(pid) ?? { node, pid, bornMs: nowMs, samples: [] }
        lives.set(pid, life)
        try {
          life.samples.push({ atMs: nowMs, mb: residentMb(pid) })
        } catch {
          // It ended while it was looked at.
        }
      }
    },
    verdicts(endMs) {
      return [...lives.values()].flatMap((life) => {
        const { node, pid, bornMs } = life
        if (lab.pid(node) !== pid || endMs - bornMs < MIN_MEMORY_RUN_MS) return []
        const earlyMs = bornMs + EARLY_MS
        return [
          {
            node,
            earlyMb: median(life, earlyMs - WINDOW_MS / 2, earlyMs + WINDOW_MS / 2),
            endMb: median(life, endMs - WINDOW_MS, endMs),
          },
        ]
      })
    },
  }
}
