import { CERTIFICATE } from '../../security/certificate.ts'
import { type CertificateChain, judgeSignatures } from '../../security/chain.ts'
import { verifyRecord } from '../../security/signed-record.ts'
import type { MembershipContext } from './context.ts'

/** Verdicts on signatures that are kept: a reconnect then costs no verification of certificates. */
const MAX_VERIFIED = 8_192

export interface ChainSignatures {
  readonly verdict: 'valid' | 'forged' | 'overreach'
  /** Fingerprint of the authority's key that it leads to; empty when it leads to none that is known. */
  readonly authority: string
}

export interface VerifiedChains {
  judge(chain: CertificateChain): ChainSignatures
  /** Whatever is wrong with the chain: a key of the authority that is known here signed the certificate that it begins with. */
  isOfKnownAuthority(chain: CertificateChain): boolean
}

/** Remembers only what verified: a stranger can make this do work, but never push a good verdict out. */
export function createVerifiedChains(
  context: Pick<MembershipContext, 'authorities' | 'counters'>,
): VerifiedChains {
  const { authorities, counters } = context
  const good = new Map<string, ChainSignatures>()
  const remember = (hash: string, signatures: ChainSignatures): void => {
    if (good.size >= MAX_VERIFIED)
      for (const oldest of [...good.keys()].slice(0, MAX_VERIFIED / 4)) good.delete(oldest)
    good.set(hash, signatures)
  }
  return {
    judge(chain) {
      const known = good.get(chain.hash)
      if (known !== undefined) return known
      counters.count('chains-verified')
      for (const { id, publicKey } of authorities.keys()) {
        const verdict = judgeSignatures(chain, publicKey)
        if (verdict === 'forged') continue
        const signatures = { verdict, authority: id }
        if (verdict === 'valid') remember(chain.hash, signatures)
        return signatures
      }
      return { verdict: 'forged', authority: '' }
    },
    isOfKnownAuthority(chain) {
      const { record } = chain.issuer ?? chain.leaf
      return authorities.signerOf((publicKey) => verifyRecord(CERTIFICATE, record, publicKey)) !== undefined
    },
  }
}
