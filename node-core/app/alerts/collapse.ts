import type { Alert } from '../../domain/alert.ts'

/**
 * What is still worth telling of alerts that have waited, the oldest first: of a fault that began and ended meanwhile
 * nothing, of one that ended only its end, and of one event of an incident the last word.
 */
export function collapse(alerts: readonly Alert[]): readonly Alert[] {
  const kept: Alert[] = []
  for (const alert of alerts) {
    if (alert.incident === undefined) {
      kept.push(alert)
      continue
    }
    const isSame = ({ incident }: Alert): boolean => incident === alert.incident
    const began = kept.some((one) => isSame(one) && one.event === 'opened')
    const isReplaced = (one: Alert): boolean =>
      isSame(one) && (alert.event === 'resolved' || (one.event === alert.event && one.plan === alert.plan))
    for (let at = kept.length - 1; at >= 0; at -= 1) {
      const one = kept[at]
      if (one !== undefined && isReplaced(one)) kept.splice(at, 1)
    }
    if (alert.event !== 'resolved' || !began) kept.push(alert)
  }
  return kept
}
