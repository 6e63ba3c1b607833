import type { HealthItem } from '../contract/schemas.ts'
import { fewNames } from '../domain/few-names.ts'
import type { NodeParts } from './node-parts.ts'

const MAX_NAMED = 3

/** A key of the authority that is good for nothing any more, and a change of keys that is not over. */
export function authorityItems(
  { membership, clock }: Pick<NodeParts, 'membership' | 'clock'>,
  roughly: (ms: number) => string,
): HealthItem[] {
  const items: HealthItem[] = []
  const calm = { severity: 'info', impactsConnectivity: false } as const
  if (membership.holdsReplacedAuthority) {
    items.push({
      ...{ ...calm, code: 'authority-replaced', severity: 'warning' },
      title:
        'The key of the authority in this home was replaced and is good for nothing any more. If this node is to hold the new one: x0t down, then x0t authority import FILE with the file that x0t authority rotate wrote.',
    })
  }
  const change = membership.onOldAuthority()
  if (change !== undefined && change.members.length > 0) {
    const names = change.members.map(({ name }) => name)
    items.push({
      ...{ ...calm, code: 'authority-changing' },
      title: `The authority of the mesh has a new key. ${fewNames(names, MAX_NAMED)} still show certificates of the old one, which end in ${roughly(change.until - clock.now())}; they renew by themselves while an issuer is reachable.`,
    })
  }
  return items
}
