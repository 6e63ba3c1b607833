import type { IncidentState } from '../../domain/incident.ts'
import { FaultError } from '../../platform/error.ts'

export type IncidentFault =
  | { code: 'INCIDENT_UNKNOWN'; id: string }
  | { code: 'INCIDENT_ILLEGAL_MOVE'; id: string; from: IncidentState; to: IncidentState }
  | { code: 'INCIDENT_OVER'; id: string }
  | { code: 'INCIDENT_NOTES_FULL'; id: string }

export const unknownIncident = (id: string): FaultError<IncidentFault> =>
  new FaultError<IncidentFault>({ code: 'INCIDENT_UNKNOWN', id }, `no incident ${id} is known`, {
    hint: 'x0t incidents lists those that are.',
  })

export const illegalMove = (id: string, from: IncidentState, to: IncidentState): FaultError<IncidentFault> =>
  new FaultError<IncidentFault>(
    { code: 'INCIDENT_ILLEGAL_MOVE', id, from, to },
    `incident ${id} is ${from}, and from there it cannot become ${to}`,
  )

export const incidentOver = (id: string): FaultError<IncidentFault> =>
  new FaultError<IncidentFault>({ code: 'INCIDENT_OVER', id }, `incident ${id} is resolved already`, {
    hint: 'A fault that comes back opens an incident of its own.',
  })

export const notesFull = (id: string, limit: number): FaultError<IncidentFault> =>
  new FaultError<IncidentFault>(
    { code: 'INCIDENT_NOTES_FULL', id },
    `incident ${id} has ${limit} notes, and takes no more`,
  )
