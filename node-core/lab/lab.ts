import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeClient } from '../cli/client/node-client.ts'
import type { Applied, Impairment, LabStatus, NodeAction } from '../contract/lab.ts'
import { SCHEMA_VERSION } from '../contract/schemas.ts'
import type { NodeName } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Lifecycle } from '../platform/lifecycle.ts'
import type { Random } from '../platform/random.ts'
import { addImpairment, linkStateOf } from './applied.ts'
import { labFault } from './faults.ts'
import { type ProxyClient, startProxy } from './impairment/proxy-client.ts'
import { seedOf } from './impairment/seeded.ts'
import { LabNode } from './lab-node.ts'
import { readLinks, readNodes } from './lab-status.ts'
import { freePorts } from './ports.ts'
import { inParallel, nodeOf, prepareHomes } from './prepare.ts'
import type { LabPrograms } from './programs.ts'
import { type Reaper, startReaper } from './reaper.ts'
import type { Topology, TopologyLink } from './topology.ts'
import { until } from './until.ts'

export interface LabDeps {
  readonly clock: Clock
  readonly random: Random
  readonly programs: LabPrograms
  /** What is being done, for a person who waits. */
  readonly onProgress?: (text: string) => void
}

export interface LabOptions {
  readonly topology: Topology
  /** Made if it is not there, and removed with all that is in it when the lab ends. */
  readonly dir: string
  /** Of every loss and every jitter. */
  readonly seed: number
  /** Without proxies the links cannot be impaired, and cost nothing. Default true. */
  readonly proxied?: boolean
  /** Further lines of each node's x0t.yaml. */
  readonly settings?: readonly string[]
}

/**
 * Real nodes on this machine, each a process with a home of its own, of which only neighbours can reach each other,
 * over links that can be impaired. Whatever happens to the process that made it, nothing of it stays.
 */
export interface Lab extends Lifecycle {
  readonly topology: Topology
  readonly dir: string
  readonly seed: number
  /** Homes that belong to one mesh, and the proxies of the links. No node runs afterwards. */
  prepare(): Promise<void>
  /** Starts every node that does not run; resolves when each says that it is up. Their links may take longer. */
  up(): Promise<void>
  /** Stops every node in good order and leaves the homes: `up` starts them again. */
  halt(): Promise<void>
  /** `prepare` and `up`. */
  start(): Promise<void>
  /** Ends all of it and removes the directory. */
  stop(): Promise<void>
  home(node: NodeName): string
  pid(node: NodeName): number | undefined
  /** Where it listens on 127.0.0.1. */
  port(node: NodeName): number
  /** The contract of one node, over its control socket. */
  client(node: NodeName, timeoutMs?: number): NodeClient
  /** SIGKILL, SIGSTOP, SIGCONT, or stop and start. In force when it resolves. */
  act(node: NodeName, action: NodeAction): Promise<void>
  /** In force when it resolves. `a` and `b` name a link, in the order in which a direction runs. */
  impair(a: NodeName, b: NodeName, impairment: Impairment, options?: { oneWay?: boolean }): Promise<void>
  /** One link, or all of them. */
  heal(a?: NodeName, b?: NodeName): Promise<void>
  impairmentsOf(a: NodeName, b: NodeName): readonly Applied[]
  /** Bytes that came into each link since the lab began, both directions together, in the topology's order. */
  traffic(): Promise<readonly LinkTraffic[]>
  status(): Promise<LabStatus>
  /**
   * Resolves when both ends of every link that is not impaired say that it is up.
   *
   * @throws FaultError TIMEOUT
   */
  linked(limitMs?: number): Promise<void>
}

export interface LinkTraffic extends TopologyLink {
  readonly bytes: number
}

/** More at once only make each other slow. */
const PARALLEL_STARTS = 16
const LINKED_MS = 30_000
const LINKED_POLL_MS = 100

export function createLab(deps: LabDeps, options: LabOptions): Lab {
  return new RunningLab(deps, options)
}

class RunningLab implements Lab {
  readonly topology: Topology
  readonly dir: string
  readonly seed: number
  readonly #deps: LabDeps
  readonly #isProxied: boolean
  readonly #settings: readonly string[]
  readonly #startedAt: number
  readonly #stopping = new AbortController()
  readonly #nodes = new Map<NodeName, LabNode>()
  readonly #links: Map<string, { readonly link: TopologyLink; port: number; applied: readonly Applied[] }>
  #reaper: Reaper | undefined
  #proxy: ProxyClient | undefined

