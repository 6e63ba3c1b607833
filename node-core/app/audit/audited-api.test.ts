import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { INCIDENT_ID } from '../../../tests/helpers/fake-incidents.ts'
import { createFakeNode, SERVER } from '../../../tests/helpers/fake-node-api.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { securityWorld } from '../../../tests/helpers/security-world.ts'
import { joinIdSchema, serviceNameSchema } from '../../contract/schemas.ts'
import type { Caller, CallOptions } from '../../control/node-api.ts'
import type { PlanId } from '../../domain/ids.ts'
import { type Knowledge, openKnowledge } from '../../knowledge/knowledge.ts'
import { FaultError } from '../../platform/error.ts'
import { silentLogger } from '../../platform/logger.ts'
import { type AuditEntry, decodeAuditEntry } from '../../security/audit-entry.ts'
import { createSpanLine, type FinishedSpan } from '../telemetry/span-line.ts'
import { type AuditLog, createAuditLog } from './audit-log.ts'
import { auditText } from './audit-text.ts'
import { createActionAudit } from './audited-actions.ts'
import { auditedApi, changingOperations } from './audited-api.ts'
import { SNAPSHOTS } from './snapshots.ts'

const world = securityWorld(3)
const node = world.member()
const web = serviceNameSchema.parse('web')
const spans = createSpanLine({ clock: createManualClock() })

let dir: string
let knowledge: Knowledge
let log: AuditLog
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'x0t-audited-'))
  knowledge = openKnowledge({ logger: silentLogger }, { path: join(dir, 'knowledge.db') })
  log = await startLog()
})
afterEach(async () => {
  await log.stop()
  knowledge.close()
  rmSync(dir, { recursive: true })
})

async function startLog(): Promise<AuditLog> {
  const made = createAuditLog(
    {
      clock: createManualClock(),
      random: world.random,
      logger: silentLogger,
      knowledge,
      identity: node.identity,
    },
    { meshId: world.meshId, nodeName: 'laptop' },
  )
  await made.start()
  return made
}

const entries = (): AuditEntry[] =>
  knowledge.audit.after(0, 99).flatMap(({ entry }) => decodeAuditEntry(entry) ?? [])
const options = (caller: Caller): CallOptions => ({ caller, signal: new AbortController().signal })
const SOCKET: Caller = { via: 'local-socket', role: 'owner' }
const MEMBER: Caller = { via: 'mesh', role: 'admin', peer: SERVER }

function audited() {
  const fake = createFakeNode()
  const api = auditedApi(
    fake.api,
    {
      ...{ logger: silentLogger, spans },
      lookAt: (operation) =>
        operation.startsWith('services.')
          ? () => fake.state.services.filter(({ local }) => local).map(({ name }) => name)
          : undefined,
      nameOf: () => 'server',
      incidentOf: () => undefined,
    },
    log,
  )
  return { ...fake, api }
}

