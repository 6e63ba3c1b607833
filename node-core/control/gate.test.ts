import { createRouterClient, ORPCError } from '@orpc/server'
import { describe, expect, it } from 'vitest'
import { createFakeNode, SERVER } from '../../tests/helpers/fake-node-api.ts'
import { ROLES, type Role } from '../domain/role.ts'
import { systemClock } from '../platform/clock.ts'
import { silentLogger } from '../platform/logger.ts'
import type { ActionVerdict } from '../security/remote-action.ts'
import { ACTION_HEADER, type CallContext, NODE_HEADER } from './gate.ts'
import type { RemoteCall } from './remote/remote-caller.ts'
import { createRouter } from './router.ts'

/** A caller by way of the mesh, or of this machine when `via` says so. */
function setUp(
  more: Partial<CallContext> & { readonly role?: Role; readonly headers?: Record<string, string> },
) {
  const fake = createFakeNode()
  const asked: [string, RemoteCall][] = []
  const router = createRouter({
    ...{ api: fake.api, clock: systemClock, logger: silentLogger },
    remote: {
      async call(node, call) {
        asked.push([node, call])
        return { schema: 1, items: [] }
      },
    },
  })
  const { role = 'owner', headers = {}, ...rest } = more
  const context: CallContext = {
    ...{ caller: { via: 'mesh', role, peer: SERVER }, stopping: new AbortController().signal },
    header: (name) => new Headers(headers).get(name) ?? undefined,
    ...rest,
  }
  return { ...fake, asked, client: createRouterClient(router, { context }) }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'ok'
  } catch (error) {
    if (!(error instanceof ORPCError)) throw error
    return error.code === 'FAULT' ? String(error.data.code) : error.code
  }
}

const EXPOSE = { name: 'db', target: 'localhost:5432', check: null }
const signed = (verdict: ActionVerdict) => ({
  ...{ headers: { [ACTION_HEADER]: 'AAAA' }, judgeAction: () => verdict },
})

describe('a call of another member', () => {
  it('has the role of its certificate', async () => {
    for (const role of ROLES) {
      const { client } = setUp({ role, ...signed('valid') })
      const allowed = ROLES.indexOf(role) <= ROLES.indexOf('operator')
      expect(await codeOf(client.services.expose(EXPOSE)), role).toBe(allowed ? 'ok' : 'FORBIDDEN')
      expect(await codeOf(client.node.status()), role).toBe(role === 'none' ? 'FORBIDDEN' : 'ok')
    }
  })

  it('changes something only when what it signed is for this very call', async () => {
    for (const verdict of [
      'malformed',
      'other-call',
      'other-node',
      'expired',
      'forged',
      'replayed',
    ] as const) {
      const { client, state } = setUp(signed(verdict))
      expect(await codeOf(client.services.expose(EXPOSE))).toBe('ACTION_REFUSED')
      expect(state.calls).toEqual([])
    }
    expect(await codeOf(setUp({}).client.services.expose(EXPOSE))).toBe('ACTION_REFUSED')
    const unjudged = setUp({ headers: { [ACTION_HEADER]: 'AAAA' } })
    expect(await codeOf(unjudged.client.services.expose(EXPOSE))).toBe('ACTION_REFUSED')
    expect(await codeOf(setUp({}).client.services.list())).toBe('ok')
  })

  it('opens no door on this machine and gets none of its keys, whatever its role', async () => {
    const { client, state } = setUp(signed('valid'))
    const doors = [
      client.console.link({ role: null }),
      client.console.sessions(),
      client.setup.state(),
      client.setup.openLab(),
      client.config.export({ format: 'yaml', passphrase: 'a passphrase' }),
      client.node.leave(),
    ]
    for (const door of doors) expect(await codeOf(door)).toBe('LOCAL_ONLY')
    expect(state.calls).toEqual([])
  })

  it('is not passed on to a third one', async () => {
    const { client, asked } = setUp({ headers: { [NODE_HEADER]: 'phone' } })
    expect(await codeOf(client.services.list())).toBe('NO_RELAY')
    expect(asked).toEqual([])
  })
})

describe('a call that names another member', () => {
  const here = (role: Role): Pick<CallContext, 'caller'> => ({
    caller: { via: 'web', role, session: 'web-1' },
  })
  const headers = { [NODE_HEADER]: 'server' }

  it('is asked there, with what it needs, and answered as from here', async () => {
    const { client, asked, state } = setUp({ ...here('owner'), headers })
    expect(await client.services.list()).toEqual({ schema: 1, items: [] })
    expect(asked[0]).toMatchObject(['server', { path: ['services', 'list'], meta: { effect: 'read' } }])
    expect(state.calls).toEqual([])
  })

  it('needs the role here as well: a window that may only look cannot act by another node', async () => {
    const { client, asked } = setUp({ ...here('viewer'), headers })
    expect(await codeOf(client.services.expose(EXPOSE))).toBe('FORBIDDEN')
    expect(asked).toEqual([])
  })

  it('leaves it to the other node whether the certificate of this one is enough', async () => {
    const { client, asked, state } = setUp({ ...here('owner'), headers })
    state.certificateRole = 'viewer'
    await codeOf(client.members.revoke({ node: 'phone' }))
    expect(asked).toHaveLength(1)
  })

  it('is refused for what cannot be the name of a node', async () => {
    const { client } = setUp({ ...here('owner'), headers: { [NODE_HEADER]: '../etc' } })
    expect(await codeOf(client.services.list())).toBe('UNKNOWN_NODE')
  })
})
