import { subjectKey } from '../../domain/subject.ts'
import { correlate, type Root } from './correlate.ts'
import type { Finding } from './finding.ts'

/** So close together, faults have something in common. */
const WITHIN_MS = 10_000
const NODES = 2
const ROOTS = 4
const COUNTED: readonly string[] = ['node-down', 'link-down', 'link-one-way', 'mesh-partition']

const keyOf = ({ code, subject }: Finding): string => `${code} ${subjectKey(subject)}`

/**
 * Correlates, and calls several roots within seconds one storm, which lasts until the last of what belonged to it is over:
 * a storm that ended by a timer would set the repairs loose that it holds back.
 */
export function createStormWatch(): (findings: readonly Finding[]) => readonly Root[] {
  let since: number | undefined
  let members = new Set<string>()
  return (findings) => {
    const roots = correlate(findings)
    const counted = roots.map(({ finding }) => finding).filter(({ code }) => COUNTED.includes(code))
    if (since !== undefined && !findings.some((finding) => members.has(keyOf(finding)))) {
      since = undefined
      members = new Set()
    }
    const newest = Math.max(...counted.map(({ firstSeenAt }) => firstSeenAt))
    const close = counted.filter(({ firstSeenAt }) => newest - firstSeenAt <= WITHIN_MS)
    const nodes = close.filter(({ code }) => code === 'node-down').length
    if (since === undefined && nodes < NODES && close.length < ROOTS) return roots
    for (const finding of close) members.add(keyOf(finding))
    since ??= Math.min(...close.map(({ firstSeenAt }) => firstSeenAt))
    const storm: Finding = {
      ...{ code: 'storm', subject: { kind: 'mesh' }, confidence: 0.9, firstSeenAt: since },
      text: `${members.size} faults began within seconds.`,
    }
    return correlate([storm, ...findings])
  }
}
