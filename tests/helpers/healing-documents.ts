import type { IncidentId, PeerId, PlanId } from '../../node-core/domain/ids.ts'
import type { Incident } from '../../node-core/domain/incident.ts'
import type { Plan, PlanStep } from '../../node-core/domain/plan.ts'
import { linkSubject } from '../../node-core/domain/subject.ts'
import type { Symptom } from '../../node-core/domain/symptom.ts'

/** Documents of the loop for tests that only need some. */
const peerNamed = (letter: string): PeerId => `12D3KooW${letter.repeat(44)}` as PeerId
export const incidentId = (n: number): IncidentId => `inc-${n.toString(16).padStart(16, '0')}` as IncidentId
export const planId = (n: number): PlanId => `plan-${n.toString(16).padStart(16, '0')}` as PlanId

const [ANNA, BORIS] = [peerNamed('A'), peerNamed('B')]

export const symptomOf = (over: Partial<Symptom> = {}): Symptom => ({
  code: 'link-silent',
  subject: linkSubject(ANNA, BORIS),
  severity: 'critical',
  confidence: 0.97,
  impactsConnectivity: true,
  firstSeenAt: 1_000,
  lastSeenAt: 2_000,
  evidence: [
    {
      text: 'no heartbeat from boris for 1,240 ms',
      at: 1_000,
      witness: ANNA,
      figure: { name: 'silence', value: 1240, unit: 'ms', kind: 'measured' },
    },
    { text: 'the socket is open', at: 1_100, witness: ANNA },
  ],
  ...over,
})

export function incidentOf(n: number, over: Partial<Incident> = {}): Incident {
  const { code, subject, severity, confidence, impactsConnectivity, firstSeenAt, evidence } = symptomOf()
  return {
    ...{ code, subject, severity, confidence, impactsConnectivity, evidence },
    id: incidentId(n),
    aliases: [incidentId(900 + n)],
    state: 'open',
    title: 'the link between anna and boris is silent',
    diagnosis: undefined,
    firstEvidenceAt: firstSeenAt,
    openedAt: 1_000 + n,
    clearedAt: undefined,
    resolvedAt: undefined,
    consequences: [{ code: 'service-unreachable', subject: { kind: 'mesh' } }],
    witnesses: [ANNA, BORIS],
    coordinator: ANNA,
    plans: [planId(1)],
    people: {
      acknowledgedBy: undefined,
      owner: 'anna',
      silencedUntil: undefined,
      notes: [{ by: 'anna', at: 1_500, text: 'the cable' }],
    },
    timeline: [
      { at: 1_000, kind: 'evidence', text: 'silence' },
      { at: 1_200, kind: 'proposal', text: 'redial', planId: planId(1), actor: 'the loop of anna' },
    ],
    ...over,
  }
}

const stepOf = (id: string, after: readonly string[]): PlanStep => ({
  ...{ id, after },
  action: 'redial',
  subject: linkSubject(ANNA, BORIS),
  target: ANNA,
  optional: after.length > 0,
  args: { force: true, limit: 3, via: 'clara' },
  timeoutMs: 5_000,
  attempts: 3,
  compensation: after.length === 0 ? undefined : { action: 'release-peer', args: {} },
  state: 'pending',
  startedAt: undefined,
  endedAt: undefined,
  outcome: undefined,
})

export const planOf = (n: number, over: Partial<Plan> = {}): Plan => ({
  id: planId(n),
  incident: incidentId(1),
  playbook: 'link-down',
  playbookVersion: 2,
  mode: 'ask',
  risk: 'low',
  blastRadius: 2,
  candidates: [
    { playbook: 'link-down', version: 2, score: 0.8, reasons: ['worked 8 of 10 times'], chosen: true },
  ],
  state: 'waiting',
  reason: 'a person has to agree',
  steps: [stepOf('redial', []), stepOf('tell', ['redial'])],
  createdAt: 2_000 + n,
  endedAt: undefined,
  approvalExpiresAt: 60_000,
  approvals: [{ by: 'anna', verdict: 'approve', at: 2_500, comment: undefined }],
  verification: { at: 3_000, passed: true, checks: [{ text: 'a heartbeat', passed: true, from: 'anna' }] },
  ...over,
})
