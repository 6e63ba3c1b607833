import { createRouterClient, ORPCError } from '@orpc/server'
import { describe, expect, it } from 'vitest'
import { INCIDENT_ID } from '../../tests/helpers/fake-incidents.ts'
import { createFakeNode, JOIN_ID } from '../../tests/helpers/fake-node-api.ts'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { contract } from '../contract/contract.ts'
import { errorDocumentSchema } from '../contract/errors.ts'
import { planIdSchema } from '../contract/heal-schemas.ts'
import { ROLES, type Role } from '../domain/role.ts'
import { systemClock } from '../platform/clock.ts'
import { FaultError } from '../platform/error.ts'
import { type LogFields, type Logger, silentLogger } from '../platform/logger.ts'
import { roleThatFallsShort } from './gate.ts'
import { createRouter } from './router.ts'

const PLAN_ID = planIdSchema.parse('plan-0123456789abcdef')

function setUp(caller: Role = 'owner', logger = silentLogger, clock = systemClock) {
  const fake = createFakeNode()
  const stopping = new AbortController()
  const router = createRouter({ api: fake.api, clock, logger })
  const client = createRouterClient(router, {
    context: { caller: { via: 'local-socket', role: caller }, stopping: stopping.signal },
  })
  /** One call of every operation, with an input that it accepts. */
  const calls: Record<string, () => Promise<unknown>> = {
    'node.status': () => client.node.status(),
    'node.check': () => client.node.check({ check: 'live' }),
    'node.version': () => client.node.version(),
    'node.ping': () => client.node.ping({ node: 'server', timeoutMs: 100 }),
    'node.down': () => client.node.down(),
    'node.leave': () => client.node.leave(),
    'members.list': () => client.members.list(),
    'members.revoke': () => client.members.revoke({ node: 'server' }),
    'members.update': () =>
      client.members.update({ node: 'server', name: null, role: null, labels: ['a'], transit: null }),
    'members.grantIssuing': () => client.members.grantIssuing({ node: 'server', forMs: 86_400_000 }),
    'node.netcheck': () => client.node.netcheck(),
    'routes.list': () => client.routes.list({ node: null }),
    'routes.trace': () => client.routes.trace({ node: 'server' }),
    'series.list': () => client.series.list(),
    'series.query': () =>
      client.series.query({ key: 'mesh.reachable/mesh', from: 0, until: 9, maxPoints: 10, resolution: null }),
    'topology.at': () => client.topology.at({ at: 5 }),
    'topology.changes': () => client.topology.changes({ from: 0, until: 9, limit: 10 }),
    'slo.get': () => client.slo.get({ windowMs: null }),
    'links.list': () => client.links.list(),
    'invites.create': () => client.invites.create({ role: 'viewer', expiresMs: 60_000, approve: false }),
    'joins.list': () => client.joins.list(),
    'joins.approve': () => client.joins.approve({ id: JOIN_ID }),
    'joins.reject': () => client.joins.reject({ id: JOIN_ID }),
    'incidents.list': () => client.incidents.list({ open: true, limit: 10 }),
    'incidents.get': () => client.incidents.get({ id: INCIDENT_ID }),
    'incidents.acknowledge': () => client.incidents.acknowledge({ id: INCIDENT_ID }),
    'incidents.own': () => client.incidents.own({ id: INCIDENT_ID, owner: 'ada' }),
    'incidents.note': () => client.incidents.note({ id: INCIDENT_ID, text: 'seen' }),
    'incidents.silence': () => client.incidents.silence({ id: INCIDENT_ID, forMs: 60_000 }),
    'incidents.resolve': () => client.incidents.resolve({ id: INCIDENT_ID, reason: 'repaired' }),
    'alerts.list': () => client.alerts.list(),
    'alerts.test': () => client.alerts.test({ name: 'ops' }),
    'metrics.show': () => client.metrics.show(),
    'log.show': () => client.log.show(),
    'log.set': () => client.log.set({ level: 'debug', forMs: null }),
    'heal.status': () => client.heal.status(),
    'heal.pause': () => client.heal.pause({ reason: 'a move' }),
    'heal.resume': () => client.heal.resume(),
    'heal.why': () => client.heal.why({ id: PLAN_ID }),
    'plans.list': () => client.plans.list({ waiting: true }),
    'plans.show': () => client.plans.show({ id: PLAN_ID }),
    'plans.approve': () => client.plans.approve({ id: PLAN_ID, comment: null }),
    'plans.reject': () => client.plans.reject({ id: PLAN_ID, comment: null }),
    'plans.undo': () => client.plans.undo({ id: PLAN_ID }),
    'playbooks.list': () => client.playbooks.list(),
    'playbooks.show': () => client.playbooks.show({ playbook: 'quarantine-a-peer' }),
    'playbooks.test': () => client.playbooks.test({ document: '', file: 'a.yaml', against: null }),
    'playbooks.set': () => client.playbooks.set({ playbook: 'quarantine-a-peer', enabled: false }),
    'playbooks.save': () => client.playbooks.save({ document: 'x0t: 1' }),
    'playbooks.remove': () => client.playbooks.remove({ playbook: 'quarantine-a-peer' }),
    'playbooks.forget': () => client.playbooks.forget({ playbook: null }),
    'policy.show': () => client.policy.show({ number: null }),
    'policy.history': () => client.policy.history(),
    'policy.review': () => client.policy.review({ document: 'version: 1' }),
    'policy.apply': () => client.policy.apply({ document: 'version: 1', basedOn: null }),
    'policy.can': () => client.policy.can({ who: 'server', action: 'transit', service: null, at: 'laptop' }),
    'policy.flags': () => client.policy.flags(),
    'audit.list': () =>
      client.audit.list({
        ...{
          before: null,
          limit: 10,
          since: null,
          until: null,
          operation: null,
          actor: null,
          correlation: null,
        },
      }),
    'audit.show': () => client.audit.show({ seq: 1 }),
    'audit.verify': () => client.audit.verify({ node: null }),
    'audit.export': () => client.audit.export({ after: null, limit: 10 }),
    'services.list': () => client.services.list(),
    'services.expose': () => client.services.expose({ name: 'db', target: 'localhost:5432', check: 'tcp' }),
    'services.unexpose': () => client.services.unexpose({ name: 'web' }),
    'forwards.list': () => client.forwards.list(),
    'forwards.add': () => client.forwards.add({ port: 8080, service: 'web', node: null }),
    'forwards.remove': () => client.forwards.remove({ port: 8080 }),
    'socks.list': () => client.socks.list(),
    'socks.add': () => client.socks.add({ port: 1080 }),
    'socks.remove': () => client.socks.remove({ port: 1080 }),
    'events.subscribe': async () => (await client.events.subscribe({ topics: ['node'] })).return(),
    'topology.show': () => client.topology.show(),
    'setup.state': () => client.setup.state(),
    'setup.create': () => client.setup.create({ mesh: 'home', name: 'laptop', passphrase: null }),
    'setup.readToken': () => client.setup.readToken({ token: 'x0t1aaaa' }),
    'setup.join': () => client.setup.join({ token: 'x0t1aaaa', name: 'laptop', passphrase: null }),
    'setup.openLab': () => client.setup.openLab(),
    'config.show': () => client.config.show(),
    'config.validate': () => client.config.validate({ text: '' }),
    'config.preview': () => client.config.preview({ text: '' }),
    'config.export': () => client.config.export({ format: 'yaml', passphrase: null }),
    'config.import': () => client.config.import({ text: '', base: 'a'.repeat(64) }),
    'config.history': () => client.config.history(),
    'config.diff': () => client.config.diff({ from: 1, to: null }),
    'config.rollback': () => client.config.rollback({ version: 1, base: 'a'.repeat(64) }),
    'console.link': () => client.console.link({ role: null }),
    'console.sessions': () => client.console.sessions(),
    'console.signOut': () => client.console.signOut({ id: 'web-0123456789abcdef' }),
  }
  return { ...fake, client, calls, stopping }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'ok'
  } catch (error) {
    expect(error).toBeInstanceOf(ORPCError)
    if (!(error instanceof ORPCError)) throw error
    expect(error.defined, error.message).toBe(true)
    expect(errorDocumentSchema.shape.error.shape.code.safeParse(error.code).success).toBe(true)
    return error.code === 'FAULT' ? `FAULT ${error.data.code}` : error.code
  }
}

