import { z } from 'zod'
import { type NodeName, parseNodeName } from '../domain/ids.ts'
import { labFault } from './faults.ts'

/** Two nodes that can reach each other; `a` comes before `b` in the topology's order. */
export interface TopologyLink {
  readonly a: NodeName
  readonly b: NodeName
}

/** A connected graph without loops or double links. */
export interface Topology {
  /** `ring:6`, or the label of the file's graph. */
  readonly text: string
  /**
   * The first founds the mesh; each other one has a neighbour before it, so that a node can join through a neighbour
   * that has joined already.
   */
  readonly nodes: readonly [NodeName, ...NodeName[]]
  readonly links: readonly TopologyLink[]
}

export const MAX_LAB_NODES = 256
const MAX_LAB_LINKS = 2_048
export const MAX_TOPOLOGY_BYTES = 1024 * 1024

type Pair = readonly [number, number]

const bad = (what: string, hint = FORMS): ReturnType<typeof labFault> =>
  labFault({ code: 'LAB_TOPOLOGY', what }, `the topology cannot be used: ${what}`, { hint })

const FORMS = 'Use ring:6, chain:4, grid:3x3, star:5, full:4, or a NetJSON NetworkGraph file.'

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
const chain = (count: number): Pair[] => range(count - 1).map((index) => [index, index + 1])

interface Shape {
  /** Fewer nodes than this are another shape. */
  readonly least: number
  pairs(count: number): Pair[]
}

const SHAPES: Readonly<Record<string, Shape>> = {
  ring: { least: 3, pairs: (count) => [...chain(count), [0, count - 1]] },
  chain: { least: 2, pairs: chain },
  star: { least: 2, pairs: (count) => range(count - 1).map((index) => [0, index + 1]) },
  full: {
    least: 2,
    pairs: (count) => range(count).flatMap((a) => range(a).map((b): Pair => [b, a])),
  },
}

function grid(rows: number, columns: number): Pair[] {
  return range(rows * columns).flatMap((at) => [
    ...((at + 1) % columns === 0 ? [] : [[at, at + 1] as const]),
    ...(at + columns >= rows * columns ? [] : [[at, at + columns] as const]),
  ])
}

/**
 * Reads `ring:N`, `chain:N`, `star:N` (its centre is one of the N), `full:N` or `grid:RxC`; nodes are n1, n2 and so on.
 *
 * @throws FaultError LAB_TOPOLOGY
 */
export function parseTopologyText(text: string): Topology {
  const [, kind = '', size = ''] = /^([a-z]{1,8}):([0-9x]{1,9})$/.exec(text) ?? []
  const names = (count: number): string[] => range(count).map((index) => `n${index + 1}`)
  if (kind === 'grid') {
    const [rows = 0, columns = 0] = (/^(\d+)x(\d+)$/.exec(size) ?? []).slice(1).map(Number)
    checkCount(text, rows * columns, 2)
    return arrange(text, names(rows * columns), grid(rows, columns))
  }
  const shape = Object.hasOwn(SHAPES, kind) ? SHAPES[kind] : undefined
  if (shape === undefined || !/^\d+$/.test(size)) throw bad(`'${text.slice(0, 40)}' is not a known form`)
  checkCount(text, Number(size), shape.least)
  return arrange(text, names(Number(size)), shape.pairs(Number(size)))
}

function checkCount(text: string, count: number, least: number): void {
  if (count < least) throw bad(`'${text}' needs at least ${least} nodes`)
  if (count > MAX_LAB_NODES) throw bad(`'${text}' has more than ${MAX_LAB_NODES} nodes`)
}

/** RFC draft NetJSON (netjson.org, 3. NetworkGraph). What a lab does not use is passed over. */
const idSchema = z.string().min(1).max(256)
const networkGraphSchema = z.object({
  type: z.literal('NetworkGraph', { error: 'is not NetworkGraph' }),
  label: z.string().max(256).optional(),
  nodes: z.array(z.object({ id: idSchema, label: z.string().max(256).optional() })).max(MAX_LAB_NODES),
  // Each direction may be listed by itself.
  links: z.array(z.object({ source: idSchema, target: idSchema })).max(2 * MAX_LAB_LINKS),
})

