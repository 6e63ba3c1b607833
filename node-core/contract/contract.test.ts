import { readFileSync } from 'node:fs'
import { isContractProcedure } from '@orpc/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { contract } from './contract.ts'
import type { OperationMeta } from './operation.ts'
import { checkSchema, nodeRefSchema, peerIdSchema, statusSchema, targetSchema } from './schemas.ts'
import { PRODUCT_VERSION } from './version.ts'

/** Every operation as `group.name`. */
function operations(): [string, { meta: OperationMeta; errors: string[] }][] {
  return Object.entries(contract).flatMap(([group, members]) =>
    Object.entries(members).map(([name, procedure]): [string, { meta: OperationMeta; errors: string[] }] => {
      expect(isContractProcedure(procedure)).toBe(true)
      const { meta, errorMap } = procedure['~orpc']
      return [`${group}.${name}`, { meta, errors: Object.keys(errorMap) }]
    }),
  )
}

describe('the contract', () => {
  it('states the role, the scope and the effect of every operation', () => {
    const matrix = Object.fromEntries(
      operations().map(([name, { meta }]) => [name, `${meta.role} ${meta.scope} ${meta.effect}`]),
    )
    expect(matrix).toEqual({
      'node.status': 'viewer node read',
      'node.check': 'viewer node read',
      'node.version': 'viewer node read',
      'node.ping': 'viewer node read',
      'node.netcheck': 'viewer node read',
      'node.down': 'admin node change',
      'node.leave': 'owner node change',
      'members.list': 'viewer node read',
      'members.revoke': 'admin mesh change',
      'members.update': 'admin mesh change',
      'members.grantIssuing': 'owner mesh change',
      'links.list': 'viewer node read',
      'routes.list': 'viewer node read',
      'routes.trace': 'viewer node read',
      'topology.show': 'viewer node read',
      'series.list': 'viewer node read',
      'series.query': 'viewer node read',
      'topology.at': 'viewer node read',
      'topology.changes': 'viewer node read',
      'slo.get': 'viewer node read',
      'invites.create': 'admin mesh change',
      'joins.list': 'viewer node read',
      'joins.approve': 'admin mesh change',
      'joins.reject': 'admin mesh change',
      'audit.list': 'viewer node read',
      'audit.show': 'viewer node read',
      'audit.verify': 'viewer node read',
      'audit.export': 'viewer node read',
      'incidents.list': 'viewer node read',
      'incidents.get': 'viewer node read',
      'incidents.acknowledge': 'operator node change',
      'incidents.own': 'operator node change',
      'incidents.note': 'operator node change',
      'incidents.silence': 'operator node change',
      'incidents.resolve': 'operator node change',
      'alerts.list': 'viewer node read',
      'alerts.test': 'operator node change',
      'metrics.show': 'viewer node read',
      'log.show': 'viewer node read',
      'log.set': 'operator node change',
      'heal.status': 'viewer node read',
      'heal.pause': 'operator node change',
      'heal.resume': 'operator node change',
      'heal.why': 'viewer node read',
      'plans.list': 'viewer node read',
      'plans.show': 'viewer node read',
      'plans.approve': 'operator node change',
      'plans.reject': 'operator node change',
      'plans.undo': 'operator node change',
      'playbooks.list': 'viewer node read',
      'playbooks.show': 'viewer node read',
      'playbooks.test': 'viewer node read',
      'playbooks.set': 'operator node change',
      'playbooks.save': 'admin node change',
      'playbooks.remove': 'admin node change',
      'playbooks.forget': 'operator node change',
      'policy.show': 'viewer node read',
      'policy.history': 'viewer node read',
      'policy.review': 'viewer node read',
      'policy.apply': 'owner mesh change',
      'policy.can': 'viewer node read',
      'policy.flags': 'viewer node read',
      'services.list': 'viewer node read',
      'services.expose': 'operator node change',
      'services.unexpose': 'operator node change',
      'forwards.list': 'viewer node read',
      'forwards.add': 'operator node change',
      'forwards.remove': 'operator node change',
      'socks.list': 'viewer node read',
      'socks.add': 'operator node change',
      'socks.remove': 'operator node change',
      'events.subscribe': 'viewer node read',
      'setup.state': 'viewer node read',
      'setup.create': 'owner node change',
      'setup.readToken': 'owner node read',
      'setup.join': 'owner node change',
      'setup.openLab': 'owner node change',
      'config.show': 'viewer node read',
      'config.validate': 'viewer node read',
      'config.preview': 'operator node read',
      'config.export': 'owner node read',
      'config.import': 'owner node change',
      'config.history': 'viewer node read',
      'config.diff': 'viewer node read',
      'config.rollback': 'owner node change',
      'console.link': 'admin node change',
      'console.sessions': 'admin node read',
      'console.signOut': 'admin node change',
    })
  })

  it('gives every operation the same typed errors', () => {
    for (const [, { errors }] of operations()) {
      expect(errors.sort()).toEqual(['FAULT', 'FORBIDDEN', 'INTERNAL', 'INVALID_INPUT'])
    }
  })

  it('can be written as a JSON schema, for tools that are not ours', () => {
    const schema = z.toJSONSchema(statusSchema)
    expect(Object.keys(schema.properties ?? {})).toEqual([
      'schema',
      'node',
      'links',
      'members',
      'services',
      'forwards',
      'socks',
      'health',
    ])
  })

  it('carries the version of package.json', () => {
    const manifest: unknown = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(manifest).toMatchObject({ version: PRODUCT_VERSION })
  })
})

describe('values of the contract', () => {
  it('takes a name or a peer id for a node, and nothing that looks like an option or a path', () => {
    for (const good of ['a', 'web-1', `12D3KooW${'A'.repeat(44)}`])
      expect(nodeRefSchema.safeParse(good).success).toBe(true)
    for (const bad of [
      '',
      '-x',
      'x-',
      '--help',
      '../x',
      'A',
      'a b',
      'a'.repeat(64),
      'a\u001b[2J',
      `${'a'.repeat(1e6)}`,
    ]) {
      expect(nodeRefSchema.safeParse(bad).success, bad.slice(0, 20)).toBe(false)
    }
  })

  it('takes HOST:PORT with names, IPv4 and bracketed IPv6', () => {
    for (const good of ['localhost:80', '127.0.0.1:65535', '[::1]:8080', 'db.internal:5432']) {
      expect(targetSchema.safeParse(good).success, good).toBe(true)
    }
    for (const bad of [
      'localhost',
      ':80',
      'a:0',
      'a:65536',
      'a:080',
      '::1:80',
      '-a:80',
      'a b:80',
      'a:80\n',
      'http://a:80',
    ]) {
      expect(targetSchema.safeParse(bad).success, bad).toBe(false)
    }
  })

  it('takes tcp and http:/path as checks', () => {
    for (const good of ['tcp', 'http:/', 'http:/health?x=1'])
      expect(checkSchema.safeParse(good).success).toBe(true)
    for (const bad of ['', 'http', 'http://host/', 'udp', 'http:/a b', 'http:/\r\nX: y']) {
      expect(checkSchema.safeParse(bad).success, bad).toBe(false)
    }
  })

  it('never throws for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const schema of [nodeRefSchema, peerIdSchema, targetSchema, checkSchema]) schema.safeParse(text)
      }),
    )
  })
})
