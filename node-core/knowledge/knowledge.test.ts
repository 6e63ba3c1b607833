import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { membershipStoreCompliance } from '../../tests/helpers/membership-store-compliance.ts'
import type { InviteId, JoinId, NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import type { MembershipStore } from '../mesh/membership/store-port.ts'
import { silentLogger } from '../platform/logger.ts'
import type { ServiceStore } from '../services/ports.ts'
import { type Knowledge, openKnowledge } from './knowledge.ts'

let folder = ''
let path = ''
let opened: Knowledge[] = []
const open = (): Knowledge => {
  const knowledge = openKnowledge({ logger: silentLogger }, { path })
  opened.push(knowledge)
  return knowledge
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-knowledge-'))
  path = join(folder, 'knowledge.db')
})
afterEach(() => {
  for (const knowledge of opened) knowledge.close()
  opened = []
  rmSync(folder, { recursive: true, force: true })
})

const PEER = `12D3KooW${'A'.repeat(44)}` as PeerId
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

membershipStoreCompliance('the store on disk', () => {
  let knowledge = open()
  // The assignment is the check that the repositories fit what membership asks for.
  const store: MembershipStore = knowledge
  return {
    store,
    reopen: () => {
      knowledge.close()
      knowledge = open()
      return knowledge
    },
    close: () => knowledge.close(),
  }
})

describe('the store of services', () => {
  const name = 'web' as ServiceName

  it('keeps services and forwards over a restart, in order', () => {
    const before: ServiceStore = open()
    before.services.put({ name, host: '127.0.0.1', port: 8080, check: 'http:/health' })
    before.services.put({ name: 'db' as ServiceName, host: '::1', port: 5432, check: undefined })
    before.forwards.put({ host: '127.0.0.1', port: 9001, service: name, node: PEER })
    before.forwards.put({ host: '127.0.0.1', port: 9000, service: name, node: undefined })
    for (const port of [1081, 1080, 1081]) before.socks.put(port)
    const after: ServiceStore = open()
    expect(after.services.list()).toEqual([
      { name: 'db', host: '::1', port: 5432, check: undefined },
      { name, host: '127.0.0.1', port: 8080, check: 'http:/health' },
    ])
    expect(after.forwards.list()).toEqual([
      { host: '127.0.0.1', port: 9000, service: name, node: undefined },
      { host: '127.0.0.1', port: 9001, service: name, node: PEER },
    ])
    expect(after.socks.list()).toEqual([1080, 1081])
    expect([after.socks.remove(1080), after.socks.remove(1080)]).toEqual([true, false])
  })

  it('replaces by name and by port, and says whether there was something to remove', () => {
    const { services, forwards } = open()
    const row = { name, host: '127.0.0.1', port: 1, check: 'tcp' }
    services.put(row)
    services.put({ ...row, port: 2, check: undefined })
    expect(services.list()).toEqual([{ ...row, port: 2, check: undefined }])
    expect([services.remove(name), services.remove(name)]).toEqual([true, false])
    const forward = { host: '127.0.0.1', port: 9000, service: name, node: 'alpha' as NodeName }
    forwards.put(forward)
    forwards.put({ ...forward, node: undefined })
    expect(forwards.list()).toEqual([{ ...forward, node: undefined }])
    expect([forwards.remove(9000), forwards.remove(9000)]).toEqual([true, false])
  })
})

describe('the store of addresses', () => {
  it('keeps the few that worked last, newest first', () => {
    const { addresses } = open()
    for (let n = 0; n < 20; n += 1) addresses.remember(PEER, `/ip4/10.0.0.${n}/tcp/1`, n)
    addresses.remember(PEER, '/ip4/10.0.0.15/tcp/1', 100)
    const kept = addresses.of(PEER)
    expect(kept).toHaveLength(8)
    expect(kept.slice(0, 2)).toEqual(['/ip4/10.0.0.15/tcp/1', '/ip4/10.0.0.19/tcp/1'])
    addresses.remove(PEER)
    expect(addresses.of(PEER)).toEqual([])
  })
})

describe('the store of policies', () => {
  it('keeps the newest 500 versions', () => {
    const { policies } = open()
    for (let version = 1; version <= 510; version += 1) {
      policies.append({ version, acceptedAt: 1, policy: bytes(1) })
    }
    const versions = policies.history(1_000).map((row) => row.version)
    expect([versions[0], versions.at(-1), versions.length]).toEqual([510, 11, 500])
  })
})

describe('openKnowledge', () => {
  it('makes every file readable for its user alone, whatever the mode was', () => {
    const knowledge = open()
    knowledge.meta.set('key', 'value')
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(`${path}${suffix}`).mode & 0o777).toBe(0o600)
  })

  it('leaves one file behind when it is closed, and can be closed twice', () => {
    const knowledge = open()
    knowledge.meta.set('key', 'value')
    knowledge.close()
    knowledge.close()
    expect(existsSync(`${path}-wal`)).toBe(false)
    expect(() => knowledge.meta.get('key')).toThrow(
      expect.objectContaining({ fault: { code: 'STORE_CLOSED', path } }),
    )
  })

  it('forgets the join of an invite that is removed', () => {
    const { invites, joins } = open()
    const invite = 'inv-0123456789abcdef' as InviteId
    const id = 'join-0123456789abcdef' as JoinId
    const times = { createdAt: 1, expiresAt: 2 }
    const keys = { ed25519: bytes(1), mldsa: bytes(2), use: undefined, chain: undefined }
    invites.create({
      id: invite,
      role: 'none',
      labels: [],
      transit: false,
      needsApproval: true,
      ...times,
      ...keys,
    })
    const request = { peer: PEER, name: 'a' as NodeName, request: bytes(3), requestedAt: 1, expiresAt: 2 }
    joins.create({ id, invite, ...request, state: 'pending', decidedAt: undefined })
    invites.remove(invite)
    expect(joins.get(id)).toBeUndefined()
  })
})

describe('rows that have an order', () => {
  const steps = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 40 })
  const isHigher = (a: readonly [number, number], b: readonly [number, number]): boolean =>
    a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])

  it('never go back, in whatever order they come', () => {
    const { heads, nodeRecords } = open()
    let run = 0
    fc.assert(
      fc.property(steps, (pairs) => {
        run += 1
        const issuer = `issuer-${run}`
        const peer = `12D3KooW${run.toString(9).padStart(44, 'A').replaceAll('0', 'B')}` as PeerId
        let highest: readonly [number, number] = [-1, -1]
        for (const pair of pairs) {
          const expected = isHigher(pair, highest)
          expect(heads.put({ issuer, seq: pair[0], at: pair[1], head: bytes(...pair) })).toBe(expected)
          expect(nodeRecords.put({ peer, incarnation: pair[0], seq: pair[1], record: bytes(...pair) })).toBe(
            expected,
          )
          if (expected) highest = pair
        }
        const head = heads.all().find((row) => row.issuer === issuer)
        expect(head && [...head.head]).toEqual(pairs.length === 0 ? undefined : [...highest])
      }),
      { numRuns: 25 },
    )
  })
})
