import type { MeshId, NodeName, PeerId } from '../domain/ids.ts'
import type { Role } from '../domain/role.ts'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { CERTIFICATE, type CertificateBody, certificateOf, mayGrant } from './certificate.ts'
import { type CertificateChain, makeChain } from './chain.ts'
import type { IssueRefusal, SecurityFault } from './faults.ts'
import type { HybridKey } from './hybrid-key.ts'
import { signRecord } from './signed-record.ts'

/** Who signs: the authority, or a node with an issuing certificate of its own. */
export type Issuer =
  | { readonly kind: 'authority'; readonly key: HybridKey }
  | { readonly kind: 'node'; readonly key: HybridKey; readonly chain: CertificateChain }

/** What is to be certified. Times in milliseconds since the Unix epoch. */
export interface CertificateGrant {
  readonly meshId: MeshId
  readonly peerId: PeerId
  readonly mldsaPublicKey: Uint8Array
  readonly name: NodeName
  readonly role: Role
  /** Any order; sorted and freed of repeats here. */
  readonly labels: readonly string[]
  readonly transit: boolean
  readonly issuing: boolean
  readonly generation: number
  readonly issuedAt: number
  /** Cut to the expiry of the issuer's own certificate. */
  readonly expiresAt: number
}

/**
 * Signs a certificate and joins it with the issuer's own to a chain. Throws CANNOT_ISSUE when the issuer has no right to
 * grant this (an honest node never signs what `verifyChain` would call overreach), BAD_RECORD for values out of bounds.
 */
export function issueCertificate(
  deps: { readonly random: Random },
  issuer: Issuer,
  grant: CertificateGrant,
): CertificateChain {
  const refusal = issuer.kind === 'node' ? whyNot(issuer.chain, grant) : undefined
  if (refusal !== undefined) throw cannotIssue(refusal, grant.name)
  const own = issuer.kind === 'node' ? issuer.chain.leaf : undefined
  const { expiresAt, labels, ...rest } = grant
  const body: CertificateBody = {
    v: 1,
    ...rest,
    labels: [...new Set(labels)].sort(),
    expiresAt: own === undefined ? expiresAt : Math.min(expiresAt, own.expiresAt),
    issuer: own === undefined ? 'authority' : own.peerId,
    serial: Buffer.from(deps.random.bytes(16)).toString('hex'),
  }
  const certificate = certificateOf(signRecord(CERTIFICATE, issuer.key, body))
  if (certificate === undefined) {
    throw new FaultError<SecurityFault>(
      { code: 'BAD_RECORD', record: CERTIFICATE.context },
      `the PeerId ${grant.peerId} embeds no key`,
    )
  }
  return makeChain(certificate, own)
}

function whyNot(chain: CertificateChain, grant: CertificateGrant): IssueRefusal | undefined {
  const own = chain.leaf
  if (!own.issuing || own.issuer !== 'authority') return 'issuer-may-not-issue'
  if (own.meshId !== grant.meshId) return 'other-mesh'
  if (own.expiresAt <= grant.issuedAt) return 'issuer-expired'
  if (grant.issuing) return 'issuing-is-the-authority-s'
  if (grant.peerId === own.peerId) return 'own-certificate'
  return mayGrant(own.role, grant.role) ? undefined : 'role-not-below-issuer'
}

const REASONS: Record<IssueRefusal, string> = {
  'role-not-below-issuer': 'a node grants only roles below its own; an owner is made by the mesh authority',
  'issuing-is-the-authority-s': 'the right to issue is granted by the mesh authority alone',
  'issuer-may-not-issue': 'this node has no issuing certificate from the mesh authority',
  'issuer-expired': "this node's own certificate has expired",
  'other-mesh': 'this node belongs to another mesh',
  'own-certificate': 'a node does not certify itself',
}

const cannotIssue = (refusal: IssueRefusal, name: NodeName): FaultError<SecurityFault> =>
  new FaultError<SecurityFault>(
    { code: 'CANNOT_ISSUE', refusal },
    `cannot issue a certificate for ${name}: ${REASONS[refusal]}`,
  )
