import { beforeAll, describe, expect, it } from 'vitest'
import {
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../tests/helpers/security-world.ts'
import type { ServiceName } from '../domain/ids.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'
import {
  compareNodeRecords,
  decodeNodeRecord,
  MAX_NODE_RECORD_BYTES,
  type NodeRecord,
  type NodeRecordBody,
  signNodeRecord,
  verifyNodeRecord,
} from './node-record.ts'

let world: SecurityWorld
let member: TestNode

beforeAll(() => {
  world = securityWorld(8)
  member = world.member()
})

const record = (changes: Partial<NodeRecordBody> = {}): NodeRecord =>
  signNodeRecord(member.identity.key, {
    meshId: world.meshId,
    peerId: member.identity.peerId,
    incarnation: 1,
    seq: 1,
    addresses: ['/ip4/192.0.2.1/tcp/4001'],
    services: [{ name: 'files' as ServiceName, healthy: true }],
    version: '0.1.0',
    at: NOW_MS,
    ...changes,
  })

const judge = (of: NodeRecord, signer = member, nowMs = NOW_MS) =>
  verifyNodeRecord(of, signer.chain.leaf, nowMs)

describe('a node record', () => {
  it('verifies against the certificate of its node, after a trip over the wire', () => {
    const decoded = decodeNodeRecord(record().bytes)
    expect(decoded?.services).toEqual([{ name: 'files', healthy: true }])
    expect(decoded && judge(decoded)).toBe('valid')
  })

  it('is refused from another mesh, for another node, from the future, or when another node signed it', () => {
    const other = world.member()
    expect(judge(record({ meshId: securityWorld(9).meshId }))).toBe('wrong-mesh')
    expect(judge(record(), other)).toBe('wrong-peer')
    expect(judge(record({ at: NOW_MS + MAX_CLOCK_SKEW_MS + 1 }))).toBe('not-yet-valid')
    expect(judge(record({ peerId: other.identity.peerId }), other)).toBe('forged')
  })

  it('fits its 16 KiB with sixteen addresses and 256 services of full length refused, of common length taken', () => {
    const services = (length: number) =>
      Array.from({ length: 256 }, (_, index) => ({
        name: `${index}-${'s'.repeat(length)}`.slice(0, length) as ServiceName,
        healthy: true,
      }))
    const addresses = Array.from({ length: 16 }, (_, index) => `/ip4/192.0.2.${index}/tcp/4001`)
    expect(record({ addresses, services: services(16) }).bytes.length).toBeLessThanOrEqual(
      MAX_NODE_RECORD_BYTES,
    )
    expect(() => record({ addresses, services: services(63) })).toThrow(
      expect.objectContaining({ code: 'BAD_RECORD' }),
    )
  })

  it.each<[string, Partial<NodeRecordBody>]>([
    ['seventeen addresses', { addresses: Array.from({ length: 17 }, () => '/ip4/192.0.2.1/tcp/1') }],
    ['an address with a space', { addresses: ['/ip4/ 1'] }],
    ['a negative number', { seq: -1 }],
    ['a version with a line break', { version: '1\n2' }],
  ])('with %s is not signed', (_what, changes) => {
    expect(() => record(changes)).toThrow(expect.objectContaining({ code: 'BAD_RECORD' }))
  })

  it('is ordered by incarnation, then by number, then alike everywhere', () => {
    const [a, b] = [record({ version: 'a' }), record({ version: 'b' })]
    expect(
      compareNodeRecords(record({ incarnation: 2, seq: 0 }), record({ incarnation: 1, seq: 9 })),
    ).toBeGreaterThan(0)
    expect(compareNodeRecords(record({ seq: 2 }), record({ seq: 1 }))).toBeGreaterThan(0)
    expect(Math.sign(compareNodeRecords(a, b))).toBe(-Math.sign(compareNodeRecords(b, a)))
    expect(compareNodeRecords(a, b)).not.toBe(0)
    expect(compareNodeRecords(a, record({ version: 'a' }))).toBe(0)
  })
})
