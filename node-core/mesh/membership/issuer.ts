import type { NodeName, PeerId } from '../../domain/ids.ts'
import { type Role, roleBelow } from '../../domain/role.ts'
import type { Certificate } from '../../security/certificate.ts'
import type { CertificateChain } from '../../security/chain.ts'
import { type Issuer, issueCertificate } from '../../security/issue.ts'
import type { RevocationSigner } from '../../security/revocation.ts'
import type { MembershipContext } from './context.ts'
import type { RefusalCode } from './events.ts'
import { clockBehind, notAnIssuer } from './faults.ts'
import type { Registry } from './registry.ts'

/** A renewal that does not add at least this part of a life, and never more than a minute, is not worth a signature. */
const MIN_GAIN = { part: 1 / 10, maxMs: 60_000 }

/** What a certificate grants, apart from to whom and until when. */
export interface Grant {
  readonly peerId: PeerId
  readonly mldsaPublicKey: Uint8Array
  readonly name: NodeName
  readonly role: Role
  readonly labels: readonly string[]
  readonly transit: boolean
  readonly issuing: boolean
}

export type Renewal =
  | { readonly kind: 'renewed'; readonly chain: CertificateChain }
  | { readonly kind: 'refused'; readonly code: RefusalCode }

/** Signs certificates, by the node's own key for what is below its role and by the authority's for the rest. */
export interface CertificateIssuing {
  /** This node may issue something at all. */
  isIssuer(): boolean
  mayGrant(role: Role, issuing: boolean): boolean
  /** ms by which the clock is behind a time already seen; 0 when it may be trusted to issue. */
  clockBehindMs(): number
  /** @throws FaultError NOT_AN_ISSUER, CLOCK_BEHIND */
  certify(grant: Grant, lifeMs?: number): CertificateChain
  /** Gives a member, or this node if it holds the authority, the next certificate with the same rights. */
  renew(peer: PeerId): Renewal
  /**
   * Signs what a replaced key of the authority signed once more, by the one of now: the same rights, for as long. What has ended
   * of an issuer too, since its log is verified by it. Nothing on a node that does not hold the key.
   */
  reissue(chain: CertificateChain): CertificateChain | undefined
  /** The log that this node writes revocations into, and signs the heads of. */
  logSigner(): RevocationSigner | undefined
}

export function createIssuing(
  context: MembershipContext,
  options: { readonly lifeMs: number; readonly mayIssue: () => boolean },
  registry: Registry,
): CertificateIssuing {
  const self = context.identity.peerId

  const nodeIssuer = (): NodeIssuer | undefined => nodeIssuerOf(context, registry)
  const issuerFor = (role: Role, issuing: boolean): Issuer | undefined => {
    const node = nodeIssuer()
    if (node !== undefined && !issuing && roleBelow(role, node.chain.leaf.role)) return node
    return context.authorityKey === undefined
      ? undefined
      : { kind: 'authority', key: context.authorityKey.key }
  }
  const clockBehindMs = (): number => {
    const standing = context.floor.check()
    return standing.kind === 'behind' ? standing.byMs : 0
  }

  const certify = (grant: Grant, lifeMs = options.lifeMs): CertificateChain => {
    const byMs = clockBehindMs()
    if (byMs > 0) throw clockBehind(byMs)
    // An issuer never certifies itself: for its own next certificate it is the authority that signs.
    const issuer = issuerFor(grant.role, grant.issuing || grant.peerId === self)
    if (issuer === undefined || (grant.peerId !== self && !options.mayIssue())) throw notAnIssuer()
    const nowMs = context.clock.now()
    const chain = issueCertificate(context, issuer, {
      ...rightsOf(grant),
      meshId: context.meshId,
      generation: registry.highestGeneration(grant.peerId) + 1,
      issuedAt: nowMs,
      expiresAt: nowMs + lifeMs,
    })
    context.counters.count('certificates-issued')
    return chain
  }

  /**
   * What the next certificate of a peer grants again. Once expired, nobody comes back this way but the holder of the
   * authority: after a week switched off, nobody else could let it into its own mesh.
   */
  const renewable = (peer: PeerId): Certificate | undefined => {
    const standing = registry.chainOf(peer)?.leaf
    const mayReturn = peer === self && context.authorityKey !== undefined
    if (standing !== undefined || !mayReturn || registry.standing(peer) !== 'expired') return standing
    return registry.certificateOf(peer)
  }

  const renew = (peer: PeerId): Renewal => {
    const standing = renewable(peer)
    if (standing === undefined) return { kind: 'refused', code: 'expired' }
    const longest = registry.longestOf(peer)
    const until = longest === undefined ? 0 : registry.endsAt(longest)
    if (clockBehindMs() > 0) return { kind: 'refused', code: 'clock-behind' }
    const issuer = issuerFor(standing.role, standing.issuing || peer === self)
    if (issuer === undefined || (peer !== self && !options.mayIssue())) {
      return { kind: 'refused', code: 'not-an-issuer' }
    }
    const limit = issuer.kind === 'node' ? registry.endsAt(issuer.chain) : Number.POSITIVE_INFINITY
    const expiresAt = Math.min(context.clock.now() + options.lifeMs, limit)
    const gainMs = Math.min(MIN_GAIN.maxMs, options.lifeMs * MIN_GAIN.part)
    if (expiresAt < until + gainMs) return { kind: 'refused', code: 'no-gain' }
    return { kind: 'renewed', chain: certify(standing) }
  }

  return {
    isIssuer: () => options.mayIssue() && (context.authorityKey !== undefined || nodeIssuer() !== undefined),
    mayGrant: (role, issuing) => issuerFor(role, issuing) !== undefined,
    clockBehindMs,
    certify,
    renew,
    reissue({ leaf }) {
      const { authorityKey } = context
      if (authorityKey === undefined || !options.mayIssue() || clockBehindMs() > 0) return undefined
      context.counters.count('certificates-reissued')
      const { meshId, issuedAt, expiresAt } = leaf
      const generation = registry.highestGeneration(leaf.peerId) + 1
      return issueCertificate(
        context,
        { kind: 'authority', key: authorityKey.key },
        { ...rightsOf(leaf), meshId, generation, issuedAt, expiresAt },
      )
    },
    logSigner() {
      if (context.authorityKey !== undefined) {
        return { meshId: context.meshId, issuer: 'authority', key: context.authorityKey.key }
      }
      const node = nodeIssuer()
      return node && { meshId: context.meshId, issuer: self, key: node.key }
    },
  }
}

/** Of a grant or of a certificate that grants the same again. */
const rightsOf = ({ peerId, mldsaPublicKey, name, role, labels, transit, issuing }: Grant): Grant => ({
  ...{ peerId, mldsaPublicKey, name, role, labels, transit, issuing },
})

type NodeIssuer = Extract<Issuer, { kind: 'node' }>

/** This node as an issuer, while it has an issuing certificate of the authority. */
function nodeIssuerOf(context: MembershipContext, registry: Registry): NodeIssuer | undefined {
  const chain = registry.chainOf(context.identity.peerId)
  const entitled = chain?.leaf.issuing === true && chain.leaf.issuer === 'authority'
  return entitled ? { kind: 'node', key: context.identity.key, chain } : undefined
}
