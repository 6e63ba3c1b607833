import type { AuditEntryView, AuditVerification } from '../../contract/audit-schemas.ts'
import type { Paint } from './style.ts'
import { type Cell, renderPairs, renderTable } from './table.ts'
import { formatMoment } from './time.ts'

const OUTCOME_TONES = { done: undefined, failed: 'yellow', interrupted: 'yellow' } as const

export function renderAudit(paint: Paint, entries: readonly AuditEntryView[]): string {
  const rows = entries.map((entry): Cell[] => {
    const tone = OUTCOME_TONES[entry.outcome]
    const how = entry.detail === null ? entry.outcome : `${entry.outcome}: ${entry.detail}`
    return [
      String(entry.seq),
      formatMoment(entry.at),
      whoOf(entry),
      entry.operation,
      tone === undefined ? how : { text: how, tone },
      entry.correlation,
    ]
  })
  return renderTable(paint, ['NO', 'WHEN', 'WHO', 'WHAT', 'OUTCOME', 'BELONGS TO'], rows)
}

const whoOf = ({ actor, role }: AuditEntryView): string =>
  `${actor.kind} ${actor.name}${role === 'none' ? '' : ` (${role})`}`

const json = (value: unknown): string =>
  value === null || value === undefined ? '-' : JSON.stringify(value, undefined, 2)

export function renderAuditEntry(paint: Paint, entry: AuditEntryView): string {
  const { peer, via } = entry.actor
  return [
    renderPairs(
      [
        ['entry', String(entry.seq)],
        ['when', formatMoment(entry.at)],
        ['who', `${whoOf(entry)} via ${via}${peer === null ? '' : `, ${peer}`}`],
        ['what', entry.operation],
        ['outcome', entry.detail === null ? entry.outcome : `${entry.outcome}: ${entry.detail}`],
        ['belongs to', entry.correlation],
        ['hash', entry.hash],
        ['follows', entry.prev],
      ],
      paint,
    ),
    ...(['input', 'before', 'after'] as const).map((key) => `\n${key}:\n${json(entry[key])}`),
  ].join('\n')
}

export function renderVerification(paint: Paint, result: AuditVerification): string {
  const { node, entries, first, last, findings, holders, silent } = result
  const heads = holders.reduce((sum, { heads: held }) => sum + held, 0)
  const vouched =
    holders.length === 0
      ? 'No other member holds anything of it: whoever has the key of this node could have written it anew. Links to other members change that.'
      : `${heads} of its ends are held by ${holders.map(({ node: name }) => name).join(', ')}.`
  return [
    ...(findings.length === 0
      ? [
          entries === 0
            ? `The log of ${node} is empty.`
            : `The log of ${node} is whole: ${entries} entries, ${first} to ${last}.`,
        ]
      : [
          paint('red', `The log of ${node} is not what was signed:`),
          ...findings.map(({ kind, text }) => `  ${kind.padEnd(10)} ${text}`),
        ]),
    vouched,
    ...(silent.length === 0 ? [] : [`Could not be asked: ${silent.join(', ')}.`]),
  ].join('\n')
}
