import type { Plan, PlanStep } from '../../domain/plan.ts'
import { backoffMs } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { sleep, withTimeout } from '../../platform/wait.ts'
import { progressOf, stepsFromJournal } from './journal-state.ts'
import type { ActionOrder, ActionReport, Actuators, JournalEntry, PlanStore, StepJournal } from './ports.ts'

export interface ExecutorDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly plans: PlanStore
  readonly journal: StepJournal
  readonly actuators: Actuators
  /** Told before each action begins: what rate limits count. */
  readonly onAction?: (plan: Plan, step: PlanStep) => void
  /** Told after each change of a plan. */
  readonly onChange?: (plan: Plan) => void
}

/**
 * Runs the steps of a plan. Each is in the journal before it begins and after it has ended, so that a process that dies
 * between any two of these writes leaves a plan that is resumed or rolled back.
 */
export interface Executor {
  /** Runs what is left of it. The plan comes back `verifying`, or `failed` or `rolled-back` if a step failed. Never rejects. */
  run(plan: Plan, signal: AbortSignal): Promise<Plan>
  /** Undoes what it did, the last first. */
  rollBack(plan: Plan, reason: string, signal: AbortSignal): Promise<Plan>
  /** What to do with a plan that a crash left: as `run`, or as `rollBack` when it is too old or was being undone. */
  recover(plan: Plan, signal: AbortSignal): Promise<Plan>
}

const RETRY = { baseMs: 200, maxMs: 10_000 }
/** An older plan speaks of a mesh that is not there any more. */
export const RESUME_WITHIN_MS = 5 * 60_000
const UNDO_ATTEMPTS = 3
const MAX_PARALLEL = 8

export const createExecutor = (deps: ExecutorDeps): Executor => new JournalledExecutor(deps)

/** Of a plan and a step, whatever attempt: whoever is asked twice does it once. */
const keyOf = (plan: Plan, step: PlanStep, isUndo: boolean): string =>
  `${plan.id}/${step.id}${isUndo ? '/undo' : ''}`

class JournalledExecutor implements Executor {
  readonly #deps: ExecutorDeps

  constructor(deps: ExecutorDeps) {
    this.#deps = deps
  }

  async run(plan: Plan, signal: AbortSignal): Promise<Plan> {
    const run = new PlanRun({ ...plan, state: 'running', reason: 'its steps are being done' }, (next) =>
      this.#save(next),
    )
    try {
      run.keep()
      const failure = await this.#steps(run, signal)
      if (failure === undefined)
        return run.end('verifying', 'all steps are done; what was broken is measured again')
      run.skipPending()
      return await this.#undo(run, failure, signal)
    } catch (error) {
      return this.#storeFailed(run.plan, error)
    }
  }

  async rollBack(plan: Plan, reason: string, signal: AbortSignal): Promise<Plan> {
    const run = new PlanRun(plan, (next) => this.#save(next))
    try {
      return await this.#undo(run, reason, signal)
    } catch (error) {
      return this.#storeFailed(run.plan, error)
    }
  }

  async recover(plan: Plan, signal: AbortSignal): Promise<Plan> {
    const { clock, journal } = this.#deps
    const entries = journal.of(plan.id)
    const known = { ...plan, steps: stepsFromJournal(plan.steps, entries) }
    const isUndoing = entries.some(({ kind }) => kind.startsWith('undo'))
    const isOld = clock.now() - plan.createdAt > RESUME_WITHIN_MS
    const failed = known.steps.find((step) => step.state === 'failed' && !step.optional)
    if (isUndoing || failed !== undefined)
      return this.rollBack(known, plan.reason === '' ? 'it was being undone' : plan.reason, signal)
    if (isOld) return this.rollBack(known, 'the node was away too long to go on with it', signal)
    return this.run(known, signal)
  }

  /** Runs steps as soon as what goes before them is done; says what failed, if something that counts did. */
  async #steps(run: PlanRun, signal: AbortSignal): Promise<string | undefined> {
    const running = new Map<string, Promise<void>>()
    let failure: string | undefined
    let broken: { readonly error: unknown } | undefined
    for (;;) {
      if (signal.aborted) failure ??= 'the loop is stopping'
      const ready = failure === undefined && broken === undefined ? run.ready() : []
      for (const step of ready.filter(({ id }) => !running.has(id)).slice(0, MAX_PARALLEL - running.size)) {
        const work = this.#step(run, step, signal)
          .then((why) => {
            if (why !== undefined && !step.optional) failure ??= `${step.id}: ${why}`
          })
          .catch((error: unknown) => {
            broken ??= { error }
          })
          .finally(() => running.delete(step.id))
        running.set(step.id, work)
      }
      if (running.size === 0) break
      await Promise.race(running.values())
    }
    if (broken !== undefined) throw broken.error
    return failure
  }

