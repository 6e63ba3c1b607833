import { type IncidentDetail, incidentIdSchema } from '../../node-core/contract/incidents-schemas.ts'
import { nodeNameSchema, peerIdSchema } from '../../node-core/contract/schemas.ts'
import type { NodeApi } from '../../node-core/control/node-api.ts'

export const INCIDENT_ID = incidentIdSchema.parse('inc-0123456789abcdef')

const AT = Date.UTC(2026, 10, 3, 14, 0, 0)
const [laptop, phone] = ['A', 'C'].map((letter) => peerIdSchema.parse(`12D3KooW${letter.repeat(44)}`))
const party = (peer: typeof laptop, name: string): IncidentDetail['coordinator'] => ({
  peer: peerIdSchema.parse(peer),
  name: nodeNameSchema.parse(name),
})
const LINK: IncidentDetail['subject'] = {
  kind: 'link',
  text: 'The link between laptop and phone',
  nodes: [party(laptop, 'laptop'), party(phone, 'phone')],
  detail: null,
}

const INCIDENT: IncidentDetail = {
  ...{ id: INCIDENT_ID, code: 'link-down', subject: LINK, severity: 'warning', confidence: 0.9 },
  ...{ impactsConnectivity: true, state: 'diagnosed', title: 'The link between laptop and phone is down' },
  diagnosis:
    'A direct link is gone or silent, while the node at its other end still answers over other ways.',
  ...{ firstEvidenceAt: AT, openedAt: AT + 300, clearedAt: null, resolvedAt: null, explains: 1 },
  ...{ coordinator: party(laptop, 'laptop'), acknowledgedBy: null, owner: null, silencedUntil: null },
  evidence: [{ text: 'no heartbeat', at: AT, witness: party(laptop, 'laptop'), figure: null }],
  consequences: [{ code: 'link-slow', subject: LINK }],
  ...{ witnesses: [party(laptop, 'laptop')], plans: [], notes: [] },
  timeline: [{ at: AT, kind: 'evidence', text: 'no heartbeat', planId: null, actor: null }],
  remedy: 'Look for a cable.',
}

/** One incident, that each change answers with as if it were done. */
export function fakeIncidents(called: (name: string, input?: unknown) => void): NodeApi['incidents'] {
  const answer = async (name: string, input: unknown, over: Partial<IncidentDetail> = {}) => {
    called(`incidents.${name}`, input)
    return { incident: { ...INCIDENT, ...over } }
  }
  return {
    async list(input) {
      called('incidents.list', input)
      return { items: [INCIDENT] }
    },
    get: (input) => answer('get', input),
    acknowledge: (input) => answer('acknowledge', input, { acknowledgedBy: 'owner of laptop' }),
    own: (input) => answer('own', input, { owner: input.owner }),
    note: (input) => answer('note', input),
    silence: (input) => answer('silence', input, { silencedUntil: AT + input.forMs }),
    resolve: (input) => answer('resolve', input, { state: 'resolved', resolvedAt: AT }),
  }
}
