import type { NodeName } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Random } from '../../platform/random.ts'
import type { Lab } from '../lab.ts'
import { RECOVERY_MS } from './recovery.ts'
import { type MeshProbe, probeThroughMesh } from './through-mesh.ts'
import type { Finding } from './violation.ts'

export interface TrafficDeps {
  readonly clock: Clock
  readonly random: Random
  readonly onError: (message: string) => void
}

/** A client of its own between the two ends of a lab that are farthest apart, whose every byte is compared. */
export interface TrafficJudge {
  /** Opens the stream if there is none, and judges it. `areConnected`: whether a way is there at the moment. */
  look(areConnected: boolean): Promise<readonly Finding[]>
  answered(): number
  close(): Promise<void>
}

/** A lab belongs to whoever made it: enough to see what breaks, too little to be in the way. */
const INTERVAL_MS = 100

interface Stream {
  readonly probe: MeshProbe
  /** Of the processes at its ends: with one of them a stream may break. */
  readonly pids: readonly (number | undefined)[]
  wasParted: boolean
}

export function createTrafficJudge(deps: TrafficDeps, lab: Lab, boundMs: number = RECOVERY_MS): TrafficJudge {
  const ends = farthestEnds(lab)
  const pidsNow = (): readonly (number | undefined)[] => ends.map((end) => lab.pid(end))
  let stream: Stream | undefined
  let answeredBefore = 0
  let connectedSinceMs: number | undefined
  let answeredMs = deps.clock.monotonicMs()

  const open = async (): Promise<void> => {
    try {
      const pids = pidsNow()
      const probe = await probeThroughMesh(deps, lab, ...ends, { intervalMs: INTERVAL_MS })
      stream = { probe, pids, wasParted: false }
    } catch (error) {
      deps.onError(messageOf(error))
    }
  }
  const drop = async (): Promise<void> => {
    const old = stream
    stream = undefined
    answeredBefore += old?.probe.report().answered ?? 0
    await old?.probe.close()
  }
  const judge = ({ probe, pids, wasParted }: Stream): readonly Finding[] => {
    const { answered, violations } = probe.report()
    // Whoever is refused before anything came has lost nothing, and may not be refused for long.
    const mayBreak = answered === 0 || wasParted || pidsNow().some((pid, at) => pid !== pids[at])
    const nowMs = deps.clock.monotonicMs()
    const silentMs = answered === 0 ? nowMs - answeredMs : probe.longestGapMs(nowMs)
    if (answered > 0) answeredMs = nowMs - silentMs
    const isLate = connectedSinceMs !== undefined && Math.min(nowMs - connectedSinceMs, silentMs) > boundMs
    return [
      ...violations.filter(({ kind }) => kind !== 'connection-lost' || !mayBreak),
      ...(isLate ? [{ kind: 'too-slow' as const, detail: `no answer for more than ${boundMs} ms` }] : []),
      ...(probe.accepted() > 1
        ? [{ kind: 'repeated' as const, detail: 'the target saw a second client' }]
        : []),
    ].map(({ kind, detail }) => ({ kind, detail: `${ends.join(' to ')}: ${detail}` }))
  }

  return {
    answered: () => answeredBefore + (stream?.probe.report().answered ?? 0),
    close: drop,
    async look(areConnected) {
      connectedSinceMs = areConnected ? (connectedSinceMs ?? deps.clock.monotonicMs()) : undefined
      if (stream === undefined) {
        if (areConnected) await open()
        return []
      }
      stream.wasParted ||= !areConnected
      const found = judge(stream)
      const isOver = stream.probe.report().violations.length > 0
      if (isOver) await drop()
      return found
    },
  }
}

/** The first node and one that is as far from it as any. */
export function farthestEnds({ topology }: Pick<Lab, 'topology'>): readonly [NodeName, NodeName] {
  const [first] = topology.nodes
  const reached = new Set([first])
  // In the order in which they are reached, so the last one is.
  for (const node of reached) {
    for (const { a, b } of topology.links) {
      if (a === node) reached.add(b)
      if (b === node) reached.add(a)
    }
  }
  return [first, [...reached].at(-1) ?? first]
}
