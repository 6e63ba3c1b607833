import type { PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import type { PlanStep } from '../../domain/plan.ts'
import type { Playbook, PlaybookStep, StepPlace } from '../playbooks/playbook-schema.ts'

/** What the planner knows of the mesh at that moment. */
export interface MeshView {
  readonly self: PeerId
  /** Members in good standing. */
  readonly members: readonly PeerId[]
  isReachable(peer: PeerId): boolean
}

const MAX_PER_STEP = 8

/** The steps of a playbook for one incident: one per node that has to do it. Those that no node can do are left out. */
export function expandSteps(playbook: Playbook, incident: Incident, mesh: MeshView): readonly PlanStep[] {
  const made = new Map<string, readonly PlanStep[]>()
  for (const step of playbook.steps) {
    const targets = placesOf(step.on, incident, mesh).slice(0, MAX_PER_STEP)
    const after = step.after.flatMap((id) => (made.get(id) ?? []).map((before) => before.id))
    made.set(
      step.id,
      targets.map((target, at) =>
        planStep(step, incident, {
          target,
          after,
          id: targets.length === 1 ? step.id : `${step.id}.${at + 1}`,
        }),
      ),
    )
  }
  return [...made.values()].flat()
}

function planStep(
  step: PlaybookStep,
  { subject }: Incident,
  placed: { readonly id: string; readonly target: PeerId; readonly after: readonly string[] },
): PlanStep {
  return {
    ...placed,
    ...{ action: step.do, subject, args: step.with, optional: step.optional },
    ...{ timeoutMs: step.timeout, attempts: step.attempts },
    compensation: step.undo && { action: step.undo.do, args: step.undo.with },
    ...{ state: 'pending', startedAt: undefined, endedAt: undefined, outcome: undefined },
  }
}

/** Only nodes that can be reached: a step for a dead one would only wait for its timeout. */
function placesOf(place: StepPlace, { subject, witnesses }: Incident, mesh: MeshView): readonly PeerId[] {
  const alive = (peers: readonly PeerId[]): readonly PeerId[] =>
    [...new Set(peers)].filter((peer) => peer === mesh.self || mesh.isReachable(peer))
  switch (place) {
    case 'coordinator':
      return [mesh.self]
    case 'witnesses':
      return alive(witnesses)
    case 'everyone':
      return alive(mesh.members)
    case 'consumers':
      // Those whose own traffic has met it: whoever does not use the service has nothing to switch.
      return alive(witnesses.filter((peer) => subject.kind !== 'service' || peer !== subject.provider))
    case 'provider':
    case 'subject':
    case 'ends':
      switch (subject.kind) {
        case 'link':
          return alive(subject.ends)
        case 'service':
          return alive([subject.provider])
        case 'node':
        case 'part':
          return alive([subject.peer])
        case 'mesh':
          return [mesh.self]
      }
  }
}
