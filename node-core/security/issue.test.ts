import { beforeAll, describe, expect, it } from 'vitest'
import {
  DAY_MS,
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../tests/helpers/security-world.ts'
import type { MeshId } from '../domain/ids.ts'
import { type CertificateGrant, issueCertificate } from './issue.ts'

let world: SecurityWorld
beforeAll(() => {
  world = securityWorld(4)
})

const issue = (by: TestNode, changes: Partial<CertificateGrant>) =>
  issueCertificate(
    world,
    { kind: 'node', key: by.identity.key, chain: by.chain },
    world.grant(world.identity(), changes),
  )

describe('issueCertificate', () => {
  it('cuts the expiry to that of the issuer', () => {
    const chain = issue(world.founder, { expiresAt: NOW_MS + 30 * DAY_MS })
    expect(chain.leaf.expiresAt).toBe(world.founder.chain.leaf.expiresAt)
  })

  it('sorts labels and drops repeats, so that one set has one encoding', () => {
    expect(issue(world.founder, { labels: ['gpu', 'a=b', 'gpu'] }).leaf.labels).toEqual(['a=b', 'gpu'])
  })

  it('gives each certificate a serial of its own', () => {
    const serials = [1, 2, 3].map(() => issue(world.founder, {}).leaf.serial)
    expect(new Set(serials).size).toBe(3)
    expect(serials[0]).toMatch(/^[0-9a-f]{32}$/)
  })

  it.each<[string, () => unknown]>([
    ['role-not-below-issuer', () => issue(world.admin, { role: 'owner' })],
    ['role-not-below-issuer', () => issue(world.admin, { role: 'admin' })],
    ['role-not-below-issuer', () => issue(world.founder, { role: 'owner' })],
    ['issuing-is-the-authority-s', () => issue(world.founder, { issuing: true })],
    ['issuer-may-not-issue', () => issue(world.member('admin', 'authority'), {})],
    ['issuer-may-not-issue', () => issue(world.member('admin', world.founder), { role: 'viewer' })],
    [
      'issuer-expired',
      () => issue(world.founder, { issuedAt: NOW_MS + 7 * DAY_MS, expiresAt: NOW_MS + 8 * DAY_MS }),
    ],
    ['other-mesh', () => issue(world.founder, { meshId: 'f'.repeat(64) as MeshId })],
    ['own-certificate', () => issue(world.founder, { peerId: world.founder.identity.peerId })],
  ])('refuses: %s', (refusal, attempt) => {
    expect(attempt).toThrow(expect.objectContaining({ fault: { code: 'CANNOT_ISSUE', refusal } }))
  })

  it.each<[string, Partial<CertificateGrant>]>([
    ['a label out of its alphabet', { labels: ['Not A Label'] }],
    ['too many labels', { labels: Array.from({ length: 17 }, (_, index) => `l${index}`) }],
    ['a life that ends before it begins', { expiresAt: NOW_MS }],
    ['generation 0', { generation: 0 }],
    ['a fraction of a millisecond', { issuedAt: NOW_MS + 0.5 }],
    ['a short key', { mldsaPublicKey: new Uint8Array(10) }],
  ])('refuses to sign %s', (_what, changes) => {
    expect(() => issue(world.founder, changes)).toThrow(expect.objectContaining({ code: 'BAD_RECORD' }))
  })

  it('refuses a node whose right to issue is not from the authority', () => {
    const node = world.member('admin', world.founder)
    const chain = { ...node.chain, leaf: { ...node.chain.leaf, issuing: true } }
    expect(() => issue({ ...node, chain }, { role: 'viewer' })).toThrow(
      expect.objectContaining({ fault: { code: 'CANNOT_ISSUE', refusal: 'issuer-may-not-issue' } }),
    )
  })

  it('refuses a life of more than a year even of the authority', () => {
    const grant = world.grant(world.identity(), { expiresAt: NOW_MS + 367 * DAY_MS })
    expect(() => issueCertificate(world, { kind: 'authority', key: world.authority.key }, grant)).toThrow(
      expect.objectContaining({ code: 'BAD_RECORD' }),
    )
  })
})
