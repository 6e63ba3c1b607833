import type { InviteId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'
import { wipe } from '../../platform/secret.ts'
import { createInvite, encodeToken, type InviteRecord } from '../../security/invite.ts'
import type { MembershipContext } from './context.ts'
import { clockBehind, membershipFault, notAnIssuer } from './faults.ts'
import type { CertificateIssuing } from './issuer.ts'
import type { Registry } from './registry.ts'
import type { InviteRow } from './store-port.ts'

const MAX_INVITES = 1_024
const MAX_EXPIRY_MS = 30 * 24 * 3_600_000
/** An invite that is over is kept this long, so that a late retry or a thief gets a clear answer. */
const KEEP_OVER_MS = 7 * 24 * 3_600_000

export interface InviteInput {
  readonly role: Role
  readonly labels?: readonly string[]
  /** May carry the traffic of others. Default true. */
  readonly transit?: boolean
  /** How long the token can be used, at most 30 days. */
  readonly expiresInMs: number
  /** An operator has to approve the request that uses it. Default false. */
  readonly needsApproval?: boolean
  /** Multiaddrs of this or other members, where whoever joins finds the mesh. At most 8 go into the token. */
  readonly addresses: readonly string[]
}

export interface CreatedInvite {
  readonly id: InviteId
  /** Secret: shown once and stored nowhere. */
  readonly token: string
  readonly role: Role
  readonly expiresAt: number
}

/** Makes invites and keeps them until they are long over. */
export interface InviteDesk {
  /** @throws FaultError NOT_AN_ISSUER, ROLE_TOO_HIGH, CLOCK_BEHIND, TOO_MANY_INVITES, BAD_EXPIRY */
  create(input: InviteInput): CreatedInvite
  list(): readonly InviteRow[]
  withdraw(id: InviteId): void
  /** Forgets what is long over. */
  sweep(): void
}

export function createInviteDesk(
  context: MembershipContext,
  issuing: CertificateIssuing,
  registry: Pick<Registry, 'chainOf' | 'authorityOf'>,
): InviteDesk {
  const { invites } = context.store
  return {
    create(input) {
      checkInput(issuing, input)
      prune(context)
      if (invites.list().length >= MAX_INVITES) {
        throw membershipFault(
          { code: 'TOO_MANY_INVITES', limit: MAX_INVITES },
          `there are ${MAX_INVITES} invites already`,
          'withdraw some, or wait until they expire',
        )
      }
      return issueInvite(context, registry, input)
    },
    list: () => invites.list(),
    withdraw: (id) => invites.remove(id),
    sweep: () => prune(context),
  }
}

function checkInput(issuing: CertificateIssuing, input: InviteInput): void {
  const byMs = issuing.clockBehindMs()
  if (byMs > 0) throw clockBehind(byMs)
  if (!issuing.isIssuer()) throw notAnIssuer()
  if (!issuing.mayGrant(input.role, false)) {
    throw membershipFault(
      { code: 'ROLE_TOO_HIGH', role: input.role },
      `this node may only grant roles below its own, not ${input.role}`,
      'an owner is made by the node that holds the mesh authority',
    )
  }
  if (!(input.expiresInMs > 0) || input.expiresInMs > MAX_EXPIRY_MS) {
    throw membershipFault(
      { code: 'BAD_EXPIRY', expiresInMs: input.expiresInMs },
      'an invite lasts more than no time and at most 30 days',
    )
  }
}

function issueInvite(
  context: MembershipContext,
  registry: Pick<Registry, 'chainOf' | 'authorityOf'>,
  input: InviteInput,
): CreatedInvite {
  const nowMs = context.clock.now()
  // The key that this node's own chain leads to: what is issued for the invite can be verified by it.
  const own = registry.chainOf(context.identity.peerId)
  const authority = own && registry.authorityOf(own)
  const { invite, record } = createInvite(context, {
    meshId: context.meshId,
    ...(authority === undefined || authority === context.meshId ? {} : { authority }),
    issuer: context.identity.peerId,
    addresses: input.addresses,
    role: input.role,
    labels: input.labels ?? [],
    transit: input.transit ?? true,
    approve: input.needsApproval ?? false,
    nowMs,
    expiresAt: nowMs + input.expiresInMs,
  })
  try {
    context.store.invites.create(rowOf(record))
    context.counters.count('invites-created')
    const { inviteId: id, role, expiresAt } = record
    context.logger.info('an invite was made', { invite: id, role, expiresAt })
    return { id, token: encodeToken(invite), role, expiresAt }
  } finally {
    wipe(invite.secret)
  }
}

const rowOf = (record: InviteRecord): InviteRow => ({
  id: record.inviteId,
  role: record.role,
  labels: record.labels,
  transit: record.transit,
  needsApproval: record.approve,
  createdAt: record.createdAt,
  expiresAt: record.expiresAt,
  ed25519: record.publicKey.ed25519,
  mldsa: record.publicKey.mldsa,
  use: undefined,
  chain: undefined,
})

/** An invite as the security layer judges requests by it. */
export const recordOf = (row: InviteRow): InviteRecord => ({
  inviteId: row.id,
  publicKey: { ed25519: row.ed25519, mldsa: row.mldsa },
  role: row.role,
  labels: row.labels,
  transit: row.transit,
  approve: row.needsApproval,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
})

function prune({ store, clock }: MembershipContext): void {
  const nowMs = clock.now()
  for (const row of store.invites.list()) {
    const join = store.joins.byInvite(row.id)
    if (row.expiresAt + KEEP_OVER_MS > nowMs || join?.state === 'pending') continue
    if (join !== undefined) store.joins.remove(join.id)
    store.invites.remove(row.id)
  }
}
