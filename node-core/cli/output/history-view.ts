import type { SeriesItem, SeriesResult, SloResult } from '../../contract/history-schemas.ts'
import type { Paint, Tone } from './style.ts'
import { type Cell, renderPairs, renderTable } from './table.ts'
import { formatDuration, formatFromNow, formatMoment } from './time.ts'

export function renderSeriesList(paint: Paint, items: readonly SeriesItem[], nowMs: number): string {
  if (items.length === 0) return 'Nothing has been measured yet.'
  const rows = items.map(({ key, unit, kind, lastAt }): Cell[] => [
    key,
    unit,
    kind,
    lastAt === null ? '-' : formatFromNow(lastAt, nowMs),
  ])
  return renderTable(paint, ['SERIES', 'UNIT', 'FIGURES', 'LAST'], rows)
}

const figure = (value: number): string => String(Number(value.toPrecision(4)))

export function renderSeries(
  paint: Paint,
  { series, resolution, points }: Omit<SeriesResult, 'schema'>,
): string {
  const head = `${series.metric} in ${series.unit}, ${series.kind}, ${resolution === 'raw' ? 'as sampled' : `by ${resolution}`}`
  if (points.length === 0) return `${head}\nThere is no sample in this time.`
  const rows = points.map(({ at, min, mean, max, count }): Cell[] => [
    formatMoment(at),
    ...[min, mean, max].map(figure),
    String(count),
  ])
  return `${head}\n\n${renderTable(paint, ['AT', 'MIN', 'MEAN', 'MAX', 'SAMPLES'], rows)}`
}

const percent = (share: number): string => `${(share * 100).toFixed(3)} %`
const TONES: Readonly<Record<SloResult['mttr']['verdict'], Tone>> = {
  met: 'green',
  missed: 'red',
  unknown: 'yellow',
}
const verdictCell = (verdict: SloResult['mttr']['verdict'], text: string): Cell => ({
  text: `${verdict}: ${text}`,
  tone: TONES[verdict],
})

/** Each number with what it rests on. */
export function renderSlo(paint: Paint, slo: Omit<SloResult, 'schema'>): string {
  const { availability, mttr, impaired, from, until } = slo
  const reached =
    availability.value === null ? 'nothing was measured' : `${percent(availability.value)} measured`
  const median = mttr.medianMs === null ? 'no repair yet' : `median ${formatDuration(mttr.medianMs)}`
  const p95 =
    mttr.p95Ms === null
      ? 'no 95th percentile below 30 repairs'
      : `95th percentile ${formatDuration(mttr.p95Ms)}`
  const pairs: (readonly [string, Cell])[] = [
    ['window', `${formatMoment(from)} to ${formatMoment(until)}`],
    ['availability', verdictCell(availability.verdict, `${reached}, target ${percent(availability.target)}`)],
    [
      '',
      `${availability.samples} samples over ${formatDuration(availability.coveredMs)} of ${formatDuration(until - from)}`,
    ],
    ['time to repair', verdictCell(mttr.verdict, `${median}, target ${formatDuration(mttr.targetMs)}`)],
    ['', `${mttr.repaired} repaired (${p95}), ${mttr.unresolved} not over`],
    ['impaired', `${formatDuration(impaired.ms)} in ${impaired.incidents} incident(s) that cut somebody off`],
  ]
  const sections = [renderPairs(pairs, paint)]
  if (availability.worst.length > 0) {
    const rows = availability.worst.map(({ at, value }): Cell[] => [formatMoment(at), percent(value)])
    sections.push(renderTable(paint, ['WORST TIMES', 'REACHED'], rows))
  }
  if (mttr.slowest.length > 0) {
    const rows = mttr.slowest.map(({ id, title, durationMs }): Cell[] => [
      id,
      formatDuration(durationMs),
      title,
    ])
    sections.push(renderTable(paint, ['SLOWEST REPAIRS', 'TOOK', 'WHAT'], rows))
  }
  return sections.join('\n\n')
}
