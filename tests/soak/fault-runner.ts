import type { NodeName } from '../../node-core/domain/ids.ts'
import { chance } from '../../node-core/lab/impairment/seeded.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { chooseFault, describeFault, isWhole, linksOf, type SoakFault } from './fault-plan.ts'

export interface FaultRunnerDeps {
  readonly lab: Lab
  readonly ends: readonly [NodeName, NodeName]
  readonly seed: number
  readonly note: (text: string) => void
}

/** At once: more leave little of a small mesh. */
const MAX_BROKEN = 3
const MAX_PAUSE_MS = 3_000
/** How soon a link has to be up at both ends when nothing is wrong with it any more. */
const RECOVERY_MS = 30_000
const LOOK_MS = 500
const PAUSE_DIE = 99

interface Running {
  readonly fault: SoakFault
  readonly endsAtMs: number
  /** When it was taken back; its links may not be up yet. */
  endedAtMs: number | undefined
}

/** Breaks and mends a lab, one step after the other. */
export class FaultRunner {
  readonly #deps: FaultRunnerDeps
  #running: readonly Running[] = []
  #step = 0
  #nextAtMs = 0
  #lookedAtMs = 0

  constructor(deps: FaultRunnerDeps) {
    this.#deps = deps
  }

  /** Faults so far. */
  get count(): number {
    return this.#step
  }

  /** In force, or over without its links being back. */
  get broken(): readonly SoakFault[] {
    return this.#running.map(({ fault }) => fault)
  }

  /** Does what is due. @returns what did not recover in time */
  async tick(mayKill: boolean): Promise<readonly string[]> {
    const nowMs = performance.now()
    for (const running of this.#running) {
      if (running.endedAtMs === undefined && nowMs >= running.endsAtMs) await this.#end(running)
    }
    const violations = await this.#lookForRecovery()
    if (this.#isOver || nowMs < this.#nextAtMs || this.#running.length >= MAX_BROKEN) return violations
    const { lab, ends, seed } = this.#deps
    const { topology } = lab
    const fault = chooseFault(seed, this.#step, { topology, ends, broken: this.broken, mayKill })
    this.#nextAtMs = nowMs + chance(seed, this.#step, PAUSE_DIE) * MAX_PAUSE_MS
    this.#step += 1
    if (fault !== undefined) await this.#begin(fault)
    return violations
  }

  #isOver = false

  /** Takes everything back and begins nothing more. */
  async endAll(): Promise<void> {
    this.#isOver = true
    for (const running of this.#running) if (running.endedAtMs === undefined) await this.#end(running)
  }

  async #begin(fault: SoakFault): Promise<void> {
    const { lab, note } = this.#deps
    note(describeFault(fault))
    // From the beginning on: a fault that fails half way has to be taken back as well.
    const running: Running = { fault, endsAtMs: performance.now() + fault.forMs, endedAtMs: undefined }
    this.#running = [...this.#running, running]
    if (fault.kind === 'link') await lab.impair(fault.link.a, fault.link.b, fault.impairment)
    else await lab.act(fault.node, fault.action)
  }

  async #end(running: Running): Promise<void> {
    const { lab, note } = this.#deps
    const { fault } = running
    if (fault.kind === 'link') {
      note(`heal ${fault.link.a}-${fault.link.b}`)
      await lab.heal(fault.link.a, fault.link.b)
    } else {
      const action = fault.action === 'kill' ? 'restart' : 'cont'
      note(`${action} ${fault.node}`)
      await lab.act(fault.node, action)
    }
    running.endedAtMs = performance.now()
  }

  async #lookForRecovery(): Promise<readonly string[]> {
    const ended = this.#running.filter(({ endedAtMs }) => endedAtMs !== undefined)
    if (ended.length === 0 || performance.now() - this.#lookedAtMs < LOOK_MS) return []
    this.#lookedAtMs = performance.now()
    const { lab, note } = this.#deps
    const { links } = await lab.status()
    const violations: string[] = []
    for (const running of ended) {
      const { fault, endedAtMs = 0 } = running
      const others = this.#running.filter((other) => other !== running).map((other) => other.fault)
      // What another fault holds down is waited for with that one.
      const down = linksOf(fault, lab.topology)
        .filter((link) => isWhole(link, others))
        .filter(({ a, b }) => !links.some((seen) => seen.a === a && seen.b === b && isUp(seen)))
      const waitedMs = performance.now() - endedAtMs
      if (down.length === 0) {
        this.#running = this.#running.filter((other) => other !== running)
        note(`recovered ${Math.round(waitedMs)} ms after: ${describeFault(fault)}`)
      } else if (waitedMs > RECOVERY_MS) {
        this.#running = this.#running.filter((other) => other !== running)
        const names = down.map(({ a, b }) => `${a}-${b}`).join(', ')
        violations.push(
          `recovery: ${names} not up ${RECOVERY_MS} ms after the end of ${describeFault(fault)}`,
        )
      }
    }
    return violations
  }
}

const isUp = ({ seenByA, seenByB }: { seenByA: string | null; seenByB: string | null }): boolean =>
  [seenByA, seenByB].every((state) => state === 'up' || state === 'degraded')
