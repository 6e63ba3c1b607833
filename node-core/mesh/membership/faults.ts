import type { JoinId, PeerId } from '../../domain/ids.ts'
import { FaultError } from '../../platform/error.ts'

/** What membership cannot do for whoever runs the node. */
export type MembershipFault =
  | { code: 'NOT_AN_ISSUER' }
  | { code: 'ROLE_TOO_HIGH'; role: string }
  | { code: 'CLOCK_BEHIND'; byMs: number }
  | { code: 'TOO_MANY_INVITES'; limit: number }
  | { code: 'BAD_EXPIRY'; expiresInMs: number }
  | { code: 'JOIN_UNKNOWN'; id: JoinId }
  | { code: 'JOIN_DECIDED'; id: JoinId; state: string }
  | { code: 'UNKNOWN_MEMBER'; peer: PeerId }
  | { code: 'CANNOT_REVOKE'; peer: PeerId }
  | { code: 'CANNOT_CHANGE'; peer: PeerId }
  | { code: 'LOG_BEHIND' }
  | { code: 'NO_CERTIFICATE' }

export const membershipFault = (
  fault: MembershipFault,
  message: string,
  hint?: string,
): FaultError<MembershipFault> =>
  new FaultError<MembershipFault>(fault, message, hint === undefined ? {} : { hint })

export const clockBehind = (byMs: number): FaultError<MembershipFault> =>
  membershipFault(
    { code: 'CLOCK_BEHIND', byMs },
    'the clock is behind a time that has certainly passed, so nothing is issued',
    'set the clock of this machine right',
  )

export const notAnIssuer = (): FaultError<MembershipFault> =>
  membershipFault(
    { code: 'NOT_AN_ISSUER' },
    'this node may not issue certificates of this kind',
    'ask a node with issuing rights, such as the one that founded the mesh',
  )
