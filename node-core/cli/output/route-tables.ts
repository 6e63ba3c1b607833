import type { Hop, NetcheckResult, Route, TraceResult } from '../../contract/routing-schemas.ts'
import { orDash, suiteText } from './status-view.ts'
import { oneLine, type Paint } from './style.ts'
import { type Cell, renderPairs, renderTable } from './table.ts'
import { formatDuration } from './time.ts'

const viaText = (names: readonly string[]): string =>
  names.length === 0 ? 'direct' : `via ${names.join(', ')}`
const costText = (costMs: number | null): string =>
  costMs === null ? 'not advertised yet' : formatDuration(costMs)

/** One line for each path; the first of a node is in use. */
export function renderRoutes(paint: Paint, routes: readonly Route[]): string {
  if (routes.length === 0) return 'There is no other member.'
  const rows = routes.flatMap((route): Cell[][] => {
    const carries = route.convicted
      ? { text: 'contradicts itself', tone: 'red' as const }
      : yesOrNo(route.transit)
    const heard = route.advertMs === null ? 'never' : `${formatDuration(route.advertMs)} ago`
    if (route.paths.length === 0) {
      return [[route.name, { text: 'no way known', tone: 'red' }, '-', '-', '', carries, heard]]
    }
    return route.paths.map((path, index): Cell[] => [
      index === 0 ? route.name : '',
      viaText(path.viaNames),
      String(path.hops),
      costText(path.costMs),
      index === 0 ? { text: 'in use', tone: 'green' } : 'spare',
      ...(index === 0 ? [carries, heard] : ['', '']),
    ])
  })
  return renderTable(paint, ['NODE', 'PATH', 'LINKS', 'COST', 'STATE', 'CARRIES', 'ADVERT'], rows)
}

const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no')

function hopRow(hop: Hop): Cell[] {
  const age = hop.ageMs === null ? '' : ` ${formatDuration(hop.ageMs)} ago`
  return [
    `${hop.from} > ${hop.to}`,
    orDash(hop.rttMs),
    hop.lossEstimate === null ? '-' : `${(hop.lossEstimate * 100).toFixed(1)} %`,
    suiteText(hop.suite),
    orDash(hop.costMs),
    `${hop.source}${age}`,
  ]
}

const HOP_HEADINGS = ['RTT', 'LOSS (ESTIMATED)', 'SUITE', 'COST', 'FIGURES']

export function renderTrace(paint: Paint, trace: Omit<TraceResult, 'schema'>): string {
  const sections = [
    trace.forward.length === 0
      ? `No way to ${trace.name} is known.`
      : renderTable(paint, ['THERE', ...HOP_HEADINGS], trace.forward.map(hopRow)),
  ]
  if (trace.back.length > 0) {
    sections.push(renderTable(paint, ['BACK', ...HOP_HEADINGS], trace.back.map(hopRow)))
  }
  return sections.join('\n\n')
}

function reachCell({ reach, listen }: NetcheckResult): Cell {
  if (listen.addresses.length === 0) return { text: 'no: it listens on no address', tone: 'yellow' }
  if (reach.reachable === null) return `unknown: ${reach.detail ?? 'nobody could be asked'}`
  const by = `${reach.askedNode ?? 'a neighbour'} tried ${reach.results.map(({ address }) => address).join(', ')}`
  return reach.reachable ? { text: `yes: ${by}`, tone: 'green' } : { text: `no: ${by}`, tone: 'red' }
}

function clockText({ clock: { offsetMs, neighbours } }: NetcheckResult): string {
  if (offsetMs === null) return 'unknown: no neighbour to compare with'
  const side = offsetMs > 0 ? 'behind' : 'ahead of'
  return `${formatDuration(Math.abs(offsetMs))} ${side} the median of ${neighbours} neighbour(s), estimated`
}

/** The verdict first, what to do next, then what it rests on. */
export function renderNetcheck(paint: Paint, result: NetcheckResult): string {
  const names = new Map<string, string>(result.members.map(({ peer, name }) => [peer, name]))
  const sections = [
    paint(result.ok ? 'green' : 'red', oneLine(result.verdict)),
    ...(result.todo.length === 0 ? [] : [result.todo.map((line) => `- ${oneLine(line)}`).join('\n')]),
    renderPairs(
      [
        ['listens on', result.listen.addresses.join(', ') || 'nothing'],
        ['announces', result.listen.announced.join(', ') || 'nothing'],
        ['can be reached', reachCell(result)],
        ['clock', clockText(result)],
      ],
      paint,
    ),
  ]
  if (result.members.length > 0) {
    const rows = result.members.map((member): Cell[] => [
      member.name,
      member.reachable
        ? viaText(member.via.map((peer) => names.get(peer) ?? peer))
        : { text: 'not reachable', tone: 'red' },
      orDash(member.rttMs),
      [...new Set(member.suites)].map(suiteText).join(', ') || '-',
    ])
    sections.push(renderTable(paint, ['MEMBER', 'PATH', 'RTT', 'SUITES'], rows))
  }
  return sections.join('\n\n')
}
