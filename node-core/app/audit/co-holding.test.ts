import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { auditChange } from '../../../tests/helpers/audit-log.ts'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { NOW_MS, securityWorld, type TestNode } from '../../../tests/helpers/security-world.ts'
import type { PeerId } from '../../domain/ids.ts'
import { type Knowledge, openKnowledge } from '../../knowledge/knowledge.ts'
import { silentLogger } from '../../platform/logger.ts'
import { decodeAuditEntry } from '../../security/audit-entry.ts'
import { type AuditLog, createAuditLog } from './audit-log.ts'
import { createAuditShelf } from './audit-shelf.ts'
import { createCoHolding } from './co-holding.ts'
import { verifyLog } from './verify-log.ts'

const world = securityWorld(5)
const [ada, boris] = [world.member('operator'), world.member('viewer')]
const clock = createManualClock(NOW_MS)
const { signal } = new AbortController()

interface Place {
  readonly node: TestNode
  readonly path: string
  knowledge: Knowledge
  log: AuditLog
}

let dir: string
let places: readonly [Place, Place]
const conflicts: string[] = []

const open = (path: string): Knowledge => openKnowledge({ logger: silentLogger }, { path })
const logOf = (node: TestNode, knowledge: Knowledge): AuditLog =>
  createAuditLog(
    { clock, random: world.random, logger: silentLogger, knowledge, identity: node.identity },
    { meshId: world.meshId, nodeName: node.chain.leaf.name },
  )

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'x0t-coheld-'))
  conflicts.length = 0
  const place = async (node: TestNode): Promise<Place> => {
    const path = join(dir, `${node.identity.peerId}.db`)
    const knowledge = open(path)
    const log = logOf(node, knowledge)
    await log.start()
    return { node, path, knowledge, log }
  }
  places = [await place(ada), await place(boris)]
})
afterEach(async () => {
  for (const { log, knowledge } of places) {
    await log.stop()
    knowledge.close()
  }
  rmSync(dir, { recursive: true })
})

const certificateOf = (peer: PeerId) =>
  [ada, boris].find(({ identity }) => identity.peerId === peer)?.chain.leaf
const shelfOf = ({ knowledge }: Place) =>
  createAuditShelf({
    ...{ clock, knowledge, onConflict: (_peer, seq) => conflicts.push(`entry ${seq}`) },
    membership: { meshId: world.meshId, standing: () => 'member', certificateOf },
  })

/** Each way between the two, without a network: what one says the other's shelf answers. */
const exchangeOf = (from: Place, to: Place) => ({
  offer: async (_peer: PeerId, head: Uint8Array) => shelfOf(to).hold(from.node.identity.peerId, head),
  askHeld: async (_peer: PeerId, of: PeerId) => shelfOf(to).held(of),
  askPage: async (_peer: PeerId, after: number) => shelfOf(to).page(from.node.identity.peerId, after),
})

const verify = (at: Place, other: Place, of: TestNode) =>
  verifyLog(
    {
      ...{ clock, knowledge: at.knowledge, auditExchange: exchangeOf(at, other) },
      membership: {
        ...{ self: at.node.identity.peerId, meshId: world.meshId, certificateOf },
        members: () =>
          [ada, boris].map(({ identity, chain }) => ({
            ...{ peer: identity.peerId, certificate: chain.leaf, standing: 'member', record: undefined },
          })),
      },
      routing: { pathsTo: () => [] },
    },
    of.identity.peerId,
    signal,
  )

async function coHold(from: Place, to: Place): Promise<void> {
  const holding = createCoHolding({
    ...{ clock, logger: silentLogger, log: from.log, exchange: exchangeOf(from, to) },
    neighbours: {
      peers: () => [to.node.identity.peerId],
      onConnect: () => () => {},
      onDisconnect: () => () => {},
    },
  })
  await holding.start()
  const hash = (): string | undefined => from.log.head()?.hash
  await eventually('the neighbour holds the head', () =>
    to.knowledge.heldAuditHeads.of(from.node.identity.peerId).some((row) => row.hash === hash()),
  )
  await holding.stop()
}

const append = (log: AuditLog, count: number): void => {
  for (let index = 1; index <= count; index++) log.append(auditChange(index))
}

/** As whoever holds the machine would: into the file, while the node does not look. */
async function tamper(place: Place, change: (file: Database.Database) => void): Promise<void> {
  await place.log.stop()
  place.knowledge.close()
  const file = new Database(place.path)
  change(file)
  file.close()
  place.knowledge = open(place.path)
  place.log = logOf(place.node, place.knowledge)
  await place.log.start()
}

