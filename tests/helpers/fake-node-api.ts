import type { ContractOutputs } from '../../node-core/contract/contract.ts'
import type { NetcheckResult, Route } from '../../node-core/contract/routing-schemas.ts'
import {
  type Forward,
  inviteIdSchema,
  type Join,
  joinIdSchema,
  type LinkDetail,
  type MemberDetail,
  meshIdSchema,
  nodeNameSchema,
  peerIdSchema,
  type Service,
  type Socks,
  serviceNameSchema,
} from '../../node-core/contract/schemas.ts'
import { PRODUCT_VERSION } from '../../node-core/contract/version.ts'
import type { CallOptions, NodeApi } from '../../node-core/control/node-api.ts'
import type { NodeName, PeerId } from '../../node-core/domain/ids.ts'
import type { Role } from '../../node-core/domain/role.ts'
import { FaultError } from '../../node-core/platform/error.ts'
import { fakeAlerts } from './fake-alerts.ts'
import { fakeAudit } from './fake-audit.ts'
import { createFakeHeal, type FakeHealState, initialHeal } from './fake-heal.ts'
import { fakeHistory } from './fake-history.ts'
import { fakeIncidents } from './fake-incidents.ts'
import { createFakePolicy, type FakePolicyState, initialPolicy } from './fake-policy.ts'
import { fakeRun } from './fake-run.ts'

const nameOf = (raw: string): NodeName => nodeNameSchema.parse(raw)
const peerOf = (letter: string): PeerId => peerIdSchema.parse(`12D3KooW${letter.repeat(44)}`)
const MESH_ID = meshIdSchema.parse('ab'.repeat(32))
const SUITE = '/x0t/noise-hfs/1/aesgcm'
const STARTED_AT = Date.UTC(2026, 10, 3, 14, 0, 0)

export const LAPTOP = peerOf('A')
export const SERVER = peerOf('B')
export const PHONE = peerOf('C')
export const JOIN_ID = joinIdSchema.parse('join-0123456789abcdef')
const INVITE_ID = inviteIdSchema.parse('inv-0123456789abcdef')
/** As long as a real one, which holds addresses and a secret. */
export const TOKEN = `x0t1${'abcdefghjkmnpqrstuvwxyz23456789'.repeat(9)}`

/** What the members and links of the fake make of a mesh: each link once, with this node at one end. */
function topologyOf({ node, members, links }: FakeNodeState) {
  return {
    self: node.peerId,
    nodes: members.map(({ peer, name }) => ({ peer, name, transit: true, convicted: false, advertMs: 100 })),
    links: links.map(({ peer, state, rttMs, lossEstimate, suite }) => ({
      ...{ a: node.peerId, b: peer, bothEnds: true, source: 'measured' as const },
      ...{ state, rttMs, lossEstimate, suite, costMs: rttMs },
    })),
  }
}

type StatusAnswer = Omit<ContractOutputs['node']['status'], 'schema'>

/** What a test may look at and change. */
export interface FakeNodeState {
  certificateRole: Role
  /** Of the process that the node claims to be. */
  pid: number
  node: StatusAnswer['node']
  health: StatusAnswer['health']
  links: LinkDetail[]
  members: MemberDetail[]
  services: Service[]
  forwards: Forward[]
  socks: Socks[]
  joins: Join[]
  policy: FakePolicyState
  heal: FakeHealState
  notReady: string[]
  /** Peers that give no answer to a ping. */
  silent: Set<PeerId>
  /** What was called, in order: `invites.create {"role":"viewer"}`. */
  readonly calls: string[]
  /** Called by `node.down` and `node.leave`, after their answer. */
  onStop(): void
  /** When set, every operation but the version throws it. */
  failure: unknown
}

function member(peer: PeerId, name: string, role: Role, more: Partial<MemberDetail>): MemberDetail {
  return {
    peer,
    name: nameOf(name),
    role,
    reachable: true,
    hops: 1,
    via: [],
    seenMs: 400,
    self: false,
    standing: 'member',
    issuing: false,
    labels: [],
    expiresAt: STARTED_AT + 7 * 86_400_000,
    version: PRODUCT_VERSION,
    ...more,
  }
}