const metaOf = (operation: string) => {
  const [group = '', name = ''] = operation.split('.')
  const procedure = Object.entries(Object.entries(contract).find(([key]) => key === group)?.[1] ?? {}).find(
    ([key]) => key === name,
  )?.[1]
  if (procedure === undefined) throw new Error(`no operation ${operation}`)
  return procedure['~orpc'].meta
}

describe('the roles', () => {
  it('serves an operation exactly from the role that it names upwards, at this node', async () => {
    for (const caller of ROLES) {
      const { calls } = setUp(caller)
      for (const [operation, call] of Object.entries(calls)) {
        const allowed = ROLES.indexOf(caller) <= ROLES.indexOf(metaOf(operation).role)
        expect((await codeOf(call())) === 'FORBIDDEN', `${caller} calls ${operation}`).toBe(!allowed)
      }
    }
  })

  it('asks for the role in the certificate as well where an operation acts on the whole mesh', async () => {
    for (const certificate of ROLES) {
      const { calls, state } = setUp('owner')
      state.certificateRole = certificate
      for (const [operation, call] of Object.entries(calls)) {
        const { role, scope } = metaOf(operation)
        const allowed = scope === 'node' || ROLES.indexOf(certificate) <= ROLES.indexOf(role)
        expect((await codeOf(call())) === 'FORBIDDEN', `${certificate} node, ${operation}`).toBe(!allowed)
      }
    }
  })

  it('judges before the node hears of the call, and before the input is looked at', async () => {
    const { client, state } = setUp('viewer')
    expect(await codeOf(client.members.revoke({ node: '--not a name--' }))).toBe('FORBIDDEN')
    expect(state.calls).toEqual([])
  })

  it('has a call in this test for every operation of the contract', () => {
    const operations = Object.entries(contract).flatMap(([group, members]) =>
      Object.keys(members).map((name) => `${group}.${name}`),
    )
    expect(Object.keys(setUp().calls).sort()).toEqual(operations.sort())
  })

  it('needs both roles for a mesh-wide operation', () => {
    const meta = { role: 'admin', scope: 'mesh', effect: 'change' } as const
    expect(roleThatFallsShort(meta, 'owner', 'viewer')).toBe('viewer')
    expect(roleThatFallsShort(meta, 'viewer', 'owner')).toBe('viewer')
    expect(roleThatFallsShort(meta, 'admin', 'admin')).toBeUndefined()
  })
})