describe('a log whose ends a neighbour holds', () => {
  it('is found whole, from both sides', async () => {
    const [one, two] = places
    append(one.log, 5)
    await coHold(one, two)
    const own = await verify(one, two, ada)
    expect(own).toMatchObject({ findings: [], entries: 6, first: 1, last: 6, vouched: 1 })
    expect(own.holders).toMatchObject([{ node: boris.chain.leaf.name, heads: 1 }])
    expect(await verify(two, one, ada)).toMatchObject({ findings: [], entries: 6, vouched: 1 })
  })

  it('is found rewritten when the owner of its key signs another one, also by the neighbour alone', async () => {
    const [one, two] = places
    append(one.log, 5)
    await coHold(one, two)
    await tamper(one, (file) => file.exec('DELETE FROM audit_entries; DELETE FROM audit_head'))
    const chain = decodeAuditEntry(one.knowledge.audit.last()?.entry ?? new Uint8Array())?.chain
    append(one.log, 5)
    expect(chain).toBeDefined()
    for (const [at, other] of [
      [one, two],
      [two, one],
    ] as const) {
      const { findings } = await verify(at, other, ada)
      expect(findings).toMatchObject([{ kind: 'rewritten', from: 1, to: 6 }])
      expect(findings[0]?.text).toContain(boris.chain.leaf.name)
    }
  })

  it('that lost its newest entries goes on as another one, and what was lost is named', async () => {
    const [one, two] = places
    append(one.log, 3)
    const before = one.knowledge.audit.head()
    append(one.log, 3)
    await coHold(one, two)
    await tamper(one, (file) => {
      file.exec('DELETE FROM audit_entries WHERE seq > 4')
      file.prepare('UPDATE audit_head SET head = ?').run(before)
    })
    expect(one.knowledge.audit.last()?.seq).toBe(4)
    await coHold(one, two)
    expect(decodeAuditEntry(one.knowledge.audit.last()?.entry ?? new Uint8Array())).toMatchObject({
      ...{ seq: 5, operation: 'audit.continued' },
    })
    append(one.log, 4)
    await coHold(one, two)
    expect((await verify(one, two, ada)).findings).toMatchObject([{ kind: 'restored', from: 5, to: 7 }])
    expect(one.knowledge.audit.last()?.seq).toBe(9)
    expect(conflicts).toEqual([])
  })

  it('convicts its node when two ends of one number are signed', async () => {
    const [one, two] = places
    append(one.log, 2)
    await coHold(one, two)
    const old = one.knowledge.audit.get(2)
    await tamper(one, (file) => file.exec('DELETE FROM audit_entries WHERE seq > 2'))
    expect(old).toBeDefined()
    one.log.append({ ...auditChange(9), operation: 'node.down' })
    const head = one.log.head()
    if (head === undefined) throw new Error('it has entries')
    expect(shelfOf(two).hold(ada.identity.peerId, head.bytes)).toBeDefined()
    expect(conflicts).toEqual(['entry 3'])
  })

  it('is shown to members with a role alone, and heads that others signed are not held', async () => {
    const [one, two] = places
    append(one.log, 1)
    const head = one.log.head()
    if (head === undefined) throw new Error('it has entries')
    expect(shelfOf(two).hold(boris.identity.peerId, head.bytes)).toBeUndefined()
    expect(shelfOf(two).hold(ada.identity.peerId, head.bytes.slice(1))).toBeUndefined()
    expect(two.knowledge.heldAuditHeads.of(ada.identity.peerId)).toEqual([])
    const plain = createAuditShelf({
      ...{ clock, knowledge: one.knowledge, onConflict: () => {} },
      membership: {
        ...{ meshId: world.meshId, standing: () => 'member' as const },
        certificateOf: () => world.member('none').chain.leaf,
      },
    })
    expect(plain.page(boris.identity.peerId, 0)).toBeUndefined()
  })

  it('forgets what is old and says so, and stays whole', async () => {
    const [one, two] = places
    append(one.log, 4)
    await one.log.stop()
    clock.advance(401 * 86_400_000)
    one.log = logOf(one.node, one.knowledge)
    await one.log.start()
    append(one.log, 1)
    expect(one.knowledge.audit.first()?.seq).toBe(6)
    expect(await verify(one, two, ada)).toMatchObject({ findings: [], first: 6, last: 7 })
  })
})
