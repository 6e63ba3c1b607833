import { type Role, roleBelow } from './role.ts'

/** A member as far as its certificate and the renewal of it are concerned. */
export interface Renewable {
  readonly name: string
  readonly role: Role
  /** It may renew the certificates of roles below its own. */
  readonly issuing: boolean
  readonly issuedAt: number
  readonly expiresAt: number
}

/** A certificate that comes to its end although it should have been renewed by now. */
export interface EndingCertificate {
  readonly name: string
  readonly leftMs: number
  /** `last`: the last hour; `soon`: the last day; `early`: the last three. */
  readonly urgency: 'early' | 'soon' | 'last'
  /** Who could renew it; nobody but the authority itself when empty. */
  readonly by: readonly string[]
}

export interface RenewalOutlook {
  /** The one to end first comes first. */
  readonly ending: readonly EndingCertificate[]
  /** The only member that renews others: without it, certificates end one by one. */
  readonly onlyIssuer: { readonly name: string; readonly firstEndsAt: number } | undefined
}

const HOUR_MS = 3_600_000
const STEPS = [
  ['last', HOUR_MS],
  ['soon', 24 * HOUR_MS],
  ['early', 72 * HOUR_MS],
] as const

/**
 * How it stands with the renewal of all certificates of a mesh. Renewal is due after a third of a life, so what has less than
 * half of its life left has missed it: nobody is warned of in good order, however short the lives are.
 */
export function renewalOutlook(members: readonly Renewable[], now: number): RenewalOutlook {
  const issuers = members.filter(({ issuing }) => issuing)
  const ending = members
    .flatMap((member): EndingCertificate[] => {
      const leftMs = member.expiresAt - now
      const step = STEPS.find(([, withinMs]) => leftMs <= withinMs)
      if (step === undefined || leftMs > (member.expiresAt - member.issuedAt) / 2) return []
      const by = issuers
        .filter((issuer) => issuer !== member && roleBelow(member.role, issuer.role))
        .map(({ name }) => name)
      return [{ name: member.name, leftMs, urgency: step[0], by }]
    })
    .sort((left, right) => left.leftMs - right.leftMs)
  const [only, another] = issuers
  const others = members.filter((member) => member !== only)
  return {
    ending,
    onlyIssuer:
      only === undefined || another !== undefined || others.length === 0
        ? undefined
        : { name: only.name, firstEndsAt: Math.min(...others.map(({ expiresAt }) => expiresAt)) },
  }
}