  async #step(run: PlanRun, step: PlanStep, signal: AbortSignal): Promise<string | undefined> {
    const { clock, random } = this.#deps
    const before = progressOf(step.id, this.#deps.journal.of(run.plan.id))
    let problem = 'it was not tried'
    for (let attempt = before.attempts + 1; attempt <= before.attempts + step.attempts; attempt += 1) {
      this.#note(run, step, 'intent', attempt, `${step.action} at ${step.target}`)
      run.set(step.id, { state: 'intent' })
      this.#deps.onAction?.(run.plan, step)
      this.#note(run, step, 'started', attempt, '')
      run.set(step.id, { state: 'started', startedAt: step.startedAt ?? clock.now() })
      const result = await this.#perform(run.plan, step, before.isUncertain, signal)
      if (result.ok) {
        this.#note(run, step, 'done', attempt, result.text)
        run.set(step.id, { state: 'done', endedAt: clock.now(), outcome: result.text })
        return undefined
      }
      problem = result.text
      if (attempt === before.attempts + step.attempts || signal.aborted) break
      run.set(step.id, { outcome: `attempt ${attempt} failed: ${problem}` })
      await sleep(clock, backoffMs(attempt - before.attempts - 1, RETRY, random), signal).catch(() => {})
    }
    this.#note(run, step, 'failed', before.attempts + step.attempts, problem)
    run.set(step.id, { state: 'failed', endedAt: clock.now(), outcome: problem })
    return problem
  }

