/** Highest first. A node that only carries traffic has no role: `none`. */
export const ROLES = ['owner', 'admin', 'operator', 'viewer', 'none'] as const
export type Role = (typeof ROLES)[number]

export const parseRole = (raw: string): Role | undefined => ROLES.find((role) => role === raw)

/** True when `role` carries at least the rights of `needed`. */
export function roleAtLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf(needed)
}

/** True when `role` is strictly below `than`: what an issuer of role `than` may grant. */
export function roleBelow(role: Role, than: Role): boolean {
  return ROLES.indexOf(role) > ROLES.indexOf(than)
}
