import { type IncidentId, parsePlanId } from '../../domain/ids.ts'
import { type Incident, type IncidentState, isOver, type TimelineEntry } from '../../domain/incident.ts'
import type { Plan } from '../../domain/plan.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import { sleep } from '../../platform/wait.ts'
import type { Executor } from '../execute/executor.ts'
import type { PlanStore } from '../execute/ports.ts'
import { judgePlan } from '../guards/guards.ts'
import type { IncidentBook } from '../incidents/incident-book.ts'
import { agreeingWitnesses } from '../incidents/incident-edits.ts'
import { type Proposal, propose, type RankedPlaybook } from '../plan/planner.ts'
import { featuresOf } from '../plan/precedents.ts'
import type { VerifyKind } from '../playbooks/playbook-schema.ts'
import type { Approvals } from './approvals.ts'
import { type DeliveryWatch, type Passed, watchDelivery } from './delivery-watch.ts'
import type { GuardKeeper } from './guard-keeper.ts'
import type {
  HealMesh,
  HealPeople,
  HealProbe,
  LoopSettings,
  OutcomeStore,
  PlaybookSource,
  SettingStore,
} from './ports.ts'
import { talliesOf } from './tallies.ts'

export interface RunnerDeps {
  readonly clock: Clock
  readonly random: Random
  readonly book: IncidentBook
  readonly plans: PlanStore
  readonly executor: Executor
  readonly approvals: Approvals
  readonly guards: GuardKeeper
  readonly probe: HealProbe
  readonly playbooks: PlaybookSource
  readonly settings: SettingStore
  readonly outcomes: OutcomeStore
  readonly mesh: HealMesh
  readonly people: HealPeople
  readonly onPlan: (plan: Plan) => void
  /** Whether the loop may act at all, or only watch. */
  readonly isSafeMode: () => boolean
}

/** The mesh leads traffic around most faults by itself; for so long it is watched doing so before anything else is done. */
const SETTLE_MS = 800
/** A withheld plan is judged again for so long; then a person is called. */
const WITHHOLD_LIMIT_MS = 10 * 60_000
const RETRY_MS = 2_000

/** Why a candidate came to nothing, or that what was broken works again. */
type Turn =
  | { readonly kind: 'healed' }
  | { readonly kind: 'next' }
  | { readonly kind: 'handed-over' }
  | { readonly kind: 'person'; readonly why: string }

/** Sees one incident through: measure, choose, ask or act, verify, the next candidate, a person. */
export async function runIncident(
  deps: RunnerDeps,
  settings: LoopSettings,
  id: IncidentId,
  signal: AbortSignal,
): Promise<void> {
  const run = new IncidentRun(deps, settings, id, signal)
  try {
    await run.heal()
  } finally {
    run.end()
  }
}

class IncidentRun {
  readonly #deps: RunnerDeps
  readonly #settings: LoopSettings
  readonly #id: IncidentId
  readonly #signal: AbortSignal
  readonly #tried = new Set<string>()
  #watch: { readonly kind: VerifyKind; readonly delivery: DeliveryWatch } | undefined
  #said = ''

  constructor(deps: RunnerDeps, settings: LoopSettings, id: IncidentId, signal: AbortSignal) {
    this.#deps = deps
    this.#settings = settings
    this.#id = id
    this.#signal = signal
  }

  end(): void {
    this.#watch?.delivery.stop()
  }