describe('a change', () => {
  it('is entered with who asked for it, as what, and what was there before and after', async () => {
    const { api } = audited()
    await api.services.expose({ name: web, target: '127.0.0.1:80', check: null }, options(SOCKET))
    await api.services.unexpose({ name: web }, options(MEMBER))
    const [begun, exposed, unexposed] = entries()
    expect(begun).toMatchObject({ seq: 1, operation: 'audit.begun', actor: { kind: 'node' } })
    expect(exposed).toMatchObject({
      ...{
        seq: 2,
        operation: 'services.expose',
        role: 'owner',
        outcome: 'done',
        before: '[]',
        after: '["web"]',
      },
      actor: { kind: 'person', via: 'local-socket', peer: null },
      input: '{"name":"web","target":"127.0.0.1:80","check":null}',
    })
    expect(exposed?.actor.name).not.toBe('')
    expect(unexposed).toMatchObject({
      ...{ operation: 'services.unexpose', role: 'admin', before: '["web"]', after: '[]' },
      actor: { kind: 'member', name: 'server', via: 'mesh', peer: SERVER },
    })
    expect(exposed?.correlation).toMatch(/^cor-[0-9a-f]{16}$/)
    expect(unexposed?.correlation).not.toBe(exposed?.correlation)
  })

  it('is a span by the same correlation for whoever follows', async () => {
    const { api } = audited()
    const finished: FinishedSpan[] = []
    const off = spans.events.on('finished', (span) => finished.push(span))
    await api.services.expose({ name: web, target: '127.0.0.1:80', check: null }, options(SOCKET))
    off()
    await api.services.unexpose({ name: web }, options(SOCKET))
    expect(finished).toMatchObject([{ name: 'x0t.operation', problem: undefined }])
    expect(finished[0]?.attributes).toEqual({
      ...{ 'x0t.operation': 'services.expose', 'x0t.via': 'local-socket' },
      'x0t.correlation_id': entries().find(({ operation }) => operation === 'services.expose')?.correlation,
    })
  })

  it('of an incident has the name of the incident, and one that failed says how', async () => {
    const { api, state } = audited()
    await api.incidents.note(
      { id: INCIDENT_ID, text: 'seen' },
      options({ via: 'web', role: 'operator', session: 'web-1' }),
    )
    state.failure = new FaultError({ code: 'LOG_BEHIND' }, 'not now')
    await expect(api.heal.resume(options(SOCKET))).rejects.toThrow('not now')
    expect(entries().slice(1)).toMatchObject([
      {
        operation: 'incidents.note',
        correlation: INCIDENT_ID,
        actor: { kind: 'person', name: 'web-1', via: 'web' },
      },
      { operation: 'heal.resume', outcome: 'failed', detail: 'LOG_BEHIND', input: '{}' },
    ])
  })

  it('is not begun where it cannot be written down, unless it only stops or pauses', async () => {
    const { api, state } = audited()
    knowledge.close()
    await expect(api.services.unexpose({ name: web }, options(SOCKET))).rejects.toThrow()
    expect(state.calls).toEqual([])
    await api.node.down(options(SOCKET))
    expect(state.calls).toEqual(['node.down'])
  })

  it('that a crash cut off is entered as interrupted at the next start', async () => {
    const { api } = audited()
    let release = (): void => {}
    const stuck = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = auditedApi(
      {
        ...api,
        joins: { ...api.joins, approve: async () => stuck.then(() => Promise.reject(new Error('late'))) },
      },
      {
        ...{ logger: silentLogger, spans },
        ...{ lookAt: () => undefined, nameOf: () => undefined, incidentOf: () => undefined },
      },
      log,
    )
    const call = slow.joins.approve({ id: joinIdSchema.parse('join-0123456789abcdef') }, options(SOCKET))
    await log.stop()
    log = await startLog()
    expect(entries().at(-1)).toMatchObject({ operation: 'joins.approve', outcome: 'interrupted', seq: 2 })
    release()
    await expect(call).rejects.toThrow('late')
  })

  it('of every kind in the contract has its look at what it changes, and reads leave no trace', async () => {
    expect(Object.keys(SNAPSHOTS).sort()).toEqual(
      changingOperations.map(([group, name]) => `${group}.${name}`).sort(),
    )
    const { api } = audited()
    await api.services.list(options(SOCKET))
    await api.node.status(options(SOCKET))
    expect(entries()).toHaveLength(1)
  })
})

describe('an action of a loop', () => {
  const order = {
    ...{ plan: 'plan-0123456789abcdef' as PlanId, incident: INCIDENT_ID, step: 's1', key: 'k', args: {} },
    ...{ action: 'reroute' as const, target: SERVER, isResumed: false },
    subject: { kind: 'node' as const, peer: SERVER },
  }
  const act = () => createActionAudit(log, { certificateOf: () => world.founder.chain.leaf })

  it('is entered under its incident where it changed something or broke off', async () => {
    await act()(SERVER, order, async () => ({ changed: true, text: 'led away' }))
    await act()(SERVER, order, async () => ({ changed: false, text: 'nothing to do' }))
    await act()(SERVER, { ...order, action: 'wait' }, async () => ({ changed: true, text: 'waited' }))
    const broken = act()(SERVER, order, async () => Promise.reject(new Error('no way')))
    await expect(broken).rejects.toThrow('no way')
    expect(entries().slice(1)).toMatchObject([
      {
        ...{ operation: 'action.reroute', correlation: INCIDENT_ID, outcome: 'done', detail: 'led away' },
        actor: { kind: 'loop', peer: SERVER },
      },
      { operation: 'action.reroute', outcome: 'failed', detail: 'no way' },
    ])
    expect(knowledge.audit.begun()).toEqual([])
  })
})

describe('the text of an entry', () => {
  it('holds no secret, and of a document only its hash', () => {
    const text = auditText({
      ...{ passphrase: 'a b c', token: 'x0t1abc', nested: { webhookSecret: 'shh', text: 'listen: []' } },
      ...{ name: 'web', note: 'n'.repeat(1_001), count: 3, nothing: null },
    })
    expect(text).not.toMatch(/a b c|x0t1abc|shh|listen|nnn/)
    expect(JSON.parse(text ?? '')).toMatchObject({ name: 'web', count: 3, nothing: null, token: '[hidden]' })
    expect(JSON.parse(text ?? '').nested.text).toMatch(/^\[10 characters, sha256 [0-9a-f]{64}\]$/)
    const long = auditText(Array.from({ length: 2_000 }, (_none, at) => at))
    expect(long?.length).toBeLessThan(8_192)
    expect([auditText(null), auditText(undefined)]).toEqual([null, null])
  })
})
