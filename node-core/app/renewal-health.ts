import type { HealthItem } from '../contract/schemas.ts'
import { type EndingCertificate, renewalOutlook } from '../domain/renewal-outlook.ts'
import type { NodeParts } from './node-parts.ts'

// Never critical: it is about another node, and one that is switched off for a week is nobody's emergency.
const SEVERITIES = { early: 'info', soon: 'warning', last: 'warning' } as const
const MAX_NAMED = 3

/** Certificates of any member that come to their end unrenewed, and a mesh that one issuer alone keeps alive. */
export function renewalItems(
  { membership, clock }: Pick<NodeParts, 'membership' | 'clock'>,
  roughly: (ms: number) => string,
): HealthItem[] {
  const now = clock.now()
  const members = membership
    .members()
    // Of its own certificate a node speaks more exactly elsewhere.
    .flatMap(({ certificate, standing }) => (standing === 'member' ? [certificate] : []))
  const { ending, onlyIssuer } = renewalOutlook(members, now)
  const own = membership.certificateOf(membership.self)?.name
  const others = ending.filter(({ name }) => name !== own)
  const [first] = others
  const items: HealthItem[] = []
  if (first !== undefined) {
    items.push({
      ...{ code: 'renewal-ending', severity: SEVERITIES[first.urgency], impactsConnectivity: false },
      title: others
        .slice(0, MAX_NAMED)
        .map((one) => endingText(one, roughly))
        .join(' '),
    })
  }
  if (onlyIssuer !== undefined) {
    const leftMs = Math.max(0, onlyIssuer.firstEndsAt - now)
    items.push({
      ...{ code: 'one-issuer', severity: 'info', impactsConnectivity: false },
      title: `Only ${onlyIssuer.name} renews certificates: if it is away, the first one ends in ${roughly(leftMs)}. Name a second: x0t issuer grant NODE.`,
    })
  }
  return items
}

function endingText({ name, leftMs, by }: EndingCertificate, roughly: (ms: number) => string): string {
  const who =
    by.length === 0
      ? 'only the authority can renew it: bring it back with x0t authority import, or start the node that holds it.'
      : `${by.join(' or ')} can renew it, as soon as it reaches one of them.`
  return `The certificate of ${name} ends in ${roughly(leftMs)}, and ${who}`
}
