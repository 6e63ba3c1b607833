import type { PeerId } from '../../domain/ids.ts'
import { linkSubject, type NodePart, type Subject } from '../../domain/subject.ts'
import type { Evidence, Severity } from '../../domain/symptom.ts'
import type { SymptomCode } from '../symptoms/catalogue.ts'

/** What one look at the mesh found, before anything is said of roots and consequences. */
export interface Finding {
  readonly code: SymptomCode
  readonly subject: Subject
  readonly confidence: number
  /** In place of that of its code, where it grows worse with time. */
  readonly severity?: Severity
  readonly firstSeenAt: number
  /** In words, with names. */
  readonly text: string
  readonly figure?: NonNullable<Evidence['figure']>
}

export const aboutNode = (peer: PeerId): Subject => ({ kind: 'node', peer })
export const aboutPart = (peer: PeerId, part: NodePart): Subject => ({ kind: 'part', peer, part })
export const aboutLink = linkSubject
