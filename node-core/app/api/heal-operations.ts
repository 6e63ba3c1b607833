import type { PlanDocument, WhyDocument } from '../../contract/heal-schemas.ts'
import type { CallOptions, NodeApi } from '../../control/node-api.ts'
import { type PeerId, parseIncidentId, parsePlanId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import { type Plan, type PlanStep, type PlanVote, statementOf } from '../../domain/plan.ts'
import type { Subject } from '../../domain/subject.ts'
import { precedentsOf } from '../../mapek/plan/precedents.ts'
import { FaultError } from '../../platform/error.ts'
import { checkShown, keepForeignVote } from '../mapek/vote-proofs.ts'
import type { NodeParts } from '../node-parts.ts'

export type HealParts = Pick<
  NodeParts,
  'membership' | 'knowledge' | 'heal' | 'incidents' | 'clock' | 'routing'
>
type Parts = HealParts

export type HealFault =
  | { code: 'PLAN_UNKNOWN'; id: string }
  | { code: 'INCIDENT_UNKNOWN'; id: string }
  | { code: 'PLAYBOOK_UNKNOWN' | 'PLAYBOOK_SHIPPED'; playbook: string }

const MAX_PLANS = 200
const MAX_PAST = 300

const nameOf = ({ membership }: Parts, peer: PeerId): string => membership.certificateOf(peer)?.name ?? peer

/** `link n1-n2`, `node n3`, `web at n2`. */
function subjectText(parts: Parts, subject: Subject): string {
  switch (subject.kind) {
    case 'node':
      return `node ${nameOf(parts, subject.peer)}`
    case 'link':
      return `link ${subject.ends
        .map((end) => nameOf(parts, end))
        .sort()
        .join('-')}`
    case 'service':
      return `${subject.name} at ${nameOf(parts, subject.provider)}`
    case 'mesh':
      return 'the mesh'
    case 'part':
      return `the ${subject.part} of ${nameOf(parts, subject.peer)}`
  }
}

export const stepView = (parts: Parts, step: PlanStep): PlanDocument['steps'][number] => ({
  ...{ id: step.id, action: step.action, subject: subjectText(parts, step.subject) },
  ...{ target: step.target, at: nameOf(parts, step.target), optional: step.optional, after: [...step.after] },
  ...{ state: step.state, startedAt: step.startedAt ?? null, endedAt: step.endedAt ?? null },
  ...{ outcome: step.outcome ?? null, undo: step.compensation?.action ?? null, statement: statementOf(step) },
})

const planView = (parts: Parts, plan: Plan): PlanDocument => ({
  ...{ id: plan.id, incident: plan.incident, playbook: plan.playbook, playbookVersion: plan.playbookVersion },
  ...{
    mode: plan.mode,
    risk: plan.risk,
    blastRadius: plan.blastRadius,
    state: plan.state,
    reason: plan.reason,
  },
  ...{ createdAt: plan.createdAt, endedAt: plan.endedAt ?? null },
  approvalExpiresAt: plan.approvalExpiresAt ?? null,
  candidates: plan.candidates.map((candidate) => ({ ...candidate, reasons: [...candidate.reasons] })),
  steps: plan.steps.map((step) => stepView(parts, step)),
  approvals: plan.approvals.map(({ by, verdict, at, comment }) => ({
    by,
    verdict,
    at,
    comment: comment ?? null,
  })),
  verification:
    plan.verification === undefined
      ? null
      : {
          ...plan.verification,
          checks: plan.verification.checks.map((check) => ({ ...check })),
        },
})

/** Whose certificate a vote counts for: the member that calls over the mesh, else this node's own. */
export function voter(parts: Parts, { caller }: CallOptions): string {
  const peer = caller.via === 'mesh' ? caller.peer : parts.membership.self
  return `${nameOf(parts, peer)} ${peer}`
}

function healStatus(parts: Parts): Awaited<ReturnType<NodeApi['heal']['status']>> {
  const { loop } = parts.heal
  const { state, paused, safeModeUntil, healing, faults } = loop.status()
  const waiting = parts.knowledge.plans.unfinished(MAX_PLANS).filter((plan) => plan.state === 'waiting')
  return {
    ...{ state, paused: paused ?? null, safeModeUntil: safeModeUntil ?? null, healing: [...healing], faults },
    waiting: waiting.map(({ id, incident, playbook, approvalExpiresAt }) => ({
      ...{ id, incident, playbook, expiresAt: approvalExpiresAt ?? null },
    })),
    steering: parts.routing.steering.list().map((steer) => ({
      what: steer.kind === 'link' ? `the link to ${nameOf(parts, steer.peer)}` : 'transit through this node',
      until: steer.until,
    })),
    quarantined: parts.membership.quarantine.list().map((one) => ({ ...one, name: nameOf(parts, one.peer) })),
  }
}

export function healOperations(parts: Parts): NodeApi['heal'] {
  const { loop } = parts.heal
  return {
    status: async () => healStatus(parts),
    pause: async ({ reason }, options) => {
      loop.pause(reason, voter(parts, options).split(' ')[0] ?? '')
      return healStatus(parts)
    },
    resume: async () => {
      loop.resume()
      return healStatus(parts)
    },
    why: async ({ id }) => why(parts, id),
  }
}

function why(parts: Parts, id: string): Omit<WhyDocument, 'schema'> {
  const planId = parsePlanId(id)
  const plan = planId && parts.knowledge.plans.get(planId)
  if (planId !== undefined && plan === undefined) throw unknownPlan(id)
  const incidentId = plan?.incident ?? parseIncidentId(id)
  const incident = incidentId && parts.incidents.get(incidentId)
  if (incident === undefined) {
    throw new FaultError<HealFault>({ code: 'INCIDENT_UNKNOWN', id }, `no incident ${id} is known here`)
  }
  const plans = [incident.id, ...incident.aliases].flatMap((name) => parts.knowledge.plans.ofIncident(name))
  const past = parts.knowledge.incidents.recent(MAX_PAST)
  return {
    incident: incidentView(parts, incident),
    plans: plans.map((one) => planView(parts, one)),
    precedents: precedentsOf(incident, past).map(({ incident: other, likeness }) => ({
      ...{ id: other.id, title: other.title, likeness, state: other.state },
      playbook:
        parts.knowledge.plans.ofIncident(other.id).find(({ state }) => state === 'succeeded')?.playbook ??
        null,
    })),
  }
}

function incidentView(parts: Parts, incident: Incident): WhyDocument['incident'] {
  const { firstEvidenceAt, resolvedAt } = incident
  return {
    ...{ id: incident.id, code: incident.code, title: incident.title, state: incident.state },
    ...{
      severity: incident.severity,
      confidence: incident.confidence,
      diagnosis: incident.diagnosis ?? null,
    },
    subject: subjectText(parts, incident.subject),
    ...{ firstEvidenceAt, resolvedAt: resolvedAt ?? null },
    repairMs: resolvedAt === undefined ? null : resolvedAt - firstEvidenceAt,
    coordinator: nameOf(parts, incident.coordinator),
    witnesses: incident.witnesses.map((peer) => nameOf(parts, peer)),
    evidence: incident.evidence.map(({ at, witness, text }) => ({ at, from: nameOf(parts, witness), text })),
    consequences: incident.consequences.map(({ code, subject }) => `${code}: ${subjectText(parts, subject)}`),
    timeline: incident.timeline.map(({ at, kind, text }) => ({ at, kind, text })),
  }
}

const unknownPlan = (id: string): Error =>
  new FaultError<HealFault>({ code: 'PLAN_UNKNOWN', id }, `no plan ${id} is known here`, {
    hint: 'x0t heal status lists those that wait for a person.',
  })

export function planOperations(parts: Parts): NodeApi['plans'] {
  const { plans } = parts.knowledge
  const castOf = (verdict: PlanVote['verdict'], comment: string | null, options: CallOptions): PlanVote => ({
    ...{ by: voter(parts, options), verdict, at: parts.clock.now(), comment: comment ?? undefined },
  })
  return {
    list: async ({ waiting }) => ({
      items: (waiting
        ? plans.unfinished(MAX_PLANS).filter(({ state }) => state === 'waiting')
        : plans.recent(MAX_PLANS)
      ).map((plan) => planView(parts, plan)),
    }),
    show: async ({ id }) => {
      const plan = plans.get(id)
      if (plan === undefined) throw unknownPlan(id)
      return { plan: planView(parts, plan) }
    },
    async approve({ id, comment, steps }, options) {
      const plan = plans.get(id)
      if (plan === undefined) throw unknownPlan(id)
      const { caller, action } = options
      if (steps !== undefined) checkShown(plan, steps)
      const proof =
        caller.via === 'mesh'
          ? keepForeignVote({ approver: caller.peer, action, steps })
          : parts.heal.proveVote(plan, comment)
      const cast = { ...castOf('approve', comment, options), ...(proof === undefined ? {} : { proof }) }
      return { plan: planView(parts, parts.heal.loop.vote(id, cast)) }
    },
    async reject({ id, comment }, options) {
      return { plan: planView(parts, parts.heal.loop.vote(id, castOf('reject', comment, options))) }
    },
    undo: async ({ id }, options) => ({
      plan: planView(parts, await parts.heal.loop.undo(id, voter(parts, options).split(' ')[0] ?? '')),
    }),
  }
}