describe('errors', () => {
  it('carries code, message and hint of a fault, and nothing of its cause', async () => {
    const { client, state } = setUp()
    state.failure = new FaultError({ code: 'DISK_FULL' }, 'no space left', {
      hint: 'Free some.',
      cause: new Error('/secret/path'),
    })
    const error = await client.node.status().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'FAULT',
      message: 'no space left',
      data: { code: 'DISK_FULL', hint: 'Free some.' },
    })
    expect(JSON.stringify(error)).not.toContain('/secret/path')
    expect(error).toBeInstanceOf(ORPCError)
    expect(error instanceof Error && error.cause).toBeUndefined()
  })

  it('says of an unexpected error only that there was one, and logs it', async () => {
    const lines: { message: string; fields: LogFields | undefined }[] = []
    const logger: Logger = { ...silentLogger, error: (message, fields) => lines.push({ message, fields }) }
    const { client, state } = setUp('owner', logger)
    state.failure = new TypeError('cannot read properties of undefined, secret=hunter2')
    const error = await client.node.status().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'INTERNAL', status: 500 })
    expect(JSON.stringify(error)).not.toMatch(/hunter2|at /)
    expect(lines).toHaveLength(1)
    expect(lines[0]?.fields).toMatchObject({
      operation: 'node.status',
      stack: expect.stringContaining('TypeError'),
    })
  })

  it('names the field of an input that is not valid', async () => {
    const { client } = setUp()
    const error = await client.services
      .expose({ name: 'web', target: 'nowhere', check: null })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'INVALID_INPUT', data: { issues: [{ path: 'target' }] } })
  })

  it('refuses fields that the operation does not know', async () => {
    const { client } = setUp()
    const input = { id: JOIN_ID, force: true }
    expect(await codeOf(client.joins.approve(input))).toBe('INVALID_INPUT')
  })

  it('does not let out an answer that is not in the contract', async () => {
    const { client, state } = setUp()
    state.node = { ...state.node, version: JSON.parse('7') }
    expect(await codeOf(client.node.status())).toBe('INTERNAL')
  })

  it('ends an operation that takes too long, and aborts it', async () => {
    const clock = createManualClock()
    const fake = createFakeNode()
    let seen: AbortSignal | undefined
    const api = {
      ...fake.api,
      links: {
        list: (options: { signal: AbortSignal }): Promise<never> => {
          seen = options.signal
          return new Promise(() => {})
        },
      },
    }
    const router = createRouter({ api, clock, logger: silentLogger })
    const client = createRouterClient(router, {
      context: { caller: { via: 'local-socket', role: 'owner' }, stopping: new AbortController().signal },
    })
    const result = codeOf(client.links.list())
    await expect.poll(() => seen).toBeDefined()
    clock.advance(60_000)
    expect(await result).toBe('FAULT TIMEOUT')
    expect(seen?.aborted).toBe(true)
  })

  it('aborts what runs when the server stops', async () => {
    const { client, stopping, state } = setUp()
    stopping.abort()
    expect(await codeOf(client.node.status())).toBe('FAULT ABORTED')
    expect(state.calls).toEqual([])
  })
})
