import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type CliHome, type CliOptions, createCliHome, documentOf } from '../../tests/helpers/cli-process.ts'
import { INCIDENT_ID } from '../../tests/helpers/fake-incidents.ts'
import { JOIN_ID, PHONE, SERVER, TOKEN } from '../../tests/helpers/fake-node-api.ts'
import { errorDocumentSchema } from '../contract/errors.ts'
import { incidentDocumentSchema, incidentSchema } from '../contract/incidents-schemas.ts'
import { netcheckResultSchema, routeSchema, traceResultSchema } from '../contract/routing-schemas.ts'
import {
  forwardSchema,
  inviteResultSchema,
  joinSchema,
  linkDetailSchema,
  listOf,
  memberDetailSchema,
  pingResultSchema,
  serviceSchema,
  socksSchema,
  statusSchema,
} from '../contract/schemas.ts'
import { PRODUCT_VERSION } from '../contract/version.ts'

let home: CliHome

beforeEach(() => {
  home = createCliHome()
})

afterEach(async () => {
  await home.stop()
})

const x0t = (args: readonly string[], options?: CliOptions) => home.run(args, options)
const doc = <S extends z.ZodRawShape>(shape: S) => z.strictObject({ schema: z.literal(1), ...shape })

describe('documents', () => {
  it('prints the status exactly as its schema says', async () => {
    await home.serve()
    const result = await x0t(['status', '--json'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    const status = documentOf(statusSchema, result)
    expect(JSON.parse(result.stdout)).toEqual(status)
    expect(status.links[0]).toEqual({
      peer: SERVER,
      name: 'server',
      state: 'up',
      rttMs: 23.4,
      lossEstimate: 0.002,
      suite: '/x0t/noise-hfs/1/aesgcm',
      sinceMs: 3_700_000,
    })
  })

  it('prints every list as schema and items', async () => {
    await home.serve()
    const peers = documentOf(
      listOf(memberDetailSchema.extend({ link: linkDetailSchema.nullable() })),
      await x0t(['peers', '--json']),
    )
    expect(peers.items.map(({ name, link }) => [name, link?.state])).toEqual([
      ['laptop', undefined],
      ['server', 'up'],
      ['phone', undefined],
    ])
    expect(documentOf(listOf(serviceSchema), await x0t(['services', '--json'])).items).toHaveLength(1)
    expect(documentOf(listOf(forwardSchema), await x0t(['forward', '--json'])).items).toHaveLength(0)
    expect(documentOf(listOf(socksSchema), await x0t(['socks', '--json'])).items).toHaveLength(0)
    expect(documentOf(listOf(joinSchema), await x0t(['approve', '--json'])).items).toHaveLength(1)
    const incidents = documentOf(listOf(incidentSchema), await x0t(['incidents', 'list', '--json']))
    expect(incidents.items.map(({ title }) => title)).toEqual(['The link between laptop and phone is down'])
    documentOf(incidentDocumentSchema, await x0t(['incidents', 'show', INCIDENT_ID, '--json']))
  })

  it('prints what was done for every change', async () => {
    const state = await home.serve()
    const invite = documentOf(
      inviteResultSchema,
      await x0t(['invite', '--role', 'operator', '--expires', '1h', '--json']),
    )
    expect(invite).toMatchObject({ token: TOKEN, role: 'operator', approve: false })
    documentOf(doc({ join: joinSchema }), await x0t(['approve', JOIN_ID, '--json']))
    documentOf(
      doc({ service: serviceSchema }),
      await x0t(['expose', 'db', '--to', '[::1]:5432', '--check', 'tcp', '--json']),
    )
    documentOf(doc({ name: z.literal('db') }), await x0t(['unexpose', 'db', '--json']))
    documentOf(doc({ forward: forwardSchema }), await x0t(['forward', '8080', 'web@server', '--json']))
    documentOf(
      doc({ port: z.literal(8080), service: z.literal('web') }),
      await x0t(['unforward', '8080', '--json']),
    )
    documentOf(doc({ socks: socksSchema }), await x0t(['socks', '1080', '--json']))
    for (const words of [
      ['ack', INCIDENT_ID, '--owner', 'ada'],
      ['note', INCIDENT_ID, 'a digger'],
      ['silence', INCIDENT_ID, '--for', '2h'],
      ['resolve', INCIDENT_ID, '--reason', 'repaired'],
    ]) {
      documentOf(incidentDocumentSchema, await x0t(['incidents', ...words, '--json']))
    }
    documentOf(doc({ port: z.literal(1080) }), await x0t(['unsocks', '1080', '--json']))
    documentOf(
      doc({ peer: z.literal(PHONE), name: z.literal('phone'), alsoRevoked: z.array(z.string()) }),
      await x0t(['revoke', 'phone', '--reason', 'lost', '--json']),
    )
    expect(state.calls).toEqual([
      'invites.create {"role":"operator","expiresMs":3600000,"approve":false}',
      `joins.approve {"id":"${JOIN_ID}"}`,
      'services.expose {"name":"db","target":"[::1]:5432","check":"tcp"}',
      'services.unexpose {"name":"db"}',
      'forwards.add {"port":8080,"service":"web","node":"server"}',
      'forwards.remove {"port":8080}',
      'socks.add {"port":1080}',
      `incidents.acknowledge {"id":"${INCIDENT_ID}"}`,
      `incidents.own {"id":"${INCIDENT_ID}","owner":"ada"}`,
      `incidents.note {"id":"${INCIDENT_ID}","text":"a digger"}`,
      `incidents.silence {"id":"${INCIDENT_ID}","forMs":7200000}`,
      `incidents.resolve {"id":"${INCIDENT_ID}","reason":"repaired"}`,
      'socks.remove {"port":1080}',
      'members.revoke {"node":"phone","reason":"lost","keepIssued":false}',
    ])
  })

  it('prints pings as items with a count, one document in all', async () => {
    await home.serve()
    const item = pingResultSchema.omit({ schema: true }).extend({ seq: z.number() })
    const pings = documentOf(
      doc({ items: z.array(item), sent: z.number(), answered: z.number() }),
      await x0t(['ping', 'server', '-c', '2', '--json']),
    )
    expect(pings).toMatchObject({ sent: 2, answered: 2, items: [{ seq: 1, rttMs: 23.4 }, { seq: 2 }] })
  })

  it('prints routes, a trace and the check of the network as their schemas say', async () => {
    const state = await home.serve()
    const routes = documentOf(listOf(routeSchema), await x0t(['routes', '--json']))
    expect(routes.items.map(({ name, paths }) => [name, paths.length])).toEqual([
      ['server', 1],
      ['phone', 0],
    ])
    const one = documentOf(listOf(routeSchema), await x0t(['routes', 'server', '--json']))
    expect(one.items).toHaveLength(1)
    const trace = documentOf(traceResultSchema, await x0t(['trace', 'server', '--json']))
    expect(trace.forward).toMatchObject([{ from: 'laptop', to: 'server', source: 'measured' }])
    expect(trace.back).toMatchObject([{ from: 'server', to: 'laptop', source: 'advertised' }])
    expect((await x0t(['trace', 'phone', '--json'])).code).toBe(1)
    const check = await x0t(['netcheck', '--json'])
    expect(documentOf(netcheckResultSchema, check)).toMatchObject({ ok: false })
    expect(check.code).toBe(1)
    expect(state.calls).toContain('routes.list {"node":"server"}')
  })

  it('prints its own version and that of the node, running or not', async () => {
    const none = doc({ version: z.string(), runtime: z.string(), node: z.null() })
    expect(documentOf(none, await x0t(['version', '--json'])).version).toBe(PRODUCT_VERSION)
    await home.serve()
    const some = await x0t(['version', '--json'])
    expect(JSON.parse(some.stdout)).toMatchObject({ node: { pid: process.pid, version: PRODUCT_VERSION } })
  })

  it('prints errors as a document too, with the same exit code as without', async () => {
    await home.serve()
    const args = ['ping', 'nobody', '-c', '1']
    const [plain, json] = [await x0t(args), await x0t([...args, '--json'])]
    const { error } = documentOf(errorDocumentSchema, json)
    expect(error).toMatchObject({ code: 'UNKNOWN_NODE', message: 'no member is called nobody' })
    expect(json).toMatchObject({ code: plain.code, stderr: '' })
    expect(plain).toMatchObject({ code: 1, stdout: '' })
    expect(plain.stderr).toContain('no member is called nobody')
    expect(plain.stderr).toContain('x0t peers lists the members.')
  })
})