function initialState(): FakeNodeState {
  const laptop = nameOf('laptop')
  return {
    certificateRole: 'owner',
    pid: process.pid,
    node: {
      name: laptop,
      peerId: LAPTOP,
      mesh: 'home',
      state: 'up',
      version: PRODUCT_VERSION,
      keystore: 'keyfile',
    },
    health: [
      {
        code: 'keystore.keyfile',
        severity: 'info',
        title: 'the keystore opens with a key file',
        impactsConnectivity: false,
      },
    ],
    links: [
      {
        peer: SERVER,
        name: nameOf('server'),
        state: 'up',
        rttMs: 23.4,
        lossEstimate: 0.002,
        suite: SUITE,
        sinceMs: 3_700_000,
        jitterMs: 1.5,
        clockOffsetMs: -3,
        direction: 'outbound',
        address: '/ip4/127.0.0.1/tcp/4001',
      },
    ],
    members: [
      member(LAPTOP, 'laptop', 'owner', { self: true, hops: 0, issuing: true, seenMs: 0 }),
      member(SERVER, 'server', 'operator', {}),
      member(PHONE, 'phone', 'viewer', { reachable: false, hops: null, seenMs: null, version: null }),
    ],
    services: [
      {
        name: serviceNameSchema.parse('web'),
        peer: SERVER,
        node: nameOf('server'),
        local: false,
        target: null,
        check: null,
        state: 'healthy',
        detail: null,
      },
    ],
    forwards: [],
    socks: [],
    joins: [
      {
        id: JOIN_ID,
        invite: INVITE_ID,
        peer: PHONE,
        name: nameOf('phone'),
        role: 'viewer',
        requestedAt: STARTED_AT,
        expiresAt: STARTED_AT + 3_600_000,
        state: 'pending',
      },
    ],
    policy: initialPolicy(),
    heal: initialHeal(),
    notReady: [],
    silent: new Set(),
    calls: [],
    onStop() {},
    failure: undefined,
  }
}

export interface FakeNode {
  readonly api: NodeApi
  readonly state: FakeNodeState
}

/** A node that lives in memory: it answers everything, remembers what it was asked, and connects to nothing. */
export function createFakeNode(): FakeNode {
  const state = initialState()
  return { state, api: createApi(state) }
}

function unknownNode(node: string): Error {
  return new FaultError({ code: 'UNKNOWN_NODE' }, `no member is called ${node}`, {
    hint: 'x0t peers lists the members.',
  })
}

const routeOf = ({ peer, name, reachable }: MemberDetail): Route => ({
  ...{ peer, name },
  paths: reachable ? [{ hops: 1, via: [], viaNames: [], costMs: 24.3 }] : [],
  transit: reachable,
  links: reachable ? 1 : 0,
  advertMs: reachable ? 4_000 : null,
  convicted: false,
})

function netcheckOf({ members, node }: FakeNodeState): Omit<NetcheckResult, 'schema'> {
  const others = members.filter(({ peer }) => peer !== node.peerId)
  const lost = others.filter(({ reachable }) => !reachable).map(({ name }) => name)
  const address = '/ip4/127.0.0.1/tcp/4001'
  return {
    ok: lost.length === 0,
    verdict: lost.length === 0 ? 'This node reaches all.' : `This node does not reach ${lost.join(', ')}.`,
    todo: lost.length === 0 ? [] : ['Check that they run.'],
    listen: { addresses: [address], announced: [address] },
    reach: {
      reachable: true,
      askedNode: nameOf('server'),
      results: [{ address, answered: true }],
      detail: null,
    },
    members: others.map(({ peer, name, reachable, hops, via }) => ({
      ...{ peer, name, reachable, hops, via },
      rttMs: reachable ? 23.4 : null,
      suites: reachable ? [SUITE] : [],
    })),
    clock: { offsetMs: -3, neighbours: 1 },
  }
}

