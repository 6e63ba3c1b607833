import { mkdir } from 'node:fs/promises'
import { z } from 'zod'
import { runEntry } from '../cli/entries/entry-process.ts'
import { nodeNameSchema, peerIdSchema } from '../contract/schemas.ts'
import type { NodeName } from '../domain/ids.ts'
import { decodeToken, encodeToken } from '../security/invite.ts'
import { labFault } from './faults.ts'
import type { LabNode } from './lab-node.ts'
import type { LabPrograms } from './programs.ts'
import type { Reaper } from './reaper.ts'
import type { Topology, TopologyLink } from './topology.ts'

export interface PrepareDeps {
  readonly programs: LabPrograms
  readonly reaper: Reaper
  readonly signal: AbortSignal
  readonly onProgress: (text: string) => void
  /** Where the end `b` of a link dials. */
  dialPort(link: TopologyLink): number
  /**
   * Lets whoever dials this link reach the founder through it, until the returned function is called: a node joins at
   * the address of a neighbour, so that this is the only address its home ever knows.
   */
  openDoor(link: TopologyLink): Promise<() => Promise<void>>
}

const MESH = 'lab'
const ENTRY_MS = 60_000
const INVITE_MS = 3_600_000
/** Each joins with a process of its own and a handshake; more at a time than this gain nothing. */
const PARALLEL_JOINS = 3

const joinedSchema = z.object({ ok: z.literal(true), peerId: peerIdSchema, name: nodeNameSchema })

/** Makes the homes: the first node founds a mesh, the others join it by invites. Nothing runs afterwards. */
export async function prepareHomes(
  deps: PrepareDeps,
  topology: Topology,
  nodes: ReadonlyMap<NodeName, LabNode>,
): Promise<void> {
  const [first, ...others] = topology.nodes
  const founder = nodeOf(nodes, first)
  await mkdir(founder.paths.root, { recursive: true, mode: 0o700 })
  deps.onProgress(`${first} founds the mesh`)
  const founded = await run(
    deps,
    deps.programs.init,
    {},
    {
      ...{ home: founder.paths.root, mesh: MESH, name: first, keystore: { kind: 'keyfile' } },
    },
  )
  founder.peer = founded.peerId
  await founder.configure([])
  await founder.start(deps.signal)
  await inParallel(PARALLEL_JOINS, others, async (name) => {
    deps.onProgress(`${name} joins`)
    await join(deps, topology, nodes, founder, nodeOf(nodes, name))
  })
  for (const node of nodes.values()) await node.configure(peersOf(deps, topology, nodes, node))
  await founder.terminate()
}

/** @throws FaultError LAB_UNKNOWN_NODE */
export function nodeOf(nodes: ReadonlyMap<NodeName, LabNode>, name: NodeName): LabNode {
  const node = nodes.get(name)
  if (node !== undefined) return node
  throw labFault({ code: 'LAB_UNKNOWN_NODE', node: name }, `the lab has no node ${name}`, {
    hint: `It has ${[...nodes.keys()].slice(0, 20).join(', ')}.`,
  })
}

/** The addresses of the links that this node dials: those to nodes that joined before it. */
function peersOf(
  deps: PrepareDeps,
  { links }: Topology,
  nodes: ReadonlyMap<NodeName, LabNode>,
  node: LabNode,
): readonly string[] {
  return links
    .filter(({ b }) => b === node.name)
    .map((link) => `/ip4/127.0.0.1/tcp/${deps.dialPort(link)}/p2p/${nodeOf(nodes, link.a).peer}`)
}

async function join(
  deps: PrepareDeps,
  { links }: Topology,
  nodes: ReadonlyMap<NodeName, LabNode>,
  founder: LabNode,
  node: LabNode,
): Promise<void> {
  const link = links.find(({ b }) => b === node.name)
  if (link === undefined) throw new TypeError(`${node.name} has no neighbour before it`)
  const { token } = await founder
    .client(ENTRY_MS, deps.signal)
    .invites.create({ role: 'operator', expiresMs: INVITE_MS, approve: false })
  await mkdir(node.paths.root, { recursive: true, mode: 0o700 })
  const closeDoor = await deps.openDoor(link)
  try {
    const address = `/ip4/127.0.0.1/tcp/${deps.dialPort(link)}`
    const { peerId } = await run(
      deps,
      deps.programs.join,
      { token: retarget(token, address) },
      { home: node.paths.root, name: node.name, timeoutMs: ENTRY_MS },
    )
    nodeOf(nodes, node.name).peer = peerId
  } finally {
    await closeDoor()
  }
}

/** The same invite at another address. Without a peer in it: whoever answers there is asked, as every member may be. */
function retarget(token: string, address: string): string {
  const reading = decodeToken(token)
  if (reading.kind !== 'invite') throw new TypeError('a node gave an invite that cannot be read')
  const { meshId, issuer, inviteId, role, expiresAt, secret } = reading.invite
  return encodeToken({ meshId, issuer, inviteId, role, expiresAt, secret, addresses: [address] })
}

async function run(
  { signal, reaper }: PrepareDeps,
  program: string,
  secrets: { readonly token?: string },
  options: object,
): Promise<z.infer<typeof joinedSchema>> {
  let started: number | undefined
  try {
    const { answer } = await runEntry({
      ...{ program, options, secrets, signal, answer: joinedSchema, timeoutMs: ENTRY_MS },
      log: 'keep',
      detached: true,
      tied: false,
      onStart: (pid) => {
        started = pid
        reaper.watch(pid)
      },
    })
    return answer
  } finally {
    if (started !== undefined) reaper.forget(started)
  }
}

/** Runs `work` for each item, at most `limit` at a time. The first failure is thrown once those under way have ended. */
export async function inParallel<T>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items]
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined && failures.length === 0; item = rest.shift()) {
      await work(item).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
}
