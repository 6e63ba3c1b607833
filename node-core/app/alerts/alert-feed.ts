import type { IncidentBook } from '../../mapek/incidents/incident-book.ts'
import type { RepairLoop } from '../../mapek/loop/loop.ts'

/** Where alerts come from. */
export interface AlertFeed {
  readonly incidents: Pick<IncidentBook, 'events' | 'get'>
  readonly plans: RepairLoop['events']
  /** Who tells. */
  who(): { readonly node: string; readonly mesh: string }
}

export interface TestOutcome {
  readonly delivered: boolean
  readonly problem: string | undefined
  readonly tookMs: number
}