  async heal(): Promise<void> {
    for (;;) {
      const incident = this.#incident()
      if (incident === undefined || isOver(incident.state) || this.#signal.aborted) return
      if (!this.#isOurs(incident)) return
      const proposal = this.#propose(incident)
      const [chosen] = proposal.ranked
      const kind = chosen?.playbook.verify.expect ?? 'delivery'
      if (await this.#healsItself(incident, kind)) return
      if (chosen === undefined)
        return this.#escalate(
          proposal.candidates.length === 0 ? 'no playbook answers to it' : 'no candidate is left',
        )
      const turn = await this.#turn(incident, proposal, chosen)
      if (turn.kind === 'healed' || turn.kind === 'handed-over') return
      if (turn.kind === 'person') return this.#escalate(turn.why)
      this.#tried.add(chosen.playbook.playbook)
    }
  }

  /** What a person says, or a symptom that is gone, is no proof: it is measured as well. */
  async #healsItself(incident: Incident, kind: VerifyKind): Promise<boolean> {
    if (kind === 'none') return false
    const passed = await this.#delivery(incident, kind).passed(SETTLE_MS, this.#signal)
    if (passed === undefined) return false
    const texts = passed.measurement.checks.map(({ text }) => text).join('; ')
    const by = this.#tried.size === 0 ? 'Before anything was done, it was measured to work' : 'It works again'
    this.#resolve(passed, `${by}: ${texts}.`)
    return true
  }

  #delivery(incident: Incident, kind: VerifyKind): DeliveryWatch {
    if (this.#watch?.kind === kind) return this.#watch.delivery
    this.#watch?.delivery.stop()
    const delivery = watchDelivery(this.#deps, incident, kind, this.#signal)
    this.#watch = { kind, delivery }
    return delivery
  }

  async #turn(incident: Incident, proposal: Proposal, chosen: RankedPlaybook): Promise<Turn> {
    const plan = this.#planOf(incident, proposal, chosen)
    this.#append('proposal', `${plan.playbook} is proposed: ${chosen.playbook.title}.`, plan)
    if (chosen.mode === 'observe') {
      this.#save({
        ...plan,
        state: 'withheld',
        reason: 'it only observes: this is what it would do',
        endedAt: this.#now(),
      })
      return { kind: 'person', why: `${plan.playbook} may only observe` }
    }
    let ready: Plan = plan
    if (chosen.mode === 'ask') {
      const decided = await this.#ask(plan)
      if (decided === 'healed') return { kind: 'healed' }
      if (decided.state !== 'approved') return { kind: 'person', why: `${plan.id}: ${decided.reason}` }
      ready = decided
    }
    const { turn, reason } = await this.#allowed(incident, chosen, ready)
    if (turn !== undefined) {
      this.#save({ ...ready, state: 'withheld', reason, endedAt: this.#now() })
      return turn
    }
    // Meanwhile the witnesses may have agreed on another node: two that repair one thing are in each other's way.
    const now = this.#incident()
    if (now === undefined || !this.#isOurs(now)) {
      this.#save({ ...ready, state: 'withheld', reason: 'another node repairs it', endedAt: this.#now() })
      return { kind: 'handed-over' }
    }
    return this.#act(incident, chosen, ready)
  }

  /** Resolves when the guards let it begin; with a turn when they do not for long, or when it works again. */
  async #allowed(
    incident: Incident,
    chosen: RankedPlaybook,
    plan: Plan,
  ): Promise<{ readonly turn: Turn | undefined; readonly reason: string }> {
    const { guards, mesh, clock, isSafeMode } = this.#deps
    const startedMs = clock.monotonicMs()
    for (;;) {
      const backing = { approvals: plan.approvals.length, witnesses: agreeingWitnesses(incident) }
      const verdict = isSafeMode()
        ? ({
            kind: 'withheld',
            guard: 'safe-mode',
            reason: 'the loop is in safe mode',
            until: undefined,
          } as const)
        : judgePlan(incident, chosen, backing, guards.facts(mesh.view()))
      if (verdict.kind === 'allowed') return { turn: undefined, reason: '' }
      const text = `${plan.playbook} is held back (${verdict.guard}): ${verdict.reason}.`
      if (this.#said !== verdict.guard) {
        this.#said = verdict.guard
        this.#append('proposal', text, plan)
        this.#save({ ...plan, state: 'withheld', reason: verdict.reason })
      }
      const { reason } = verdict
      // No waiting makes a plan smaller; another candidate may be.
      if (verdict.guard === 'blast-radius') return { turn: { kind: 'next' }, reason }
      if (verdict.guard === 'destructive' || clock.monotonicMs() - startedMs > WITHHOLD_LIMIT_MS)
        return { turn: { kind: 'person', why: reason }, reason }
      const waitMs = Math.max(
        100,
        Math.min(RETRY_MS, (verdict.until ?? Number.POSITIVE_INFINITY) - clock.now()),
      )
      const kind = chosen.playbook.verify.expect
      if (kind === 'none') await sleep(clock, waitMs, this.#signal)
      else {
        const passed = await this.#delivery(incident, kind).passed(waitMs, this.#signal)
        this.#signal.throwIfAborted()
        if (passed !== undefined) {
          this.#resolve(passed, 'It works again without a repair.')
          return { turn: { kind: 'healed' }, reason: 'it worked again before it was needed' }
        }
      }
    }
  }

  async #ask(plan: Plan): Promise<Plan | 'healed'> {
    const { approvals, people } = this.#deps
    const until = this.#now() + this.#settings.approvalMs
    const waiting: Plan = { ...plan, state: 'waiting', approvalExpiresAt: until, reason: 'a person decides' }
    this.#save(waiting)
    this.#append('approval', `${plan.id} waits for a person: x0t approve ${plan.id}.`, plan)
    const incident = this.#incident()
    if (incident !== undefined) void people.call(incident, `${plan.id} waits for you: ${plan.playbook}.`)
    const decided = await approvals.decided(waiting, this.#signal)
    this.#append('approval', `${plan.id} is ${decided.state}: ${decided.reason}.`, decided)
    return decided
  }

  async #act(incident: Incident, chosen: RankedPlaybook, plan: Plan): Promise<Turn> {
    const { guards, executor, clock } = this.#deps
    const { expect, within } = chosen.playbook.verify
    const startedMs = clock.monotonicMs()
    guards.began(plan)
    this.#move('healing', 'state', `${plan.playbook} is being done.`, plan)
    let done = await executor.run({ ...plan, state: 'approved' }, this.#signal)
    this.#tellSteps(done)
    if (done.state === 'verifying') {
      this.#move('verifying', 'state', 'Its steps are done; what was broken is measured again.', plan)
      const passed =
        expect === 'none' ? undefined : await this.#delivery(incident, expect).passed(within, this.#signal)
      if (passed !== undefined) {
        done = this.#finish(done, passed, startedMs)
        return { kind: 'healed' }
      }
      // It was done, and there is nothing to measure: a person has been told, and goes on from here.
      if (expect === 'none') {
        this.#finishUnverified(done)
        return { kind: 'person', why: `${plan.playbook} is done, and a person goes on from here` }
      }
      const last = this.#watch?.delivery.last
      const failed = last?.checks.filter((check) => !check.passed).map(({ text }) => text) ?? []
      const why = `it did not help: ${failed.join('; ') || 'nothing could be measured'}`
      this.#append('verification', `Not healed: ${why}.`, plan)
      const undone = await executor.rollBack(done, why, this.#signal)
      const verification = { at: this.#now(), passed: false, checks: last?.checks ?? [] }
      done = this.#save({ ...undone, verification })
    }
    guards.ended(done)
    // A node that is being stopped says nothing about the playbook.
    if (this.#signal.aborted) return { kind: 'handed-over' }
    this.#learn(done, incident, false, startedMs)
    this.#move('diagnosed', 'state', `${plan.playbook} came to nothing: ${done.reason}.`, done)
    return { kind: 'next' }
  }

  #finish(done: Plan, passed: Passed, startedMs: number): Plan {
    const { guards } = this.#deps
    const verification = { at: this.#now(), ...passed.measurement }
    const reason = 'verified: what was broken works again'
    const plan = this.#save({ ...done, state: 'succeeded', reason, endedAt: this.#now(), verification })
    guards.ended(plan)
    const incident = this.#incident()
    if (incident !== undefined) this.#learn(plan, incident, true, startedMs)
    this.#resolve(
      passed,
      `Healed by ${plan.playbook}: ${passed.measurement.checks.map(({ text }) => text).join('; ')}.`,
      plan,
    )
    return plan
  }

  #finishUnverified(done: Plan): void {
    const plan = this.#save({
      ...done,
      state: 'succeeded',
      reason: 'done; there is nothing to measure',
      endedAt: this.#now(),
    })
    this.#deps.guards.ended(plan)
  }

  #learn(plan: Plan, incident: Incident, succeeded: boolean, startedMs: number): void {
    const { outcomes, clock } = this.#deps
    outcomes.append({
      ...{ at: this.#now(), plan: plan.id, incident: incident.id, code: incident.code },
      ...{ playbook: plan.playbook, playbookVersion: plan.playbookVersion, features: featuresOf(incident) },
      ...{ succeeded, durationMs: clock.monotonicMs() - startedMs },
    })
  }

  #isOurs({ coordinator }: Incident): boolean {
    return coordinator === this.#deps.mesh.view().self
  }

  async #escalate(why: string): Promise<void> {
    if (this.#signal.aborted) return
    const incident = this.#move('escalated', 'state', `A person is needed: ${why}.`)
    if (incident !== undefined) await this.#deps.people.call(incident, why)
  }

  #resolve({ at }: Passed, text: string, plan?: Plan): void {
    const incident = this.#incident()
    if (incident === undefined || isOver(incident.state)) return
    // From healing a repair is verified first, however quickly.
    if (incident.state === 'healing') this.#move('verifying', 'state', 'It is measured again.', plan)
    this.#move('resolved', 'verification', text, plan, Math.max(at, incident.firstEvidenceAt))
  }

  #move(
    to: IncidentState,
    kind: TimelineEntry['kind'],
    text: string,
    plan?: Plan,
    at = this.#now(),
  ): Incident | undefined {
    const incident = this.#incident()
    if (incident === undefined || isOver(incident.state)) return incident
    if (incident.state === to) return this.#append(kind, text, plan)
    return this.#deps.book.advance(this.#id, to, {
      at,
      kind,
      text,
      ...(plan === undefined ? {} : { planId: plan.id }),
    })
  }

  #append(kind: TimelineEntry['kind'], text: string, plan?: Plan): Incident | undefined {
    if (this.#incident() === undefined) return undefined
    const entry = { at: this.#now(), kind, text, ...(plan === undefined ? {} : { planId: plan.id }) }
    return this.#deps.book.append(this.#id, entry)
  }

  #tellSteps(plan: Plan): void {
    for (const step of plan.steps) {
      const where = this.#deps.mesh.nameOf(step.target)
      this.#append(
        'step',
        `${step.action} at ${where}: ${step.state}${step.outcome === undefined ? '' : `, ${step.outcome}`}.`,
        plan,
      )
    }
  }

  #save(plan: Plan): Plan {
    this.#deps.plans.save(plan)
    this.#deps.onPlan(plan)
    return plan
  }

  #planOf(incident: Incident, { candidates }: Proposal, chosen: RankedPlaybook): Plan {
    const { playbook, mode, steps, blastRadius } = chosen
    const id = parsePlanId(`plan-${Buffer.from(this.#deps.random.bytes(8)).toString('hex')}`)
    if (id === undefined) throw new TypeError('eight bytes in hex make a plan id')
    return this.#save({
      ...{ id, incident: incident.id, playbook: playbook.playbook, playbookVersion: playbook.version },
      ...{ mode, risk: playbook.risk, blastRadius, candidates, steps, state: 'proposed', reason: '' },
      ...{ createdAt: this.#now(), endedAt: undefined, approvalExpiresAt: undefined, approvals: [] },
      verification: undefined,
    })
  }

  #propose(incident: Incident): Proposal {
    const { playbooks, settings, outcomes, mesh, random } = this.#deps
    return propose(
      incident,
      {
        mesh: mesh.view(),
        playbooks: playbooks.all(),
        settings: new Map(settings.list().map((setting) => [setting.playbook, setting])),
        tallies: talliesOf(outcomes, incident.code),
        tried: this.#tried,
      },
      random,
    )
  }

  #incident(): Incident | undefined {
    return this.#deps.book.get(this.#id)
  }

  #now(): number {
    return this.#deps.clock.now()
  }
}
