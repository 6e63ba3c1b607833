import type { AlertChannel } from '../../contract/alerts.ts'
import type { Paint, Tone } from './style.ts'
import { type Cell, renderTable } from './table.ts'
import { formatDuration, formatFromNow } from './time.ts'

function stateOf({ enabled, problem, waiting }: AlertChannel): { text: string; tone: Tone } {
  if (!enabled) return { text: 'off', tone: 'dim' }
  if (problem !== null) return { text: 'failing', tone: 'red' }
  return { text: waiting === 0 ? 'ready' : `${waiting} waiting`, tone: 'green' }
}

export function renderAlertChannels(paint: Paint, items: readonly AlertChannel[], nowMs: number): string {
  if (items.length === 0)
    return 'x0t.yaml names no way to tell people of faults; docs/operations.md says how one is set up.'
  const rows = items.map((channel): Cell[] => [
    channel.name,
    channel.kind,
    stateOf(channel),
    channel.severities.join(', '),
    channel.events.join(', '),
    formatDuration(channel.throttleMs),
    channel.sentAt === null ? '-' : formatFromNow(channel.sentAt, nowMs),
  ])
  const problems = items.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`]))
  const table = renderTable(
    paint,
    ['CHANNEL', 'KIND', 'STATE', 'SEVERITIES', 'EVENTS', 'AT MOST EVERY', 'SENT'],
    rows,
  )
  return [table, ...problems].join('\n')
}
