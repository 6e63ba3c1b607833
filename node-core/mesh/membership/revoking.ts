import type { NodeName, PeerId } from '../../domain/ids.ts'
import { type Role, roleBelow } from '../../domain/role.ts'
import type { Certificate } from '../../security/certificate.ts'
import type { CertificateChain } from '../../security/chain.ts'
import type { MembershipContext } from './context.ts'
import { clockBehind, membershipFault, notAnIssuer } from './faults.ts'
import type { CertificateIssuing } from './issuer.ts'
import type { Registry } from './registry.ts'
import type { RevocationBook } from './revocation-book.ts'

export interface RevokeOptions {
  /** For people, up to 200 characters. */
  readonly reason?: string
  /** When the node is an issuer: members it brought in stay members. Without it they are revoked with it. */
  readonly keepIssued?: boolean
}

/** What is left out stays as it is. */
export interface MemberChange {
  readonly name?: NodeName
  readonly role?: Role
  readonly labels?: readonly string[]
  readonly transit?: boolean
}

/** What changes the rights of a member that is one already. */
export interface Revoking {
  revoke(peer: PeerId, options?: RevokeOptions): void
  grantIssuing(peer: PeerId, lifeMs?: number): CertificateChain
  /** The next certificate of a member, with other rights. @throws FaultError UNKNOWN_MEMBER, CANNOT_CHANGE, NOT_AN_ISSUER */
  change(peer: PeerId, changes: MemberChange): CertificateChain
}

export function createRevoking(
  context: MembershipContext,
  parts: {
    readonly registry: Registry
    readonly revocations: RevocationBook
    readonly issuing: CertificateIssuing
  },
): Revoking {
  const { registry, revocations, issuing } = parts

  const issuedBy = (peer: PeerId): readonly string[] =>
    registry
      .shared()
      .filter((chain) => chain.leaf.issuer === peer)
      .map((chain) => chain.leaf.serial)

  return {
    revoke(peer, options = {}) {
      const signer = issuing.logSigner()
      if (signer === undefined) throw notAnIssuer()
      const byMs = issuing.clockBehindMs()
      if (byMs > 0) throw clockBehind(byMs)
      checkRights(context, registry, peer)
      if (registry.standing(peer) === 'revoked') return
      const entry = revocations.revoke(signer, {
        subject: peer,
        reason: options.reason ?? '',
        keep: options.keepIssued === true ? issuedBy(peer) : [],
        at: context.clock.now(),
      })
      if (entry === undefined) {
        throw membershipFault(
          { code: 'LOG_BEHIND' },
          'others know revocations of this node that it has forgotten, so it must not sign another yet',
          'connect to a neighbour first: it brings the missing ones',
        )
      }
      context.counters.count('revoked')
      context.logger.warn('a node was revoked', { peer, reason: entry.reason })
      context.events.emit('news', { kind: 'revocation', issuer: entry.issuer, hash: entry.hash })
      const head = revocations.renewHead(signer, context.clock.now())
      if (head !== undefined) context.events.emit('news', { kind: 'head', issuer: head.issuer })
      registry.sweep()
    },
    grantIssuing(peer, lifeMs) {
      const certificate = registry.chainOf(peer)?.leaf
      if (certificate === undefined) throw unknownMember(peer)
      if (!issuing.mayGrant(certificate.role, true)) throw notAnIssuer()
      return issuing.certify({ ...certificate, issuing: true }, lifeMs)
    },
    change(peer, changes) {
      const certificate = registry.chainOf(peer)?.leaf
      if (certificate === undefined) throw unknownMember(peer)
      checkChange(context, registry, certificate, changes)
      return issuing.certify({ ...certificate, ...changes })
    },
  }
}

/**
 * A node without the authority changes only members below its own role, to a role below it; a name is one member's, and
 * an owner of a mesh that has no other stays one.
 */
function checkChange(
  context: MembershipContext,
  registry: Registry,
  { peerId, name, role }: Certificate,
  changes: MemberChange,
): void {
  const refuse = (why: string, hint: string): never => {
    throw membershipFault({ code: 'CANNOT_CHANGE', peer: peerId }, `${name} was not changed: ${why}`, hint)
  }
  const others = registry
    .peers()
    .filter((peer) => peer !== peerId)
    .flatMap((peer) => registry.chainOf(peer)?.leaf ?? [])
  if (changes.name !== undefined && others.some((other) => other.name === changes.name)) {
    refuse(`another member is called ${changes.name}`, 'choose another name')
  }
  const isLastOwner = role === 'owner' && others.every((other) => other.role !== 'owner')
  if (isLastOwner && (changes.role ?? 'owner') !== 'owner') {
    refuse('it is the last owner of the mesh', 'make another member an owner first')
  }
  if (context.authorityKey !== undefined) return
  const own = registry.chainOf(context.identity.peerId)?.leaf.role
  if (own === undefined || !roleBelow(role, own) || !roleBelow(changes.role ?? role, own)) {
    refuse(
      'this node changes only members below its own role',
      'ask a node of a higher role, or the one that holds the authority',
    )
  }
}

const unknownMember = (peer: PeerId) =>
  membershipFault({ code: 'UNKNOWN_MEMBER', peer }, `${peer} is not a member of this mesh`)

function checkRights(context: MembershipContext, registry: Registry, peer: PeerId): void {
  const self = context.identity.peerId
  const subject = registry.certificateOf(peer)
  if (subject === undefined) throw unknownMember(peer)
  const own = registry.chainOf(self)?.leaf
  const isBelow = own !== undefined && roleBelow(subject.role, own.role)
  if (peer !== self && (context.authorityKey !== undefined || isBelow)) return
  throw membershipFault(
    { code: 'CANNOT_REVOKE', peer },
    `this node may not revoke ${subject.name}: only roles below its own, and never itself`,
    'ask a node of a higher role, or the one that holds the mesh authority',
  )
}
