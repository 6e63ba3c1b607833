import { beforeAll, describe, expect, it } from 'vitest'
import {
  DAY_MS,
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../tests/helpers/security-world.ts'
import {
  CERTIFICATE,
  type Certificate,
  type CertificateBody,
  certificateOf,
  renewalDueAtMs,
} from './certificate.ts'
import { type CertificateChain, compareChains, decodeChain, makeChain, verifyChain } from './chain.ts'
import { encodeStrict } from './codec.ts'
import type { HybridKey } from './hybrid-key.ts'
import { issueCertificate } from './issue.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'
import { signRecord } from './signed-record.ts'

let world: SecurityWorld
let foreign: SecurityWorld
let member: TestNode

beforeAll(() => {
  world = securityWorld(1)
  foreign = securityWorld(2)
  member = world.member()
})

/** Signs whatever it is told to, as an attacker who holds a key would. */
function sign(key: HybridKey, chain: CertificateChain, changes: Partial<CertificateBody>): Certificate {
  const certificate = certificateOf(signRecord(CERTIFICATE, key, { ...chain.leaf.record.value, ...changes }))
  if (certificate === undefined) throw new Error('the test made no certificate')
  return certificate
}

describe('verifyChain', () => {
  it('takes a certificate of the authority, and one of a node that the authority lets issue', () => {
    expect(verifyChain(world.founder.chain, world.trust())).toBe('valid')
    expect(member.chain.issuer?.peerId).toBe(world.founder.identity.peerId)
    expect(verifyChain(member.chain, world.trust())).toBe('valid')
  })

  it('takes what was decoded from the bytes for the same chain', () => {
    const decoded = decodeChain(member.chain.bytes)
    expect(decoded?.hash).toBe(member.chain.hash)
    expect(decoded?.leaf.peerId).toBe(member.identity.peerId)
    expect(decoded && verifyChain(decoded, world.trust())).toBe('valid')
  })

  it('calls a certificate from another mesh by its name', () => {
    expect(verifyChain(foreign.founder.chain, world.trust())).toBe('wrong-mesh')
    expect(verifyChain(foreign.member().chain, world.trust())).toBe('wrong-mesh')
  })

  it('calls a certificate forged that names our mesh and is signed by another authority', () => {
    const leaf = sign(foreign.authority.key, world.founder.chain, {})
    expect(verifyChain(makeChain(leaf, undefined), world.trust())).toBe('forged')
  })

  it('calls a certificate forged that a stranger signed for itself in the name of an issuer', () => {
    const stranger = world.identity()
    const leaf = sign(stranger.key, member.chain, { peerId: stranger.peerId })
    expect(verifyChain(makeChain(leaf, world.founder.chain.leaf), world.trust())).toBe('forged')
  })

  it.each(['ed25519', 'mldsa'] as const)(
    'calls a certificate forged whose %s signature alone is bad',
    (half) => {
      const { record } = world.founder.chain.leaf
      const signature = { ...record.signature, [half]: member.chain.leaf.record.signature[half] }
      const leaf = { ...world.founder.chain.leaf, record: { ...record, signature } }
      expect(verifyChain(makeChain(leaf, undefined), world.trust())).toBe('forged')
    },
  )

  it('finds a changed byte, wherever it is in what is signed and all over the signatures', () => {
    const { bytes } = member.chain
    for (let at = 0; at < bytes.length; at++) {
      // What is signed begins each half. Of the 6.7 kB of signatures a sample: each change costs a verification.
      if (at % 37 !== 0 && at % Math.ceil(bytes.length / 2) > 2_500) continue
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      const chain = decodeChain(changed)
      if (chain === undefined) continue
      expect(verifyChain(chain, world.trust()), `byte ${at}`).not.toBe('valid')
    }
  }, 60_000)

  it('is valid to the last millisecond, and expired from the next', () => {
    const { expiresAt } = member.chain.leaf
    expect(verifyChain(member.chain, world.trust({ nowMs: expiresAt - 1 }))).toBe('valid')
    expect(verifyChain(member.chain, world.trust({ nowMs: expiresAt }))).toBe('expired')
  })

  it('allows a clock five minutes behind the issuer, and no more', () => {
    const { issuedAt } = member.chain.leaf
    expect(verifyChain(member.chain, world.trust({ nowMs: issuedAt - MAX_CLOCK_SKEW_MS }))).toBe('valid')
    expect(verifyChain(member.chain, world.trust({ nowMs: issuedAt - MAX_CLOCK_SKEW_MS - 1 }))).toBe(
      'not-yet-valid',
    )
  })

  it('asks whether it is revoked', () => {
    const revoked = world.trust({ isRevoked: (certificate) => certificate.peerId === member.identity.peerId })
    expect(verifyChain(member.chain, revoked)).toBe('revoked')
    expect(verifyChain(world.founder.chain, revoked)).toBe('valid')
  })

  it('says expired of an expired forgery too: no signature is checked for what cannot be valid', () => {
    const leaf = sign(foreign.authority.key, world.founder.chain, {})
    expect(verifyChain(makeChain(leaf, undefined), world.trust({ nowMs: leaf.expiresAt }))).toBe('expired')
  })
})

describe('an issuer that grants more than it may', () => {
  const overreach: [string, (by: TestNode) => Partial<CertificateBody>][] = [
    ['an owner', () => ({ role: 'owner' })],
    ['its own role', () => ({ role: 'admin' })],
    ['the right to issue', () => ({ issuing: true })],
    ['a life beyond its own', (by) => ({ expiresAt: by.chain.leaf.expiresAt + 1 })],
    ['a certificate to itself', (by) => ({ peerId: by.identity.peerId, role: 'viewer' })],
  ]

  it.each(overreach)('is found out when an admin grants %s', (_what, changes) => {
    const subject = world.member('operator', world.admin)
    expect(verifyChain(subject.chain, world.trust())).toBe('valid')
    const leaf = sign(world.admin.identity.key, subject.chain, changes(world.admin))
    expect(verifyChain(makeChain(leaf, world.admin.chain.leaf), world.trust())).toBe('overreach')
  })

  it('is found out when the authority never let it issue', () => {
    const plain = world.member('admin', 'authority')
    const leaf = sign(plain.identity.key, member.chain, { issuer: plain.identity.peerId, role: 'viewer' })
    expect(verifyChain(makeChain(leaf, plain.chain.leaf), world.trust())).toBe('overreach')
  })

  it('is not believed when its own certificate is not from the authority', () => {
    const middle = world.member('admin', world.founder)
    const claims = sign(world.founder.identity.key, middle.chain, { issuing: true })
    const leaf = sign(middle.identity.key, member.chain, { issuer: middle.identity.peerId, role: 'viewer' })
    expect(verifyChain(makeChain(leaf, claims), world.trust())).toBe('forged')
  })

  it('cannot lend its name: the certificate beside the leaf must be the one of its issuer', () => {
    const { leaf } = member.chain
    expect(verifyChain(makeChain(leaf, world.admin.chain.leaf), world.trust())).toBe('forged')
    expect(verifyChain(makeChain(leaf, undefined), world.trust())).toBe('forged')
    expect(decodeChain(makeChain(leaf, world.admin.chain.leaf).bytes)).toBeUndefined()
    expect(decodeChain(makeChain(leaf, undefined).bytes)).toBeUndefined()
    expect(decodeChain(makeChain(world.founder.chain.leaf, world.admin.chain.leaf).bytes)).toBeUndefined()
  })

  it('cannot hide behind another name: what revokes it must reach what it issued', () => {
    const subject = world.member('operator', world.admin)
    const leaf = sign(world.admin.identity.key, subject.chain, { issuer: world.founder.identity.peerId })
    expect(verifyChain(makeChain(leaf, world.admin.chain.leaf), world.trust())).toBe('forged')
    expect(verifyChain(makeChain(leaf, world.founder.chain.leaf), world.trust())).toBe('forged')
  })

  it('is believed only with a certificate that names the authority, even under the authority key', () => {
    const odd = sign(world.authority.key, world.admin.chain, { issuer: world.founder.identity.peerId })
    const { leaf } = world.member('operator', world.admin).chain
    expect(verifyChain(makeChain(leaf, odd), world.trust())).toBe('forged')
  })

  it('cannot hang itself into a deeper chain', () => {
    const parts = [member.chain.leaf, world.founder.chain.leaf, world.founder.chain.leaf]
    expect(decodeChain(encodeStrict(parts.map((part) => part.record.bytes)))).toBeUndefined()
    expect(decodeChain(encodeStrict([]))).toBeUndefined()
  })
})

describe('compareChains', () => {
  const renewed = (by: TestNode, of: TestNode, generation: number): CertificateChain =>
    issueCertificate(
      world,
      { kind: 'node', key: by.identity.key, chain: by.chain },
      world.grant(of.identity, { generation, role: 'viewer' }),
    )

  it('lets the newer generation of one issuer win, whichever came first', () => {
    const [old, young] = [renewed(world.founder, member, 2), renewed(world.founder, member, 3)]
    expect(compareChains(young, old)).toBeGreaterThan(0)
    expect(compareChains(old, young)).toBeLessThan(0)
    expect(compareChains(old, old)).toBe(0)
  })

  it('lets no issuing admin demote a node that someone above it certified, whatever the generation', () => {
    const demoted = renewed(world.admin, member, 0xffff_ffff)
    expect(verifyChain(demoted, world.trust())).toBe('valid')
    expect(compareChains(demoted, member.chain)).toBeLessThan(0)
    const owner = renewed(world.admin, world.founder, 0xffff_ffff)
    expect(compareChains(owner, world.founder.chain)).toBeLessThan(0)
  })

  it('is a total order: any two different chains differ, and sorting ends the same from every start', () => {
    const chains = [
      renewed(world.founder, member, 2),
      renewed(world.founder, member, 2),
      renewed(world.admin, member, 9),
      renewed(world.admin, member, 1),
      member.chain,
    ]
    const sorted = chains.toSorted(compareChains).map((chain) => chain.hash)
    for (let turn = 0; turn < chains.length; turn++) {
      chains.push(chains.shift() as CertificateChain)
      expect(chains.toSorted(compareChains).map((chain) => chain.hash)).toEqual(sorted)
    }
    expect(new Set(sorted).size).toBe(5)
  })
})

it('a certificate is due for renewal when a third of its life has passed', () => {
  expect(renewalDueAtMs(member.chain.leaf)).toBe(NOW_MS + (7 * DAY_MS) / 3)
})
