import { isPlanOver, type Plan, type PlanStep } from '../../domain/plan.ts'
import type { MembershipEvents, PendingJoin } from '../../mesh/membership/events.ts'
import type { HandshakeContext, HandshakeEvents } from '../../noise-hfs/events.ts'
import { forgetOldest } from '../../platform/bounded.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Emitter } from '../../platform/emitter.ts'
import type { FinishedSpan, SpanAttributes } from './span-line.ts'

export interface SpanSources {
  readonly clock: Clock
  readonly handshakes: Pick<Emitter<HandshakeEvents>, 'on'>
  readonly membership: Pick<Emitter<MembershipEvents>, 'on'>
  readonly plans: Pick<Emitter<{ plan: Plan }>, 'on'>
}

/** Strangers can make as many handshakes fail as they like. */
const FAILED_EVERY_MS = 1_000
const MAX_REMEMBERED = 256

/** Spans of what a node tells by events: handshakes with their admission, joins, plans with their steps. */
export function followEvents(sources: SpanSources, record: (span: FinishedSpan) => void): () => void {
  const offs = [
    ...followHandshakes(sources, record),
    ...followJoins(sources, record),
    followPlans(sources, record),
  ]
  return () => {
    for (const off of offs) off()
  }
}

function followHandshakes(
  { clock, handshakes }: SpanSources,
  record: (span: FinishedSpan) => void,
): (() => void)[] {
  let failedAtMs = Number.NEGATIVE_INFINITY
  const span = (at: HandshakeContext, tookMs: number, problem: string | undefined): void => {
    const endedAt = clock.now()
    const attributes = {
      ...{ 'x0t.direction': at.direction, 'x0t.suite': at.suite, 'x0t.remote_address': at.remoteAddress },
      ...(at.peer === undefined ? {} : { 'x0t.peer.id': at.peer }),
    }
    record({
      name: 'x0t.handshake',
      ...{ startedAt: endedAt - tookMs, endedAt, attributes, problem, children: [] },
    })
  }
  const failed = (at: HandshakeContext, problem: string): void => {
    if (clock.monotonicMs() - failedAtMs < FAILED_EVERY_MS) return
    failedAtMs = clock.monotonicMs()
    span(at, 0, problem)
  }
  return [
    handshakes.on('secured', (event) => span(event, event.tookMs, undefined)),
    handshakes.on('refused', (event) => failed(event, `refused by ${event.by}: ${event.code}`)),
    handshakes.on('failed', (event) => failed(event, event.fault.code)),
  ]
}

/** From the request of a node to the word of the person who let it in. */
function followJoins(
  { clock, membership }: SpanSources,
  record: (span: FinishedSpan) => void,
): (() => void)[] {
  const waiting = new Map<string, PendingJoin>()
  return [
    membership.on('joinPending', (join) => {
      waiting.set(join.id, join)
      forgetOldest(waiting, MAX_REMEMBERED)
    }),
    membership.on('joinDecided', ({ id, state }) => {
      const join = waiting.get(id)
      if (join === undefined) return
      waiting.delete(id)
      record({
        ...{ name: 'x0t.join', startedAt: join.requestedAt, endedAt: clock.now(), children: [] },
        attributes: { 'x0t.join.id': id, 'x0t.peer.id': join.peer, 'x0t.peer.name': join.name },
        problem: state === 'approved' ? undefined : state,
      })
    }),
  ]
}

function followPlans({ clock, plans }: SpanSources, record: (span: FinishedSpan) => void): () => void {
  const told = new Map<string, true>()
  return plans.on('plan', (plan) => {
    // A plan that is over is told of again when it is taken back, which is no other execution of it.
    if (!isPlanOver(plan.state) || told.has(plan.id)) return
    told.set(plan.id, true)
    forgetOldest(told, MAX_REMEMBERED)
    record(spanOfPlan(plan, clock.now()))
  })
}

/** The execution of a plan with its steps below it; all of them carry the name of the incident, as the audit log does. */
function spanOfPlan(plan: Plan, now: number): FinishedSpan {
  const common: SpanAttributes = { 'x0t.correlation_id': plan.incident, 'x0t.plan.id': plan.id }
  return {
    ...{ name: 'x0t.plan', startedAt: plan.createdAt, endedAt: plan.endedAt ?? now },
    attributes: {
      ...common,
      ...{ 'x0t.incident.id': plan.incident, 'x0t.playbook': plan.playbook, 'x0t.plan.state': plan.state },
      ...{ 'x0t.plan.mode': plan.mode, 'x0t.plan.risk': plan.risk, 'x0t.plan.nodes': plan.blastRadius },
    },
    problem: plan.state === 'succeeded' ? undefined : plan.reason,
    children: plan.steps.flatMap((step) => spanOfStep(step, common, now)),
  }
}

/** Nothing of a step that never began. */
function spanOfStep(step: PlanStep, common: SpanAttributes, now: number): FinishedSpan[] {
  const { startedAt, endedAt = now, id, action, target, state, outcome } = step
  if (startedAt === undefined) return []
  return [
    {
      ...{ name: 'x0t.step', startedAt, endedAt, children: [] },
      attributes: {
        ...common,
        ...{
          'x0t.step.id': id,
          'x0t.step.action': action,
          'x0t.step.target': target,
          'x0t.step.state': state,
        },
      },
      problem: state === 'failed' ? (outcome ?? 'no reason was given') : undefined,
    },
  ]
}
