import type { IncidentId, PeerId, PlanId } from '../../domain/ids.ts'
import type { Incident, TimelineEntry } from '../../domain/incident.ts'
import type { Subject } from '../../domain/subject.ts'
import { cut, withEntry, withEvidence, withWitnesses } from './incident-edits.ts'
import { epochOf, incidentId } from './incident-id.ts'

/** What one witness tells another one of an incident that it has opened itself. */
export interface WitnessReport {
  readonly id: IncidentId
  readonly code: string
  readonly subject: Subject
  readonly firstEvidenceAt: number
  /** Its own evidence, the newest. */
  readonly evidence: readonly { readonly at: number; readonly text: string }[]
  /** What it did about it, when it coordinates the repair. */
  readonly progress: readonly Progress[]
}

export interface Progress {
  readonly at: number
  readonly kind: (typeof PROGRESS_KINDS)[number]
  readonly text: string
  readonly planId?: PlanId | undefined
}

export interface Testimony {
  /** As its connection proves. */
  readonly from: PeerId
  readonly name: string
  readonly now: number
}

export const PROGRESS_KINDS = ['proposal', 'approval', 'step', 'verification'] as const
/** In one report. */
export const MAX_TOLD = { evidence: 4, progress: 12, text: 300 }

/** Of one incident: what any one witness can add to it, so that nobody can crowd out the others. */
const MAX_EVIDENCE_OF_ONE = 6
const MAX_PROGRESS_OF_ONE = 60
/** Clocks differ, and so does the moment at which witnesses see a fault. */
const EPOCHS_APART = 6
const isProgress = (kind: TimelineEntry['kind']): kind is Progress['kind'] =>
  PROGRESS_KINDS.some((known) => known === kind)

export function reportOf(incident: Incident, self: PeerId): WitnessReport {
  const short = (text: string): string => text.slice(0, MAX_TOLD.text)
  const own = incident.evidence.filter(({ witness }) => witness === self).slice(-MAX_TOLD.evidence)
  const progress =
    incident.coordinator === self
      ? incident.timeline.flatMap(({ kind, at, text, planId }) =>
          isProgress(kind)
            ? [{ at, kind, text: short(text), ...(planId === undefined ? {} : { planId }) }]
            : [],
        )
      : []
  return {
    ...{ id: incident.id, code: incident.code, subject: incident.subject },
    firstEvidenceAt: incident.firstEvidenceAt,
    evidence: own.map(({ at, text }) => ({ at, text: short(text) })),
    progress: progress.slice(-MAX_TOLD.progress),
  }
}

/**
 * Whether a name is one that a witness of this very fault can have given it. Anything else would let a member rename
 * incidents at will, or give two of them one name.
 */
export function isNameOf(name: IncidentId, { code, subject, firstEvidenceAt }: Incident): boolean {
  const epoch = epochOf(firstEvidenceAt)
  for (let apart = -EPOCHS_APART; apart <= EPOCHS_APART; apart += 1) {
    if (incidentId(code, subject, epoch + apart) === name) return true
  }
  return false
}

/**
 * Adds what another witness saw, and what the coordinator did. Nobody's word makes an incident worse, surer or older,
 * moves its state or ends it: that takes this node's own measurement.
 */
export function withTestimony(
  incident: Incident,
  { from, name, now }: Testimony,
  report: WitnessReport,
): Incident {
  const within = (at: number): number => Math.min(now, Math.max(incident.firstEvidenceAt, at))
  const known = incident.evidence.filter(({ witness }) => witness === from)
  const isTold = (text: string): boolean => known.some((one) => one.text === text)
  const news = report.evidence
    .map(({ at, text }) => ({ at: within(at), text: cut(text), witness: from }))
    .filter(({ text }) => !isTold(text))
    .slice(0, Math.max(0, MAX_EVIDENCE_OF_ONE - known.length))
  const told = withWitnesses(withEvidence(incident, news), [from])
  return from === incident.coordinator ? withProgress(told, { name, within }, report.progress) : told
}

function withProgress(
  incident: Incident,
  { name, within }: { readonly name: string; readonly within: (at: number) => number },
  progress: readonly Progress[],
): Incident {
  const actor = `the loop of ${name}`
  const before = incident.timeline.filter((entry) => entry.actor === actor)
  const isTold = ({ kind, text }: Progress): boolean =>
    before.some((entry) => entry.kind === kind && entry.text === text)
  return progress
    .filter((one) => !isTold(one))
    .slice(0, Math.max(0, MAX_PROGRESS_OF_ONE - before.length))
    .reduce(
      // Without the plan's id: the plan is the coordinator's, and is not to be found in this node's store.
      (next, { at, kind, text }) => withEntry(next, { at: within(at), kind, text, actor }),
      incident,
    )
}
