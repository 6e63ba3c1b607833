import type { Alert } from '../../domain/alert.ts'
import type { IncidentId, PlanId } from '../../domain/ids.ts'
import { type Incident, isOver } from '../../domain/incident.ts'
import type { Plan } from '../../domain/plan.ts'
import { SEVERITIES } from '../../domain/symptom.ts'

/** Plans that people were asked about are remembered so far back, to ask once about each. */
const MAX_ASKED = 256

export interface AlertSource {
  /** What a change of an incident gives to tell; nothing for most. */
  ofIncident(before: Incident | undefined, after: Incident, now: number): Alert | undefined
  ofPlan(plan: Plan, incident: Incident | undefined, now: number): Alert | undefined
}

/** Decides what people are told of. Who has silenced an incident wants nothing of it. */
export function createAlertSource(): AlertSource {
  const asked = new Set<PlanId>()
  return {
    ofIncident(before, after, now) {
      if (isSilenced(after, now)) return undefined
      const event = eventOf(before, after)
      if (event === undefined) return undefined
      const { diagnosis, timeline } = after
      const text = event === 'resolved' ? (timeline.at(-1)?.text ?? '') : (diagnosis ?? '')
      return { ...about(after), event, text, at: now, plan: undefined }
    },
    ofPlan(plan, incident, now) {
      if (plan.state !== 'waiting' || asked.has(plan.id)) return undefined
      if (incident === undefined || isSilenced(incident, now)) return undefined
      asked.add(plan.id)
      for (const oldest of asked) {
        if (asked.size <= MAX_ASKED) break
        asked.delete(oldest)
      }
      const text = `The playbook ${plan.playbook} would repair it: risk ${plan.risk}, nodes touched: ${plan.blastRadius}.`
      return { ...about(incident), event: 'approval', text, at: now, plan: plan.id }
    },
  }
}

const about = ({
  severity,
  code,
  title,
  id,
}: Incident): Pick<Alert, 'severity' | 'code' | 'title'> & { incident: IncidentId } => ({
  ...{ severity, code, title, incident: id },
})

const isSilenced = ({ people }: Incident, now: number): boolean => (people.silencedUntil ?? 0) > now

function eventOf(
  before: Incident | undefined,
  after: Incident,
): 'opened' | 'escalated' | 'resolved' | undefined {
  if (isOver(after.state)) return before !== undefined && !isOver(before.state) ? 'resolved' : undefined
  if (before === undefined) return 'opened'
  if (after.state === 'escalated' && before.state !== 'escalated') return 'escalated'
  // Whoever wants only what is critical has not heard of it yet.
  return SEVERITIES.indexOf(after.severity) < SEVERITIES.indexOf(before.severity) ? 'opened' : undefined
}
