import type { IncidentDetail, IncidentItem } from '../../contract/incidents-schemas.ts'
import type { Caller, NodeApi } from '../../control/node-api.ts'
import type { IncidentId, PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Subject } from '../../domain/subject.ts'
import { peersOf } from '../../mapek/analyze/correlate.ts'
import { subjectText } from '../../mapek/analyze/wording.ts'
import { unknownIncident } from '../../mapek/incidents/incident-fault.ts'
import { remedyOf } from '../../mapek/symptoms/catalogue.ts'
import type { NodeParts } from '../node-parts.ts'
import { nameOf } from './views.ts'

type IncidentParts = Pick<NodeParts, 'membership' | 'incidents' | 'clock'>

export function incidentOperations(parts: IncidentParts): NodeApi['incidents'] {
  const { incidents, clock } = parts
  const by = (caller: Caller): string => callerName(parts, caller)
  const answer = (incident: Incident) => ({ incident: incidentDetail(parts, incident) })
  return {
    list: async ({ open, limit }) => ({
      items: incidents
        .list(open === null ? { limit } : { open, limit })
        .map((incident) => incidentItem(parts, incident)),
    }),
    get: async ({ id }) => answer(find(parts, id)),
    acknowledge: async ({ id }, { caller }) => answer(incidents.acknowledge(id, by(caller))),
    own: async ({ id, owner }, { caller }) => answer(incidents.own(id, by(caller), owner ?? undefined)),
    note: async ({ id, text }, { caller }) => answer(incidents.note(id, by(caller), text)),
    silence: async ({ id, forMs }, { caller }) =>
      answer(incidents.silence(id, by(caller), forMs === 0 ? 0 : clock.now() + forMs)),
    resolve: async ({ id, reason }, { caller }) => answer(incidents.resolve(id, by(caller), reason)),
  }
}

function find({ incidents }: IncidentParts, id: IncidentId): Incident {
  const incident = incidents.get(id)
  if (incident === undefined) throw unknownIncident(id)
  return incident
}

/** Who did it, for the record: a member by its name, whoever is at this machine as its user. */
function callerName(parts: IncidentParts, caller: Caller): string {
  const here = nameOf(parts, parts.membership.self) ?? parts.membership.self
  if (caller.via === 'mesh') return nameOf(parts, caller.peer) ?? caller.peer
  return caller.via === 'web' ? `${caller.role} in the console of ${here}` : `${caller.role} of ${here}`
}

const party = (parts: IncidentParts, peer: PeerId) => ({ peer, name: nameOf(parts, peer) ?? null })

const subjectView = (parts: IncidentParts, subject: Subject): IncidentItem['subject'] => ({
  kind: subject.kind,
  text: subjectText(subject, (peer) => nameOf(parts, peer) ?? peer),
  nodes: peersOf(subject).map((peer) => party(parts, peer)),
  detail: subject.kind === 'service' ? subject.name : subject.kind === 'part' ? subject.part : null,
})

export function incidentItem(parts: IncidentParts, incident: Incident): IncidentItem {
  const { id, code, severity, confidence, impactsConnectivity, state, title } = incident
  const { firstEvidenceAt, openedAt, people } = incident
  return {
    ...{ id, code, severity, confidence, impactsConnectivity, state, title },
    ...{ firstEvidenceAt: Math.round(firstEvidenceAt), openedAt: Math.round(openedAt) },
    subject: subjectView(parts, incident.subject),
    diagnosis: incident.diagnosis ?? null,
    clearedAt: incident.clearedAt ?? null,
    resolvedAt: incident.resolvedAt ?? null,
    explains: incident.consequences.length,
    coordinator: party(parts, incident.coordinator),
    acknowledgedBy: people.acknowledgedBy ?? null,
    owner: people.owner ?? null,
    silencedUntil: people.silencedUntil ?? null,
  }
}

function incidentDetail(parts: IncidentParts, incident: Incident): IncidentDetail {
  return {
    ...incidentItem(parts, incident),
    evidence: incident.evidence.map(({ text, at, witness, figure }) => ({
      ...{ text, at: Math.round(at), witness: party(parts, witness), figure: figure ?? null },
    })),
    consequences: incident.consequences.map(({ code, subject }) => ({
      ...{ code, subject: subjectView(parts, subject) },
    })),
    witnesses: incident.witnesses.map((peer) => party(parts, peer)),
    plans: [...incident.plans],
    notes: [...incident.people.notes],
    timeline: incident.timeline.map(({ at, kind, text, planId, actor }) => ({
      ...{ at: Math.round(at), kind, text, planId: planId ?? null, actor: actor ?? null },
    })),
    remedy: remedyOf(incident.code) ?? null,
  }
}
