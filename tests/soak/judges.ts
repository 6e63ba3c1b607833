import { setTimeout as delay } from 'node:timers/promises'
import type { NodeName } from '../../node-core/domain/ids.ts'
import {
  type MeshProbe,
  probeThroughMesh,
  transferThroughMesh,
} from '../../node-core/lab/invariants/through-mesh.ts'
import type { TransferReport } from '../../node-core/lab/invariants/transfer.ts'
import type { Violation } from '../../node-core/lab/invariants/violation.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { messageOf } from '../../node-core/platform/error.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { quantile } from '../bench/harness.ts'

/** Clients that know nothing of the product, and compare every byte. */
export interface Judges {
  violations(): readonly string[]
  figures(): Readonly<Record<string, string | number>>
  /** Sends no more, and waits for what is on its way. */
  finish(): Promise<void>
  close(): Promise<void>
}

const DEPS = { clock: systemClock, random: systemRandom }

/** A way is left at every moment; finding it takes a fraction of this on an idle machine. */
const MAX_GAP_MS = 5_000
const TRANSFER_BYTES = 8 * 1024 * 1024
const TRANSFER_MS = 120_000
const PAUSE_MS = 1_000
/** A client whose connection is refused before anything came tries again, as a browser does; for no longer than this. */
const OPENING_MS = MAX_GAP_MS
const RETRY_MS = 200

/** A stream of requests one way, and transfers one after the other the other way. */
export async function startJudges(lab: Lab, [from, to]: readonly [NodeName, NodeName]): Promise<Judges> {
  const probe = await probeThroughMesh(DEPS, lab, from, to, { maxGapMs: MAX_GAP_MS })
  const transfers = new Transfers(lab, to, from)
  const running = transfers.run()
  return {
    violations: () => [
      ...describe('requests', probe.report().violations),
      ...transfers.violations,
      ...twice(probe),
    ],
    figures() {
      const { sent, answered, longestGapMs, roundTripsMs } = probe.report()
      return {
        'requests answered': `${answered} of ${sent}, round trip ${quantile(roundTripsMs, 0.5).toFixed(1)} ms`,
        'longest gap between answers, ms': longestGapMs.toFixed(0),
        'transfers without a wrong byte': `${transfers.count} of ${TRANSFER_BYTES} bytes each`,
        'longest gap in a transfer, ms': transfers.longestGapMs.toFixed(0),
        'transfers that were refused at first': transfers.refused,
      }
    },
    async finish() {
      transfers.isOver = true
      await running
      await probe.finish()
    },
    async close() {
      transfers.isOver = true
      transfers.stopping.abort()
      await running
      await probe.close()
    },
  }
}

/** A connection that survives leaves one at the target. */
const twice = (probe: MeshProbe): readonly string[] =>
  probe.accepted() > 1 ? [`requests: the target saw ${probe.accepted()} connections of one client`] : []

const describe = (who: string, violations: readonly Violation[]): readonly string[] =>
  violations.map(({ kind, detail }) => `${who}: ${kind}: ${detail}`)

class Transfers {
  readonly #lab: Lab
  readonly #from: NodeName
  readonly #to: NodeName
  readonly stopping = new AbortController()
  readonly violations: string[] = []
  isOver = false
  count = 0
  refused = 0
  longestGapMs = 0
  #refusedSinceMs: number | undefined

  constructor(lab: Lab, from: NodeName, to: NodeName) {
    this.#lab = lab
    this.#from = from
    this.#to = to
  }

  /** Never rejects. */
  async run(): Promise<void> {
    while (!this.isOver && this.violations.length === 0) {
      try {
        await this.#once()
      } catch (error) {
        if (!this.isOver) this.violations.push(`transfers: cannot be made: ${messageOf(error)}`)
      }
      if (!this.isOver) await delay(this.#refusedSinceMs === undefined ? PAUSE_MS : RETRY_MS)
    }
  }

  async #once(): Promise<void> {
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(TRANSFER_MS)])
    const report = await transferThroughMesh(DEPS, this.#lab, this.#from, this.#to, {
      ...{ sizeBytes: TRANSFER_BYTES, seed: this.count + 1, maxGapMs: MAX_GAP_MS, signal },
    })
    if (this.stopping.signal.aborted || this.#isTriedAgain(report)) return
    this.violations.push(...describe('transfers', report.violations))
    this.longestGapMs = Math.max(this.longestGapMs, report.longestGapMs)
    this.count += 1
  }

  /** A refusal is told, and nothing is lost by it; it may not last. */
  #isTriedAgain({ receivedBytes, violations }: TransferReport): boolean {
    const isRefused = receivedBytes === 0 && violations.every(({ kind }) => kind === 'connection-lost')
    if (!isRefused || violations.length === 0) {
      this.#refusedSinceMs = undefined
      return false
    }
    this.refused += 1
    this.#refusedSinceMs ??= performance.now()
    return performance.now() - this.#refusedSinceMs < OPENING_MS
  }
}
