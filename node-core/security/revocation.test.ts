import { beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS, NOW_MS, type SecurityWorld, securityWorld } from '../../tests/helpers/security-world.ts'
import type { PeerId } from '../domain/ids.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'
import {
  decodeHead,
  decodeRevocation,
  judgeHead,
  type RevocationSigner,
  type RevocationTrust,
  signHead,
  signRevocation,
  verifyHead,
  verifyRevocation,
} from './revocation.ts'

let world: SecurityWorld
let subject: PeerId
let authority: RevocationSigner
let admin: RevocationSigner

beforeAll(() => {
  world = securityWorld(10)
  subject = world.identity().peerId
  authority = { meshId: world.meshId, issuer: 'authority', key: world.authority.key }
  admin = { meshId: world.meshId, issuer: world.admin.identity.peerId, key: world.admin.identity.key }
})

const trust = (changes: Partial<RevocationTrust> = {}): RevocationTrust => ({
  meshId: world.meshId,
  authority: world.authority.key.publicKey,
  issuerCertificate: (peer) =>
    [world.founder, world.admin].map((node) => node.chain.leaf).find((leaf) => leaf.peerId === peer),
  nowMs: NOW_MS + 1_000,
  ...changes,
})
const what = (changes: Partial<Parameters<typeof signRevocation>[2]> = {}) => ({
  subject,
  reason: 'lost',
  at: NOW_MS,
  ...changes,
})

describe('a revocation', () => {
  it('is valid from the authority and from an issuing node', () => {
    for (const signer of [authority, admin]) {
      const decoded = decodeRevocation(signRevocation(signer, undefined, what()).bytes)
      expect(decoded?.subject).toBe(subject)
      expect(decoded && verifyRevocation(decoded, trust())).toBe('valid')
    }
  })

  it('is forged from anyone else', () => {
    const plain = world.member('admin')
    const stranger = { ...authority, key: plain.identity.key }
    expect(verifyRevocation(signRevocation(stranger, undefined, what()), trust())).toBe('forged')
    const own = { meshId: world.meshId, issuer: plain.identity.peerId, key: plain.identity.key }
    const entry = signRevocation(own, undefined, what())
    expect(verifyRevocation(entry, trust())).toBe('unknown-issuer')
    expect(verifyRevocation(entry, trust({ issuerCertificate: () => plain.chain.leaf }))).toBe('forged')
  })

  it('is forged from an admin that may not issue, or whose right to issue is not from the authority', () => {
    const idle = world.member('admin', 'authority')
    const claims = world.member('admin', world.founder)
    const judged = [idle.chain.leaf, { ...claims.chain.leaf, issuing: true }].map((leaf) => {
      const { key } = leaf.peerId === idle.identity.peerId ? idle.identity : claims.identity
      const entry = signRevocation({ meshId: world.meshId, issuer: leaf.peerId, key }, undefined, what())
      return verifyRevocation(entry, trust({ issuerCertificate: () => leaf }))
    })
    expect(judged).toEqual(['forged', 'forged'])
  })

  it('still counts when the certificate of its issuer has expired, but not when it was made after that', () => {
    const { expiresAt } = world.admin.chain.leaf
    const late = trust({ nowMs: expiresAt + 30 * DAY_MS })
    expect(verifyRevocation(signRevocation(admin, undefined, what()), late)).toBe('valid')
    const after = signRevocation(admin, undefined, what({ at: expiresAt + MAX_CLOCK_SKEW_MS + 1 }))
    expect(verifyRevocation(after, late)).toBe('forged')
  })

  it('is refused from another mesh and from the future', () => {
    const entry = signRevocation(authority, undefined, what({ at: NOW_MS + DAY_MS }))
    expect(verifyRevocation(entry, trust())).toBe('not-yet-valid')
    expect(verifyRevocation(entry, trust({ meshId: securityWorld(11).meshId }))).toBe('wrong-mesh')
  })

  it('is forged with any of its bytes changed', () => {
    const { bytes } = signRevocation(authority, undefined, what({ keep: ['0'.repeat(32)] }))
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      const entry = decodeRevocation(changed)
      if (entry !== undefined) expect(verifyRevocation(entry, trust()), `byte ${at}`).not.toBe('valid')
    }
  }, 30_000)

  it('is never taken for a head, nor a head for it', () => {
    const entry = signRevocation(authority, undefined, what())
    const head = signHead(authority, entry, NOW_MS)
    expect(decodeHead(entry.bytes)).toBeUndefined()
    expect(decodeRevocation(head.bytes)).toBeUndefined()
  })

  it('bounds what it carries', () => {
    const serials = Array.from({ length: 1_025 }, (_, index) => index.toString(16).padStart(32, '0'))
    expect(signRevocation(authority, undefined, what({ keep: serials.slice(1) })).keep).toHaveLength(1_024)
    for (const bad of [
      { keep: serials },
      { reason: 'x'.repeat(201) },
      { reason: 'line\nbreak' },
      { keep: ['z'] },
    ]) {
      expect(() => signRevocation(authority, undefined, what(bad))).toThrow(
        expect.objectContaining({ code: 'BAD_RECORD' }),
      )
    }
  })
})

describe('a head', () => {
  const first = () => signRevocation(authority, undefined, what())

  it('is valid from the owner of the log alone', () => {
    const decoded = decodeHead(signHead(authority, first(), NOW_MS).bytes)
    expect(decoded?.seq).toBe(1)
    expect(decoded && verifyHead(decoded, trust())).toBe('valid')
    const forged = signHead({ ...authority, key: world.admin.identity.key }, first(), NOW_MS)
    expect(verifyHead(forged, trust())).toBe('forged')
    expect(verifyHead(signHead(authority, undefined, NOW_MS + DAY_MS), trust())).toBe('not-yet-valid')
  })

  it('is taken only forward: by number, then by time', () => {
    const one = first()
    const two = signRevocation(authority, one, what())
    const [empty, low, high] = [undefined, one, two].map((last) => signHead(authority, last, NOW_MS))
    const fresher = signHead(authority, two, NOW_MS + 1)
    if (empty === undefined || low === undefined || high === undefined) throw new Error('no heads')
    expect(judgeHead(undefined, empty)).toBe('accepted')
    expect(judgeHead(empty, low)).toBe('accepted')
    expect(judgeHead(low, high)).toBe('accepted')
    expect(judgeHead(high, low)).toBe('stale')
    expect(judgeHead(high, empty)).toBe('stale')
    expect(judgeHead(high, fresher)).toBe('accepted')
    expect(judgeHead(fresher, high)).toBe('stale')
    expect(judgeHead(high, high)).toBe('stale')
  })

  it('convicts an issuer that shows two ends of one length', () => {
    const [left, right] = [
      signRevocation(authority, undefined, what()),
      signRevocation(authority, undefined, what({ reason: 'other' })),
    ]
    expect(judgeHead(signHead(authority, left, NOW_MS), signHead(authority, right, NOW_MS + 1))).toBe('fork')
  })
})
