import type { Incident } from '../../domain/incident.ts'
import type { PlanCandidate, PlanStep, PlaybookMode, StepAction } from '../../domain/plan.ts'
import type { Random } from '../../platform/random.ts'
import type { Playbook } from '../playbooks/playbook-schema.ts'
import { expandSteps, type MeshView } from './expand-steps.ts'
import { drawScore, type Tally } from './ranking.ts'

/** What a person has set for one playbook, in place of what stands in it. */
export interface PlaybookSetting {
  readonly enabled: boolean
  readonly mode: PlaybookMode | undefined
}

export interface PlanningFacts {
  readonly mesh: MeshView
  readonly playbooks: readonly Playbook[]
  readonly settings: ReadonlyMap<string, PlaybookSetting>
  readonly tallies: readonly Tally[]
  /** Playbooks that have been tried for this incident and did not repair it. */
  readonly tried: ReadonlySet<string>
}

/** What could be done about an incident. The first of `ranked` is what is proposed. */
export interface Proposal {
  readonly ranked: readonly RankedPlaybook[]
  readonly candidates: readonly PlanCandidate[]
}

export interface RankedPlaybook {
  readonly playbook: Playbook
  readonly score: number
  readonly mode: PlaybookMode
  readonly steps: readonly PlanStep[]
  /** Nodes that its steps touch. */
  readonly blastRadius: number
}

/** What takes something away from a member. Nobody but a person, or several nodes that agree, may order it. */
const DESTRUCTIVE: readonly StepAction[] = ['quarantine-peer']
export const isDestructive = (action: StepAction): boolean => DESTRUCTIVE.includes(action)

const HIGH_RISK_ASKS = 'its risk is high'

/** How far a playbook may go by itself: never further than its own mode and the one that a person has set. */
export function modeFor(
  playbook: Playbook,
  confidence: number,
  setting: PlaybookMode | undefined,
): { readonly mode: PlaybookMode; readonly why: string } {
  const wanted = setting ?? playbook.mode
  if (wanted === 'observe') return { mode: 'observe', why: 'it is set to observe' }
  if (confidence < playbook['observe-below'])
    return { mode: 'observe', why: `the diagnosis is too unsure (${percent(confidence)})` }
  if (playbook.steps.some((step) => isDestructive(step.do)))
    return { mode: 'ask', why: 'it takes something away from a member: a person decides' }
  if (wanted === 'ask') return { mode: 'ask', why: 'it is set to ask' }
  if (playbook.risk === 'high') return { mode: 'ask', why: HIGH_RISK_ASKS }
  const needed = playbook['ask-below'] + (playbook.risk === 'medium' ? MEDIUM_RISK_NEEDS_MORE : 0)
  return confidence < needed
    ? { mode: 'ask', why: `the diagnosis is ${percent(confidence)} sure, and it needs ${percent(needed)}` }
    : { mode: 'auto', why: `the diagnosis is ${percent(confidence)} sure, and its risk is ${playbook.risk}` }
}

const MEDIUM_RISK_NEEDS_MORE = 0.1
const percent = (share: number): string => `${Math.round(Math.min(1, share) * 100)} %`

function matches({ trigger }: Playbook, { code, subject, confidence }: Incident): boolean {
  if (!trigger.symptoms.includes(code) || confidence < trigger.confidence) return false
  if (trigger.subjects !== undefined && !trigger.subjects.includes(subject.kind)) return false
  return trigger.parts === undefined || (subject.kind === 'part' && trigger.parts.includes(subject.part))
}

/** Ranks the playbooks for an incident. Changes nothing, and draws from `random` alone. */
export function propose(incident: Incident, facts: PlanningFacts, random: Random): Proposal {
  const ranked: RankedPlaybook[] = []
  const others: PlanCandidate[] = []
  for (const playbook of facts.playbooks) {
    if (!matches(playbook, incident)) continue
    const leftOut = whyLeftOut(playbook, facts)
    const steps = leftOut === undefined ? expandSteps(playbook, incident, facts.mesh) : []
    const reason = leftOut ?? (steps.length === 0 ? 'no node that it needs can be reached' : undefined)
    if (reason !== undefined) others.push(candidate(playbook, 0, [reason], false))
    else {
      const { wins, losses } = tallyOf(facts, playbook.playbook, incident.code)
      const score = drawScore({ wins: wins + playbook.prior, losses }, random)
      const { mode } = modeFor(playbook, incident.confidence, facts.settings.get(playbook.playbook)?.mode)
      const blastRadius = new Set(steps.map(({ target }) => target)).size
      ranked.push({ playbook, score, mode, steps, blastRadius })
    }
  }
  // What may act goes before what may only watch, however good the latter looks.
  ranked.sort((a, b) => Number(a.mode === 'observe') - Number(b.mode === 'observe') || b.score - a.score)
  const candidates = ranked.map(({ playbook, score }, at) => {
    const setting = facts.settings.get(playbook.playbook)?.mode
    const { why } = modeFor(playbook, incident.confidence, setting)
    const { wins, losses } = tallyOf(facts, playbook.playbook, incident.code)
    const known =
      wins + losses === 0
        ? 'not tried yet: its score is a draw'
        : `repaired ${round(wins)} of ${round(wins + losses)}: its score is a draw from that`
    return candidate(playbook, score, [known, why], at === 0)
  })
  return { ranked, candidates: [...candidates, ...others] }
}

const round = (count: number): string => String(Math.round(count * 10) / 10)

function whyLeftOut({ playbook }: Playbook, { settings, tried }: PlanningFacts): string | undefined {
  if (settings.get(playbook)?.enabled === false) return 'a person has disabled it'
  return tried.has(playbook) ? 'it was tried and did not repair this' : undefined
}

const tallyOf = ({ tallies }: PlanningFacts, playbook: string, code: string): Tally =>
  tallies.find((tally) => tally.playbook === playbook && tally.code === code) ?? {
    ...{ playbook, code, wins: 0, losses: 0 },
  }

const candidate = (
  { playbook, version }: Playbook,
  score: number,
  reasons: readonly string[],
  chosen: boolean,
): PlanCandidate => ({ playbook, version, score, reasons, chosen })
