import type { Applied, LabLinkStatus, LabNodeStatus, LabStatus } from '../../contract/lab.ts'
import { type Paint, printable, type Tone } from '../output/style.ts'
import { type Cell, renderTable } from '../output/table.ts'
import { formatFromNow } from '../output/time.ts'
import { describeImpairment } from './lab-words.ts'

function describeApplied({ impairment, from, to, bothWays }: Applied): string {
  const what = describeImpairment(impairment)
  return bothWays ? what : `${what} from ${from} to ${to}`
}

export const describeAll = (applied: readonly Applied[]): string =>
  applied.length === 0 ? 'none' : applied.map(describeApplied).join('; ')

const NODE_TONES: Readonly<Record<LabNodeStatus['state'], Tone>> = {
  up: 'green',
  starting: 'yellow',
  stopped: 'yellow',
  dead: 'red',
}
const LINK_TONES = { up: 'green', degraded: 'yellow', suspect: 'yellow', down: 'red' } as const

const seen = (state: LabLinkStatus['seenByA']): Cell =>
  state === null ? { text: 'unknown', tone: 'dim' } : { text: state, tone: LINK_TONES[state] }

/** Nodes with their homes, then links with what impairs them. */
export function renderLabStatus(
  { lab, nodes, links, invariants }: LabStatus,
  paint: Paint,
  nowMs: number,
): string {
  return [
    `Lab ${lab.topology} in ${lab.dir}, seed ${lab.seed}, started ${formatFromNow(lab.startedAt, nowMs)}.`,
    '',
    renderTable(
      paint,
      ['NODE', 'STATE', 'PID', 'SAYS', 'HOME'],
      nodes.map(({ name, state, pid, verdict, home }) => [
        name,
        { text: state, tone: NODE_TONES[state] },
        pid === null ? '-' : String(pid),
        verdict,
        home,
      ]),
    ),
    '',
    renderTable(
      paint,
      ['LINK', 'FIRST SEES', 'SECOND SEES', 'IMPAIRMENTS'],
      links.map(({ a, b, seenByA, seenByB, impairments }) => [
        `${a} - ${b}`,
        seen(seenByA),
        seen(seenByB),
        describeAll(impairments),
      ]),
    ),
    ...(invariants === undefined ? [] : ['', renderInvariants(invariants, paint)]),
  ].join('\n')
}

function renderInvariants(
  { checks, answered, violations }: NonNullable<LabStatus['invariants']>,
  paint: Paint,
): string {
  if (violations.length === 0)
    return `Invariants hold (${checks} checks, ${answered} requests without a wrong byte).`
  return [
    paint('red', 'Invariants that do not hold:'),
    ...violations.map((text) => `  ${printable(text)}`),
  ].join('\n')
}