function createApi(state: FakeNodeState): NodeApi {
  const called = (operation: string, input?: unknown): void => {
    state.calls.push(input === undefined ? operation : `${operation} ${JSON.stringify(input)}`)
    if (state.failure !== undefined) throw state.failure
  }
  const find = (node: string): MemberDetail => {
    const found = state.members.find(({ name, peer }) => name === node || peer === node)
    if (found === undefined) throw unknownNode(node)
    return found
  }
  const findJoin = (id: string): Join => {
    const found = state.joins.find((join) => join.id === id)
    if (found?.state === 'pending') return found
    throw new FaultError({ code: 'UNKNOWN_JOIN' }, `no request ${id} waits`, {
      hint: 'x0t approve lists them.',
    })
  }
  const decide = (id: string, decision: 'approved' | 'rejected'): { join: Join } => {
    const join = { ...findJoin(id), state: decision }
    state.joins = state.joins.map((other) => (other.id === id ? join : other))
    return { join }
  }
  const hasNode = (operation: string): never => {
    called(operation)
    throw new FaultError({ code: 'HOME_HAS_NODE' }, 'the home already belongs to a mesh')
  }
  const stopSoon = (): void => {
    setImmediate(() => state.onStop())
  }

  const history = fakeHistory(called)
  return {
    certificateRole: () => state.certificateRole,
    node: {
      async status() {
        called('node.status')
        const { node, links, members, services, forwards, socks, health } = state
        return { node, links, members, services, forwards, socks, health }
      },
      async check({ check }) {
        called('node.check', { check })
        const reasons = check === 'ready' ? state.notReady : []
        return { check, ok: reasons.length === 0, reasons }
      },
      async version() {
        state.calls.push('node.version')
        return {
          version: state.node.version,
          runtime: process.versions.node,
          pid: state.pid,
          startedAt: STARTED_AT,
        }
      },
      async ping({ node, timeoutMs }, { signal }: CallOptions) {
        called('node.ping', { node, timeoutMs })
        signal.throwIfAborted()
        const { peer, name, via } = find(node)
        const answered = !state.silent.has(peer)
        const names = via.map((id) => find(id).name)
        return {
          peer,
          name,
          answered,
          rttMs: answered ? 23.4 : null,
          via: names,
          detail: answered ? null : 'timed out',
        }
      },
      async netcheck() {
        called('node.netcheck')
        return netcheckOf(state)
      },
      async down() {
        called('node.down')
        stopSoon()
        return { pid: state.pid }
      },
      async leave() {
        called('node.leave')
        stopSoon()
        return { mesh: state.node.mesh, peer: state.node.peerId }
      },
    },
    members: {
      async list() {
        called('members.list')
        return { items: state.members }
      },
      async update({ node, name, role, labels }) {
        called('members.update', { node, name, role, labels })
        const before = find(node)
        const member = {
          ...before,
          name: name ?? before.name,
          role: role ?? before.role,
          labels: labels ?? before.labels,
        }
        state.members = state.members.map((other) => (other === before ? member : other))
        return { member }
      },
      async grantIssuing({ node, forMs }) {
        called('members.grantIssuing', { node, forMs })
        return { member: { ...find(node), issuing: true } }
      },
      async revoke(input) {
        called('members.revoke', input)
        const { peer, name } = find(input.node)
        state.members = state.members.filter((other) => other.peer !== peer)
        return { peer, name, alsoRevoked: [] }
      },
    },
    ...history,
    topology: {
      async show() {
        called('topology.show')
        return topologyOf(state)
      },
      ...history.topology,
    },
    links: {
      async list() {
        called('links.list')
        return { items: state.links }
      },
    },
    routes: {
      async list({ node }) {
        called('routes.list', { node })
        const items = state.members.filter(({ self }) => !self).map(routeOf)
        return { items: node === null ? items : items.filter(({ peer }) => peer === find(node).peer) }
      },
      async trace({ node }) {
        called('routes.trace', { node })
        const { peer, name, reachable } = find(node)
        const measured = { rttMs: 23.4, lossEstimate: 0.002, suite: SUITE, costMs: 24.3 }
        const here = { from: state.node.name, to: name, toPeer: peer }
        const there = { from: name, to: state.node.name, toPeer: state.node.peerId }
        return {
          ...{ peer, name, reached: reachable },
          forward: reachable ? [{ ...here, ...measured, source: 'measured', ageMs: null }] : [],
          back: reachable ? [{ ...there, ...measured, source: 'advertised', ageMs: 4_000 }] : [],
        }
      },
    },
    invites: {
      async create(input) {
        called('invites.create', input)
        return {
          id: INVITE_ID,
          token: TOKEN,
          fingerprint: MESH_ID,
          role: input.role,
          approve: input.approve,
          expiresAt: Date.now() + input.expiresMs,
          addresses: ['/ip4/127.0.0.1/tcp/4001'],
        }
      },
    },
    joins: {
      async list() {
        called('joins.list')
        return { items: state.joins }
      },
      async approve({ id }) {
        called('joins.approve', { id })
        return decide(id, 'approved')
      },
      async reject({ id }) {
        called('joins.reject', { id })
        return decide(id, 'rejected')
      },
    },
    policy: createFakePolicy(state, called),
    ...createFakeHeal(state, called),
    services: {
      async list() {
        called('services.list')
        return { items: state.services }
      },
      async expose(input) {
        called('services.expose', input)
        const service: Service = {
          ...input,
          peer: state.node.peerId,
          node: state.node.name,
          local: true,
          state: 'unknown',
          detail: null,
        }
        state.services = [...state.services, service]
        return { service }
      },
      async unexpose({ name }) {
        called('services.unexpose', { name })
        const found = state.services.find((service) => service.local && service.name === name)
        if (found === undefined) {
          throw new FaultError({ code: 'UNKNOWN_SERVICE' }, `this node offers no service ${name}`, {
            hint: 'x0t services lists them.',
          })
        }
        state.services = state.services.filter((service) => service !== found)
        return { name }
      },
    },
    forwards: {
      async list() {
        called('forwards.list')
        return { items: state.forwards }
      },
      async add({ port, service, node }) {
        called('forwards.add', { port, service, node })
        const forward: Forward = {
          host: '127.0.0.1',
          port: port === 0 ? 49_152 : port,
          service,
          node,
          state: 'listening',
          flows: 0,
          detail: null,
        }
        state.forwards = [...state.forwards, forward]
        return { forward }
      },
      async remove({ port }) {
        called('forwards.remove', { port })
        const found = state.forwards.find((forward) => forward.port === port)
        if (found === undefined)
          throw new FaultError({ code: 'UNKNOWN_FORWARD' }, `nothing listens on port ${port}`)
        state.forwards = state.forwards.filter((forward) => forward !== found)
        return { port, service: found.service }
      },
    },
    incidents: fakeIncidents(called),
    audit: fakeAudit(called),
    alerts: fakeAlerts(called),
    ...fakeRun(called),
    socks: {
      async list() {
        called('socks.list')
        return { items: state.socks }
      },
      async add({ port }) {
        called('socks.add', { port })
        const socks: Socks = {
          host: '127.0.0.1',
          port: port === 0 ? 49_153 : port,
          state: 'listening',
          flows: 0,
          detail: null,
        }
        state.socks = [...state.socks, socks]
        return { socks }
      },
      async remove({ port }) {
        called('socks.remove', { port })
        state.socks = state.socks.filter((socks) => socks.port !== port)
        return { port }
      },
    },
    events: {
      async *subscribe({ topics }, { signal }) {
        called('events.subscribe', { topics })
        const { node, health } = state
        yield {
          ...{ topic: 'node', kind: 'snapshot', seq: 1, from: null, at: STARTED_AT, removed: [] },
          set: [{ ...node, startedAt: STARTED_AT, health }],
        }
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve()
          else signal.addEventListener('abort', () => resolve(), { once: true })
        })
      },
    },
    setup: {
      async state() {
        called('setup.state')
        return { mode: 'node', home: '/home/anna', keystore: 'keyfile', suggestedName: null }
      },
      create: async () => hasNode('setup.create'),
      readToken: async () => hasNode('setup.readToken'),
      join: async () => hasNode('setup.join'),
      openLab: async () => hasNode('setup.openLab'),
    },
    config: {
      async show() {
        called('config.show')
        const base = 'a'.repeat(64)
        return { base, version: 1, document: { settings: {} }, effective: {}, problems: [] }
      },
      async validate({ text }) {
        called('config.validate', { text })
        return { ok: true, problems: [], documentSchema: 2 }
      },
      async preview({ text }) {
        called('config.preview', { text })
        return { base: 'a'.repeat(64), changes: [], notes: [] }
      },
      async export({ format }) {
        called('config.export', { format })
        return { fileName: `laptop.x0t.${format}`, text: 'schema: 2\n' }
      },
      async import({ base }) {
        called('config.import', { base })
        return { version: 2, changes: [], notes: [] }
      },
      async history() {
        called('config.history')
        const seen = { version: 1, at: STARTED_AT, actor: 'outside', action: 'seen', current: true }
        return { items: [seen] }
      },
      async diff({ from, to }) {
        called('config.diff', { from, to })
        return { from, to: to ?? 1, changes: [] }
      },
      async rollback({ version }) {
        called('config.rollback', { version })
        return { version: 2, changes: [], notes: [] }
      },
    },
    console: {
      async link({ role }, { caller }) {
        called('console.link', { role })
        const url = `http://127.0.0.1:7071/#sign-in=${'A'.repeat(43)}`
        return { url, role: role ?? caller.role, expiresAt: STARTED_AT + 60_000 }
      },
      async sessions() {
        called('console.sessions')
        return { items: [] }
      },
      async signOut({ id }) {
        called('console.signOut', { id })
        return { id }
      },
    },
  }
}
