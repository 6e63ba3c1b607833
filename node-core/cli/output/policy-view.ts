import type { z } from 'zod'
import type {
  AccessChangeView,
  CanResult,
  flagSchema,
  PolicyReview,
  PolicyVersionView,
} from '../../contract/policy-schemas.ts'
import { fewNames } from '../../domain/few-names.ts'
import type { Paint } from './style.ts'
import { renderTable } from './table.ts'
import { formatFromNow } from './time.ts'

/** A line names so many at most; the document of --json names all. */
const MAX_NAMES = 6

const named = (names: readonly string[]): string => fewNames(names, MAX_NAMES)

/** What is wrong first, then the cases or the changes of access that were asked for. */
export function renderReview(
  paint: Paint,
  review: Omit<PolicyReview, 'schema'>,
  wanted: 'tests' | 'changes',
): string {
  const problems = review.problems.map(({ line, message }) => paint('red', `line ${line}: ${message}`))
  const body = wanted === 'tests' ? testLines(paint, review) : changeLines(paint, review.changes)
  return [
    ...problems,
    ...(problems.length > 0 ? ['Nothing can be written until this is mended.', ''] : []),
    ...body,
  ].join('\n')
}

function testLines(paint: Paint, { tests, ok }: Pick<PolicyReview, 'tests' | 'ok'>): readonly string[] {
  if (tests.length === 0) return [ok ? 'The document is good. It has no cases of its own.' : '']
  const passed = tests.filter((test) => test.passed).length
  return [
    ...tests.map((test) =>
      test.passed
        ? `${paint('green', 'passed')}  ${test.text}`
        : `${paint('red', 'FAILED')}  ${test.text}: ${test.reason}`,
    ),
    `${passed} of ${tests.length} cases pass.`,
  ]
}

function changeLines(paint: Paint, changes: readonly AccessChangeView[]): readonly string[] {
  if (changes.length === 0) return ['Nobody gains or loses any access.']
  return changes.map(({ change, action, who, at, service, rule }) => {
    const what = service === null ? '' : service === '*' ? ' every other service' : ` ${service}`
    const where = at.length === 0 ? '' : ` at ${named(at)}`
    const why = rule === null ? 'no rule allows it any more' : `rule ${rule}`
    const verb = change === 'gains' ? paint('green', '+ may') : paint('red', '- may no longer')
    return `${verb} ${action}${what}: ${named(who)}${where} (${why})`
  })
}

export function renderHistory(paint: Paint, items: readonly PolicyVersionView[], nowMs: number): string {
  return renderTable(
    paint,
    ['VERSION', 'SIGNED', 'RULES', 'CASES', 'HASH'],
    items.map(({ number, signedAt, rules, tests, hash }) => [
      ...[String(number), formatFromNow(signedAt, nowMs), String(rules), String(tests), hash.slice(0, 12)],
    ]),
  )
}

export function renderCan(paint: Paint, { verdicts, policy }: CanResult): string {
  const lines = verdicts.map(({ question, allow, reason, line }) => {
    const place = line === null ? '' : `, line ${line} of policy version ${policy ?? '?'}`
    return `${question}  ${allow ? paint('green', 'yes') : paint('red', 'no')}: ${reason}${place}`
  })
  return lines.join('\n')
}

export function renderFlags(paint: Paint, items: readonly z.infer<typeof flagSchema>[]): string {
  return renderTable(
    paint,
    ['FLAG', 'HERE', 'BECAUSE', 'WHAT IT DOES'],
    items.map(({ name, value, because, help }) => [name, value ? 'on' : 'off', because, help]),
  )
}
