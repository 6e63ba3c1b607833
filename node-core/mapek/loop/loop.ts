import type { IncidentId, PlanId } from '../../domain/ids.ts'
import { type Incident, isOver } from '../../domain/incident.ts'
import type { Plan, PlanStep, PlanVote, PlaybookMode } from '../../domain/plan.ts'
import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { createExecutor } from '../execute/executor.ts'
import type { Actuators, PlanStore, StepJournal } from '../execute/ports.ts'
import { judgePlan } from '../guards/guards.ts'
import type { IncidentBook } from '../incidents/incident-book.ts'
import { agreeingWitnesses } from '../incidents/incident-edits.ts'
import { propose } from '../plan/planner.ts'
import type { Playbook } from '../playbooks/playbook-schema.ts'
import { createApprovals } from './approvals.ts'
import { createGuardKeeper } from './guard-keeper.ts'
import { type RunnerDeps, runIncident } from './incident-runner.ts'
import type {
  HealMesh,
  HealPeople,
  HealProbe,
  LoopEvents,
  LoopSettings,
  OutcomeStore,
  PlaybookSource,
  SettingStore,
} from './ports.ts'
import { undoPlan } from './undo-plan.ts'

export interface RepairLoopDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly book: IncidentBook
  readonly plans: PlanStore
  readonly journal: StepJournal
  readonly actuators: Actuators
  readonly probe: HealProbe
  readonly playbooks: PlaybookSource
  readonly settings: SettingStore
  readonly outcomes: OutcomeStore
  readonly mesh: HealMesh
  readonly people: HealPeople
  /** A fault of the loop itself, to be opened as an incident. */
  readonly onFault: (text: string) => void
  /** Kept over a restart; undefined when the loop is not paused. */
  readonly pauseStore: {
    get(): LoopStatus['paused']
    set(paused: LoopStatus['paused']): void
  }
}

export interface LoopStatus {
  readonly state: 'watching' | 'healing' | 'paused' | 'safe-mode'
  readonly paused: { readonly reason: string; readonly by: string; readonly at: number } | undefined
  readonly safeModeUntil: number | undefined
  /** Incidents that this node is repairing now. */
  readonly healing: readonly IncidentId[]
  readonly faults: number
}

/** Plans, executes and verifies: sees every incident through that this node coordinates. Costs nothing while there is none. */
export interface RepairLoop extends Lifecycle {
  readonly events: Pick<Emitter<LoopEvents>, 'on'>
  status(): LoopStatus
  /** Nothing new begins; what is being done is finished. */
  pause(reason: string, by: string): void
  /** Also ends safe mode. */
  resume(): void
  /** @throws FaultError PLAN_UNKNOWN, PLAN_NOT_WAITING, PLAN_VOTED */
  vote(id: PlanId, vote: PlanVote): Plan
  /** Takes back a repair that succeeded. @throws FaultError PLAN_UNKNOWN, PLAN_NOT_UNDOABLE, INCIDENT_BEING_REPAIRED */
  undo(id: PlanId, by: string): Promise<Plan>
  /** What a playbook would do about an incident now. Does nothing of it. */
  tryOut(playbook: Playbook, incident: Incident): Trial
}

export interface Trial {
  readonly matches: boolean
  readonly mode: PlaybookMode | null
  readonly why: string
  readonly heldBackBy: string | null
  readonly blastRadius: number
  readonly steps: readonly PlanStep[]
}

/** So many faults of its own in this time put the loop into safe mode: it then only watches. */
const SAFE_AFTER_FAULTS = 3
const FAULT_WINDOW_MS = 10 * 60_000
const SAFE_MODE_MS = 10 * 60_000
/** A run that has not ended by then hangs. Longer than a person has to decide, which counts as well. */
const WATCHDOG_MS = 60 * 60_000
const MAX_RUNS = 64

export function createRepairLoop(deps: RepairLoopDeps, settings: LoopSettings): RepairLoop {
  return new Loop(deps, settings)
}

class Loop implements RepairLoop {
  readonly #deps: RepairLoopDeps
  readonly #settings: LoopSettings
  readonly #runner: RunnerDeps
  readonly #events: Emitter<LoopEvents>
  readonly #log: Logger
  readonly #runs = new Map<IncidentId, Promise<void>>()
  #faultsAt: number[] = []
  #safeModeUntil: number | undefined
  #stopping = new AbortController()
  #off: (() => void) | undefined

