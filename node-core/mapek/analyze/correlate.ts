import type { PeerId } from '../../domain/ids.ts'
import { type Subject, subjectKey } from '../../domain/subject.ts'
import { SYMPTOMS, type SymptomCode } from '../symptoms/catalogue.ts'
import type { Finding } from './finding.ts'

export interface Root {
  readonly finding: Finding
  readonly consequences: readonly Finding[]
}

/** The nodes that a subject is about; none for the mesh itself. */
export function peersOf(subject: Subject): readonly PeerId[] {
  switch (subject.kind) {
    case 'node':
    case 'part':
      return [subject.peer]
    case 'link':
      return subject.ends
    case 'service':
      return [subject.provider]
    case 'mesh':
      return []
  }
}

/** Codes that explain what they can at any place: they are about a whole side of the mesh. */
const EVERYWHERE: readonly SymptomCode[] = ['storm', 'mesh-partition', 'uplink-down', 'isolated']

/** Whether `root` explains `other` by the catalogue, and the two are about the same thing or about what holds it. */
function explains(root: Finding, other: Finding): boolean {
  const causes: readonly string[] = SYMPTOMS[other.code].dependsOn
  if (!causes.includes(root.code)) return false
  if (EVERYWHERE.includes(root.code)) return true
  const places = peersOf(other.subject)
  switch (root.subject.kind) {
    case 'node':
    case 'part':
      return places.includes(root.subject.peer)
    case 'link':
      return subjectKey(root.subject) === subjectKey(other.subject)
    case 'service':
    case 'mesh':
      return subjectKey(root.subject) === subjectKey(other.subject)
  }
}

/**
 * Splits findings into roots and what they explain. A finding that is explained by one that is itself explained goes to
 * the last of that chain, so that nothing is counted twice.
 */
export function correlate(findings: readonly Finding[]): readonly Root[] {
  const causeOf = (finding: Finding): Finding | undefined =>
    findings.find((other) => other !== finding && explains(other, finding))
  const rootOf = (finding: Finding): Finding => {
    // The catalogue has no cycles, so that this ends.
    const cause = causeOf(finding)
    return cause === undefined ? finding : rootOf(cause)
  }
  const roots = new Map<Finding, Finding[]>()
  for (const finding of findings) {
    const root = rootOf(finding)
    const consequences = roots.get(root) ?? []
    roots.set(root, consequences)
    if (root !== finding) consequences.push(finding)
  }
  return [...roots].map(([finding, consequences]) => ({ finding, consequences }))
}