  constructor(deps: LabDeps, { topology, dir, seed, proxied = true, settings = [] }: LabOptions) {
    this.#deps = deps
    this.topology = topology
    this.dir = dir
    this.seed = seed
    this.#isProxied = proxied
    this.#settings = settings
    this.#startedAt = deps.clock.now()
    this.#links = new Map(topology.links.map((link) => [keyOf(link), { link, port: 0, applied: [] }]))
  }

  async prepare(): Promise<void> {
    if (this.#reaper !== undefined) return
    const { programs, random } = this.#deps
    const reaper = startReaper(programs.reaper)
    this.#reaper = reaper
    reaper.remove(this.dir)
    try {
      await mkdir(this.dir, { recursive: true, mode: 0o700 })
      const ports = await freePorts(random, this.topology.nodes.length)
      for (const [index, name] of this.topology.nodes.entries()) {
        const node = new LabNode(
          { program: programs.node, reaper },
          { name, home: join(this.dir, name), port: ports[index] ?? 0, settings: this.#settings },
        )
        // Outside of the directory when its path is too long for a socket.
        reaper.remove(node.paths.socket)
        this.#nodes.set(name, node)
      }
      await this.#makeHomes(reaper)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async #makeHomes(reaper: Reaper): Promise<void> {
    const proxy = startProxy(this.#deps.programs.proxy)
    reaper.watch(proxy.pid)
    this.#proxy = proxy
    const doors = this.#isProxied ? await this.#openLinks(proxy) : await this.#openDirectDoors(proxy)
    await prepareHomes(
      {
        programs: this.#deps.programs,
        reaper,
        signal: this.#stopping.signal,
        onProgress: this.#deps.onProgress ?? (() => {}),
        dialPort: (link) => this.#entry(link).port,
        openDoor: doors,
      },
      this.topology,
      this.#nodes,
    )
    if (this.#isProxied) return
    // It was only the way in. Now the nodes listen at these ports themselves.
    this.#proxy = undefined
    await proxy.stop()
    reaper.forget(proxy.pid)
  }

  async #openLinks(proxy: ProxyClient): Promise<(link: TopologyLink) => Promise<() => Promise<void>>> {
    const founder = this.#node(this.topology.nodes[0])
    for (const [key, entry] of this.#links) {
      const targetPort = this.#node(entry.link.a).port
      entry.port = await proxy.open(key, { seed: seedOf(this.seed, key), targetPort })
    }
    return async (link) => {
      await proxy.retarget(keyOf(link), founder.port)
      return () => proxy.retarget(keyOf(link), this.#node(link.a).port)
    }
  }

  /** Without proxies a node joins at the port where its neighbour will listen once it runs. */
  async #openDirectDoors(proxy: ProxyClient): Promise<(link: TopologyLink) => Promise<() => Promise<void>>> {
    const founder = this.#node(this.topology.nodes[0])
    for (const entry of this.#links.values()) entry.port = this.#node(entry.link.a).port
    for (const node of this.#nodes.values()) {
      if (node === founder) continue
      await proxy.open(node.name, { seed: this.seed, targetPort: founder.port, port: node.port })
    }
    return async () => async () => {}
  }

  async up(): Promise<void> {
    this.#checkPrepared()
    const dead = [...this.#nodes.values()].filter(({ state }) => state === 'dead')
    this.#deps.onProgress?.(`starting ${dead.length} nodes`)
    await inParallel(PARALLEL_STARTS, dead, (node) => node.start(this.#stopping.signal))
  }

  async halt(): Promise<void> {
    this.#checkPrepared()
    await Promise.all([...this.#nodes.values()].map((node) => node.terminate()))
  }

  async start(): Promise<void> {
    await this.prepare()
    try {
      await this.up()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    const reaper = this.#reaper
    if (reaper === undefined) return
    this.#reaper = undefined
    this.#stopping.abort(labFault({ code: 'LAB_NOT_STARTED' }, 'the lab is being stopped'))
    await reaper.finish()
    await this.#proxy?.stop()
    this.#proxy = undefined
  }

  home(node: NodeName): string {
    return this.#node(node).paths.root
  }

  pid(node: NodeName): number | undefined {
    return this.#node(node).pid
  }

  port(node: NodeName): number {
    return this.#node(node).port
  }

  client(node: NodeName, timeoutMs?: number): NodeClient {
    return this.#node(node).client(timeoutMs, this.#stopping.signal)
  }

  async act(name: NodeName, action: NodeAction): Promise<void> {
    const node = this.#node(name)
    switch (action) {
      case 'kill':
        return node.kill()
      case 'stop':
        return node.pause()
      case 'cont':
        return node.resume()
      case 'restart':
        await node.terminate()
        return node.start(this.#stopping.signal)
    }
  }

  async impair(
    a: NodeName,
    b: NodeName,
    impairment: Impairment,
    { oneWay = false }: { oneWay?: boolean } = {},
  ): Promise<void> {
    const entry = this.#find(a, b)
    await this.#apply(entry.link, addImpairment(entry.applied, entry.link, a, impairment, oneWay))
  }

  async heal(a?: NodeName, b?: NodeName): Promise<void> {
    const chosen =
      a === undefined || b === undefined
        ? [...this.#links.values()].filter(({ applied }) => applied.length > 0)
        : [this.#find(a, b)]
    await Promise.all(chosen.map(({ link }) => this.#apply(link, [])))
  }

  async #apply(link: TopologyLink, applied: readonly Applied[]): Promise<void> {
    await this.#proxies().set(keyOf(link), linkStateOf(applied, link))
    this.#entry(link).applied = applied
  }

  #proxies(): ProxyClient {
    if (this.#proxy !== undefined) return this.#proxy
    throw labFault({ code: 'LAB_NO_PROXY' }, 'the links of this lab have no proxies', {
      hint: 'Make the lab with proxies to impair its links.',
    })
  }

  async traffic(): Promise<readonly LinkTraffic[]> {
    const stats = await this.#proxies().stats()
    return this.topology.links.map(({ a, b }) => {
      const { forthBytes = 0, backBytes = 0 } = stats[keyOf({ a, b })] ?? {}
      return { a, b, bytes: forthBytes + backBytes }
    })
  }

  impairmentsOf(a: NodeName, b: NodeName): readonly Applied[] {
    return this.#find(a, b).applied
  }

  async status(): Promise<LabStatus> {
    this.#checkPrepared()
    const reports = await readNodes([...this.#nodes.values()])
    return {
      schema: SCHEMA_VERSION,
      lab: {
        dir: this.dir,
        topology: this.topology.text,
        seed: this.seed,
        pid: process.pid,
        startedAt: this.#startedAt,
      },
      nodes: reports.map(({ node }) => node),
      links: readLinks(reports, [...this.#links.values()]),
    }
  }

  async linked(limitMs = LINKED_MS): Promise<void> {
    let missing = ''
    try {
      await until(
        async () => {
          const { links } = await this.status()
          const open = links.filter(({ impairments }) => impairments.length === 0)
          const bad = open.filter(({ seenByA, seenByB }) => seenByA !== 'up' || seenByB !== 'up')
          missing = bad.map(({ a, b }) => `${a}-${b}`).join(', ')
          return bad.length === 0
        },
        limitMs,
        'the links of the lab to be up',
        LINKED_POLL_MS,
        this.#stopping.signal,
      )
    } catch (error) {
      throw labFault({ code: 'LAB_LINKS' }, `the links ${missing} were not up within ${limitMs} ms`, {
        cause: error,
      })
    }
  }

  #checkPrepared(): void {
    if (this.#reaper !== undefined && this.#nodes.size > 0) return
    throw labFault({ code: 'LAB_NOT_STARTED' }, 'the lab has not been prepared, or has ended')
  }

  #node(name: NodeName): LabNode {
    return nodeOf(this.#nodes, name)
  }

  #entry(link: TopologyLink) {
    return this.#find(link.a, link.b)
  }

  #find(a: NodeName, b: NodeName) {
    const entry = this.#links.get(keyOf({ a, b })) ?? this.#links.get(keyOf({ a: b, b: a }))
    if (entry !== undefined) return entry
    // A wrong name is the better explanation.
    if (this.#nodes.size > 0) for (const name of [a, b]) this.#node(name)
    const neighbours = this.topology.links.flatMap((link) =>
      link.a === a ? [link.b] : link.b === a ? [link.a] : [],
    )
    throw labFault(
      { code: 'LAB_UNKNOWN_LINK', between: [a, b] },
      `the lab has no link between ${a} and ${b}`,
      {
        hint: `${a} has links to ${neighbours.join(', ')}.`,
      },
    )
  }
}

/** Joined by what no node name holds. */
const keyOf = ({ a, b }: TopologyLink): string => `${a}_${b}`