  constructor(deps: RepairLoopDeps, settings: LoopSettings) {
    this.#deps = deps
    this.#settings = settings
    this.#log = deps.logger.child({ component: 'loop' })
    this.#events = createEmitter((error) =>
      this.#log.error('a listener of the loop failed', { error: messageOf(error) }),
    )
    const onPlan = (plan: Plan): void => this.#events.emit('plan', plan)
    const guards = createGuardKeeper(deps.clock, settings)
    const executor = createExecutor({
      ...deps,
      logger: this.#log,
      onAction: (plan, step) => guards.acted(plan, step),
      onChange: onPlan,
    })
    const approvals = createApprovals(deps, onPlan)
    this.#runner = { ...deps, executor, approvals, guards, onPlan, isSafeMode: () => this.#isSafe() }
  }

  get events(): Pick<Emitter<LoopEvents>, 'on'> {
    return this.#events
  }

  async start(): Promise<void> {
    if (this.#off !== undefined) return
    this.#stopping = new AbortController()
    const { book, pauseStore } = this.#deps
    this.#runner.guards.pause = pauseStore.get()
    this.#off = book.events.on('changed', ({ before, after }) => {
      if (before === undefined) this.#runner.guards.incidentOpened(after.openedAt)
      this.#look(after, before)
    })
    // Not awaited: a node that starts does not wait for others to take part in what it left undone.
    void this.#recover().catch((error: unknown) =>
      this.#fault(`what a crash left could not be looked at: ${messageOf(error)}`),
    )
  }

  async stop(): Promise<void> {
    this.#off?.()
    this.#off = undefined
    this.#stopping.abort(new Error('the node stops'))
    await Promise.allSettled(this.#runs.values())
  }

  status(): LoopStatus {
    const paused = this.#runner.guards.pause
    const isSafe = this.#isSafe()
    return {
      state:
        paused !== undefined ? 'paused' : isSafe ? 'safe-mode' : this.#runs.size > 0 ? 'healing' : 'watching',
      paused,
      safeModeUntil: isSafe ? this.#safeModeUntil : undefined,
      healing: [...this.#runs.keys()],
      faults: this.#faultsAt.length,
    }
  }

  pause(reason: string, by: string): void {
    this.#setPause({ reason, by, at: this.#deps.clock.now() })
    this.#log.warn('the loop is paused', { reason, by })
  }

  resume(): void {
    this.#setPause(undefined)
    this.#safeModeUntil = undefined
    this.#faultsAt = []
    this.#log.info('the loop goes on')
    for (const incident of this.#deps.book.list({ open: true })) this.#look(incident, undefined)
  }

  vote(id: PlanId, vote: PlanVote): Plan {
    return this.#runner.approvals.vote(id, vote)
  }

  async undo(id: PlanId, by: string): Promise<Plan> {
    const isBusy = (incident: IncidentId): boolean => this.#runs.has(incident)
    const work = undoPlan({ ...this.#runner, isBusy }, id, by, this.#stopping.signal)
    const incident = this.#deps.plans.get(id)?.incident
    if (incident === undefined || isBusy(incident)) return work
    // As a repair of it, so that no other one begins meanwhile and `stop` waits for it.
    const over = work.then(
      () => {},
      () => {},
    )
    this.#runs.set(incident, over)
    return work.finally(() => this.#runs.delete(incident))
  }

  tryOut(playbook: Playbook, incident: Incident): Trial {
    const { mesh, guards } = this.#runner
    const view = mesh.view()
    const facts = {
      mesh: view,
      playbooks: [playbook],
      settings: new Map(),
      tallies: [],
      tried: new Set<string>(),
    }
    const { ranked, candidates } = propose(incident, facts, this.#deps.random)
    const [chosen] = ranked
    if (chosen === undefined) {
      const why = candidates[0]?.reasons.join('; ') ?? 'its trigger does not fit the incident'
      return { matches: false, mode: null, why, heldBackBy: null, blastRadius: 0, steps: [] }
    }
    const backing = { approvals: 0, witnesses: agreeingWitnesses(incident) }
    const verdict = judgePlan(incident, chosen, backing, guards.facts(view))
    const heldBackBy = verdict.kind === 'allowed' ? null : `${verdict.guard}: ${verdict.reason}`
    const why = candidates[0]?.reasons.at(-1) ?? ''
    return {
      matches: true,
      mode: chosen.mode,
      why,
      heldBackBy,
      blastRadius: chosen.blastRadius,
      steps: chosen.steps,
    }
  }

  #setPause(paused: LoopStatus['paused']): void {
    this.#deps.pauseStore.set(paused)
    this.#runner.guards.pause = paused
    this.#events.emit('status', {})
  }

  /** Plans of an earlier life are finished or taken back before new ones are made for the same incidents. */
  async #recover(): Promise<void> {
    const { plans, book, clock } = this.#deps
    const { approvals, executor } = this.#runner
    approvals.expire()
    for (const plan of plans.unfinished()) {
      if (this.#stopping.signal.aborted) return
      if (plan.state === 'waiting' || plan.state === 'proposed' || plan.state === 'withheld') {
        // Nothing was done yet. The incident, if it is still there, gets a plan that knows the mesh of today.
        const reason = 'the node was started again before it was decided'
        plans.save({ ...plan, state: 'expired', reason, endedAt: clock.now() })
        continue
      }
      this.#log.warn('a plan of an earlier run is looked at', { plan: plan.id, state: plan.state })
      const done = await executor.recover(plan, this.#stopping.signal)
      const reason = 'resumed after a restart; its incident is measured again'
      // What it did stays in force by its own timers; whether it helped, the incident's own measurement says.
      if (done.state === 'verifying')
        plans.save({ ...done, state: 'succeeded', reason, endedAt: clock.now() })
    }
    for (const incident of book.list({ open: true })) this.#look(incident, undefined)
  }

  #look(incident: Incident, before: Incident | undefined): void {
    const { id, coordinator, state } = incident
    if (this.#stopping.signal.aborted || isOver(state) || this.#runs.has(id)) return
    if (coordinator !== this.#deps.mesh.view().self || state === 'open') return
    // A person has it. It is looked at again when its symptom goes away.
    const hasCleared = incident.clearedAt !== undefined && before?.clearedAt === undefined
    if (state === 'escalated' && !hasCleared) return
    if (this.#runs.size >= MAX_RUNS) return
    if (before !== undefined && before.coordinator !== coordinator) {
      this.#deps.book.append(id, {
        at: this.#deps.clock.now(),
        kind: 'state',
        text: 'This node takes the repair over.',
      })
    }
    this.#runs.set(id, this.#run(id))
  }

  async #run(id: IncidentId): Promise<void> {
    const watchdog = new AbortController()
    const cancel = this.#deps.clock.after(WATCHDOG_MS, () => {
      watchdog.abort(new Error('the repair hangs'))
      this.#fault(`the repair of ${id} hangs and was given up`)
    })
    try {
      await Promise.resolve()
      await runIncident(
        this.#runner,
        this.#settings,
        id,
        AbortSignal.any([this.#stopping.signal, watchdog.signal]),
      )
    } catch (error) {
      if (!this.#stopping.signal.aborted && !watchdog.signal.aborted)
        this.#fault(`the repair of ${id} failed: ${messageOf(error)}`)
    } finally {
      cancel()
      this.#runs.delete(id)
    }
  }

  #isSafe(): boolean {
    return this.#safeModeUntil !== undefined && this.#deps.clock.now() < this.#safeModeUntil
  }

  #fault(text: string): void {
    const now = this.#deps.clock.now()
    this.#log.error('a fault of the loop itself', { text })
    this.#faultsAt = [...this.#faultsAt.filter((at) => now - at < FAULT_WINDOW_MS), now].slice(-100)
    if (this.#faultsAt.length >= SAFE_AFTER_FAULTS && !this.#isSafe()) {
      this.#safeModeUntil = now + SAFE_MODE_MS
      this.#log.error('the loop is in safe mode: it watches and does nothing', { until: this.#safeModeUntil })
    }
    this.#events.emit('status', {})
    try {
      this.#deps.onFault(text)
    } catch (error) {
      this.#log.error('a fault of the loop could not be told', { error: messageOf(error) })
    }
  }
}