  async #perform(
    plan: Plan,
    step: PlanStep,
    isResumed: boolean,
    signal: AbortSignal,
    undo?: NonNullable<PlanStep['compensation']>,
  ): Promise<{ readonly ok: boolean; readonly text: string }> {
    const { clock, actuators } = this.#deps
    const order: ActionOrder = {
      ...{ plan: plan.id, incident: plan.incident, step: step.id, subject: step.subject },
      ...{ action: undo?.action ?? step.action, args: undo?.args ?? step.args, target: step.target },
      ...{ key: keyOf(plan, step, undo !== undefined), isResumed },
    }
    try {
      const report: ActionReport = await withTimeout(
        clock,
        step.timeoutMs,
        order.action,
        (limited) => actuators.perform(order, limited),
        signal,
      )
      // What a crash kept from being written down is in force all the same.
      if (report.changed || isResumed) return { ok: true, text: report.text }
      return { ok: false, text: `it changed nothing: ${report.text}` }
    } catch (error) {
      return { ok: false, text: messageOf(error) }
    }
  }

  async #undo(run: PlanRun, reason: string, signal: AbortSignal): Promise<Plan> {
    // What is being stopped is undone all the same: half of a repair may be worse than none.
    const limit = signal.aborted ? new AbortController().signal : signal
    // What an earlier life of this node took back counts as well.
    let undone = run.plan.steps.filter(({ state }) => state === 'compensated').length
    const stuck: string[] = []
    for (const step of run.plan.steps.toReversed()) {
      const isDone =
        step.state === 'done' || progressOf(step.id, this.#deps.journal.of(run.plan.id)).isUncertain
      if (!isDone) continue
      if (step.compensation === undefined) {
        if (step.state !== 'done') this.#leaveUncertain(run, step)
        continue
      }
      if (await this.#compensate(run, step, step.compensation, limit)) undone += 1
      else stuck.push(step.id)
    }
    const left = stuck.length === 0 ? '' : `; could not undo ${stuck.join(', ')}`
    return run.end(
      undone > 0 && stuck.length === 0 ? 'rolled-back' : 'failed',
      `${reason}${left}`,
      this.#deps.clock,
    )
  }

  #leaveUncertain(run: PlanRun, step: PlanStep): void {
    const outcome =
      'the node died while it was done: whether it took effect is not known, and nothing undoes it'
    this.#note(run, step, 'failed', step.attempts, outcome)
    run.set(step.id, { state: 'failed', endedAt: this.#deps.clock.now(), outcome })
  }

  async #compensate(
    run: PlanRun,
    step: PlanStep,
    undo: NonNullable<PlanStep['compensation']>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, random } = this.#deps
    let problem = ''
    for (let attempt = 1; attempt <= UNDO_ATTEMPTS; attempt += 1) {
      this.#note(run, step, 'undo-intent', attempt, `${undo.action} at ${step.target}`)
      this.#note(run, step, 'undo-started', attempt, '')
      // An undo that finds nothing to undo has done its work: the step may have run out by its own timer.
      const result = await this.#perform(run.plan, step, true, signal, undo)
      if (result.ok) {
        this.#note(run, step, 'undone', attempt, result.text)
        run.set(step.id, { state: 'compensated', endedAt: clock.now(), outcome: `undone: ${result.text}` })
        return true
      }
      problem = result.text
      if (attempt < UNDO_ATTEMPTS)
        await sleep(clock, backoffMs(attempt - 1, RETRY, random), signal).catch(() => {})
    }
    this.#note(run, step, 'undo-failed', UNDO_ATTEMPTS, problem)
    run.set(step.id, { outcome: `could not be undone: ${problem}` })
    return false
  }

  #note(run: PlanRun, step: PlanStep, kind: JournalEntry['kind'], attempt: number, text: string): void {
    const { clock, journal } = this.#deps
    const key = keyOf(run.plan, step, kind.startsWith('und'))
    journal.append({ plan: run.plan.id, step: step.id, kind, attempt, at: clock.now(), key, text })
  }

  #save(plan: Plan): void {
    this.#deps.plans.save(plan)
    this.#deps.onChange?.(plan)
  }

  /** Without a journal nothing may be done: what is left stays as the journal has it, and is looked at again at the next start. */
  #storeFailed(plan: Plan, error: unknown): Plan {
    const reason = `the step journal cannot be written: ${messageOf(error)}`
    this.#deps.logger.error('a plan was stopped', { plan: plan.id, reason })
    return { ...plan, state: 'failed', reason, endedAt: this.#deps.clock.now() }
  }
}

/** A plan while it runs. Each change is kept before the next thing happens. */
class PlanRun {
  plan: Plan
  readonly #save: (plan: Plan) => void

  constructor(plan: Plan, save: (plan: Plan) => void) {
    this.plan = plan
    this.#save = save
  }

  keep(): void {
    this.#save(this.plan)
  }

  set(id: string, change: Partial<PlanStep>): void {
    const steps = this.plan.steps.map((step) => (step.id === id ? { ...step, ...change } : step))
    this.plan = { ...this.plan, steps }
    this.keep()
  }

  /** Not begun, and nothing before it is missing. What a crash left uncertain is begun anew. */
  ready(): readonly PlanStep[] {
    const { steps } = this.plan
    const isBehind = (id: string): boolean => {
      const step = steps.find((other) => other.id === id)
      return step === undefined || step.state === 'done' || (step.state === 'failed' && step.optional)
    }
    return steps.filter(
      ({ state, after }) => ['pending', 'intent', 'started'].includes(state) && after.every(isBehind),
    )
  }

  skipPending(): void {
    const steps = this.plan.steps.map((step) =>
      step.state === 'pending' ? { ...step, state: 'skipped' as const } : step,
    )
    this.plan = { ...this.plan, steps }
    this.keep()
  }

  end(state: Plan['state'], reason: string, clock?: Clock): Plan {
    this.plan = { ...this.plan, state, reason, endedAt: clock?.now() }
    this.keep()
    return this.plan
  }
}
