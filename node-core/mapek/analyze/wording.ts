import type { PeerId } from '../../domain/ids.ts'
import type { Subject } from '../../domain/subject.ts'
import { SYMPTOMS, type SymptomCode } from '../symptoms/catalogue.ts'
import type { Root } from './correlate.ts'

const AILMENTS: Readonly<Record<SymptomCode, string>> = {
  'node-down': 'is down',
  'node-stopped': 'has stopped',
  'link-down': 'is down',
  'link-one-way': 'carries one direction only',
  'link-lossy': 'loses packets',
  'link-slow': 'is slow',
  'link-congested': 'is full',
  'link-flapping': 'comes and goes',
  'mesh-partition': 'is partitioned',
  'uplink-down': 'has lost its network',
  'uplink-degraded': 'has a bad network',
  isolated: 'is isolated',
  'service-down': 'is down',
  'service-slow': 'is slow',
  'certificate-expiring': 'holds a certificate that is about to expire',
  'certificate-expired': 'holds an expired certificate',
  'renewal-ending': 'has a certificate that cannot be renewed now',
  'peer-misbehaving': 'misbehaves',
  'handshake-failing': 'fails its handshakes',
  'clock-skew': 'has a wrong clock',
  'node-overloaded': 'is overloaded',
  'store-fault': 'cannot write its store',
  'config-drift': 'works by another policy',
  'version-skew': 'runs several versions',
  storm: 'has several faults at once',
  'loop-fault': 'watches and repairs nothing now',
}

export function subjectText(subject: Subject, nameOf: (peer: PeerId) => string): string {
  switch (subject.kind) {
    case 'node':
    case 'part':
      return nameOf(subject.peer)
    case 'link':
      return `The link between ${nameOf(subject.ends[0])} and ${nameOf(subject.ends[1])}`
    case 'service':
      return `The service ${subject.name} at ${nameOf(subject.provider)}`
    case 'mesh':
      return 'The mesh'
  }
}

/** `The link between ada and boris is down`. */
export const titleOf = (code: SymptomCode, subject: Subject, nameOf: (peer: PeerId) => string): string =>
  `${subjectText(subject, nameOf)} ${AILMENTS[code]}`

/** What it is, by what it is known, and what it explains. */
export function diagnosisOf({ finding, consequences }: Root): string {
  const { meaning } = SYMPTOMS[finding.code]
  const explained = consequences.length === 0 ? '' : ` It explains ${consequences.length} more.`
  return `${meaning} ${finding.text}${explained}`
}