/**
 * Reads a NetJSON NetworkGraph. A node is called by its label, else by its id, made fit for a node name
 * (`10.0.0.1` becomes `10-0-0-1`).
 *
 * @throws FaultError LAB_TOPOLOGY
 */
export function parseNetworkGraph(json: string): Topology {
  if (Buffer.byteLength(json) > MAX_TOPOLOGY_BYTES)
    throw bad(`the file has more than ${MAX_TOPOLOGY_BYTES} bytes`)
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch (error) {
    throw bad(`the file is not JSON (${error instanceof Error ? error.message : String(error)})`)
  }
  const parsed = networkGraphSchema.safeParse(raw)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const where = issue === undefined || issue.path.length === 0 ? 'the document' : issue.path.join('.')
    throw bad(`not a NetworkGraph: ${where}: ${issue?.message ?? 'not valid'}`)
  }
  const { nodes, links, label } = parsed.data
  if (nodes.length < 2) throw bad('the graph has fewer than 2 nodes')
  const index = new Map(nodes.map(({ id }, at) => [id, at]))
  if (index.size !== nodes.length) throw bad('two nodes of the graph have one id')
  const at = (id: string): number => {
    const found = index.get(id)
    if (found === undefined) throw bad(`a link names the node '${id}', which the graph does not have`)
    return found
  }
  const names = nodes.map((node) => nameOf(node))
  return arrange(
    label ?? 'NetworkGraph',
    names,
    links.map(({ source, target }) => [at(source), at(target)]),
  )
}

function nameOf({ id, label }: { readonly id: string; readonly label?: string | undefined }): string {
  const asLabel = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 63)
      .replace(/^-+|-+$/g, '')
  const name = asLabel(label ?? '') || asLabel(id)
  if (name === '') throw bad(`no node name can be made of '${label ?? id}'`)
  return name
}

/** Checks the graph and puts its nodes in the order in which they can join: breadth first from the first. */
function arrange(text: string, names: readonly string[], pairs: readonly Pair[]): Topology {
  const parsed = names.map((name) => {
    const node = parseNodeName(name)
    if (node === undefined) throw bad(`'${name}' is not a node name`)
    return node
  })
  if (new Set(parsed).size !== parsed.length) {
    const twice = parsed.find((name, at) => parsed.indexOf(name) !== at)
    throw bad(`two nodes would be called '${twice}'`, 'Give them different labels.')
  }
  const distinct = new Map<string, Pair>()
  for (const [from, to] of pairs) {
    if (from === to) throw bad(`the node '${names[from]}' has a link to itself`)
    const pair: Pair = from < to ? [from, to] : [to, from]
    distinct.set(pair.join(' '), pair)
  }
  if (distinct.size > MAX_LAB_LINKS) throw bad(`it has more than ${MAX_LAB_LINKS} links`)
  const neighbours = parsed.map((): number[] => [])
  for (const [a, b] of distinct.values()) {
    neighbours[a]?.push(b)
    neighbours[b]?.push(a)
  }
  const order = breadthFirst(neighbours)
  const missing = parsed.find((_, at) => !order.includes(at))
  if (missing !== undefined) throw bad(`'${missing}' cannot be reached from '${parsed[0]}'`)
  const nodes = order.flatMap((at) => parsed[at] ?? [])
  const rank = new Map(nodes.map((name, at) => [name, at]))
  const links = [...distinct.values()].flatMap(([from, to]): TopologyLink[] => {
    const [a, b] = [parsed[from], parsed[to]]
    if (a === undefined || b === undefined) return []
    return [(rank.get(a) ?? 0) < (rank.get(b) ?? 0) ? { a, b } : { a: b, b: a }]
  })
  const [founder, ...others] = nodes
  if (founder === undefined) throw bad('it has no nodes')
  return { text, nodes: [founder, ...others], links }
}

function breadthFirst(neighbours: readonly (readonly number[])[]): readonly number[] {
  const order = [0]
  const seen = new Set(order)
  // The list grows while it is walked.
  for (const at of order) {
    for (const next of neighbours[at] ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      order.push(next)
    }
  }
  return order
}
