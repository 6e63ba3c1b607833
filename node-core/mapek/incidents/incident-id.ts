import { createHash } from 'node:crypto'
import { type IncidentId, parseIncidentId } from '../../domain/ids.ts'
import { type Subject, subjectKey } from '../../domain/subject.ts'

/**
 * Witnesses see a fault within a second of each other, so that most of them draw the same epoch without a word. Those
 * that fall on both sides of a boundary take the name that the coordinator gave it when they hear of each other.
 */
export const EPOCH_MS = 10_000

export const epochOf = (firstEvidenceAt: number): number => Math.floor(firstEvidenceAt / EPOCH_MS)

/** `inc-` and the first 16 hex characters of SHA-256 over code, subject and epoch, each on a line of its own. */
export function incidentId(code: string, subject: Subject, epoch: number): IncidentId {
  const digest = createHash('sha256')
    .update(`${code}\n${subjectKey(subject)}\n${epoch}`)
    .digest('hex')
  const id = parseIncidentId(`inc-${digest.slice(0, 16)}`)
  if (id === undefined) throw new Error('a SHA-256 digest is hexadecimal')
  return id
}

/** One text for what an incident is about: at most one that is not over exists per topic. */
export const topicOf = (code: string, subject: Subject): string => `${code} ${subjectKey(subject)}`
