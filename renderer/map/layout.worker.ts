import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type Simulation,
  type SimulationNodeDatum,
} from 'd3-force'
import { type LayoutRequest, layoutRequestSchema, type PlacedMessage } from './layout-messages.ts'

/*
 * Works out where the nodes stand, off the thread that draws. Positions go out while it runs, so that a map is there
 * at once and settles before one's eyes.
 */

const POST_EVERY_MS = 40
const TICKS_PER_TURN = 4

let simulation: Simulation<SimulationNodeDatum, undefined> | undefined
let turn: ReturnType<typeof setTimeout> | undefined

function start({ graph, ends, positions, radii }: LayoutRequest): void {
  clearTimeout(turn)
  const nodes = Array.from(radii, (_radius, index): SimulationNodeDatum => {
    const x = positions[index * 2]
    const y = positions[index * 2 + 1]
    // What is not a number has no place yet: the simulation gives it one.
    return Number.isFinite(x) && x !== undefined && y !== undefined ? { x, y } : {}
  })
  const links = Array.from({ length: ends.length / 2 }, (_, index) => ({
    source: ends[index * 2] ?? 0,
    target: ends[index * 2 + 1] ?? 0,
  }))
  const known = nodes.filter(({ x }) => x !== undefined).length
  const many = nodes.length > 400
  simulation = forceSimulation(nodes)
    .force(
      'charge',
      forceManyBody()
        .strength(many ? -90 : -520)
        .theta(many ? 1.1 : 0.9)
        .distanceMax(1_400),
    )
    .force(
      'link',
      forceLink(links)
        .distance(many ? 46 : 120)
        .strength(many ? 0.25 : 0.5),
    )
    .force(
      'collide',
      forceCollide((_node, index) => (radii[index] ?? 8) + 10),
    )
    .force('x', forceX(0).strength(0.04))
    .force('y', forceY(0).strength(0.06))
    .alpha(known === nodes.length && nodes.length > 0 ? 0.15 : known > 0 ? 0.35 : 1)
    .alphaDecay(many ? 0.05 : 0.035)
    .stop()
  run(graph, nodes)
}

function run(graph: number, nodes: readonly SimulationNodeDatum[]): void {
  const until = performance.now() + POST_EVERY_MS
  let settled = false
  while (performance.now() < until && !settled) {
    simulation?.tick(TICKS_PER_TURN)
    settled = simulation === undefined || simulation.alpha() < simulation.alphaMin()
  }
  const positions = new Float32Array(nodes.length * 2)
  for (const [index, { x = 0, y = 0 }] of nodes.entries()) {
    positions[index * 2] = x
    positions[index * 2 + 1] = y
  }
  const message: PlacedMessage = { graph, positions, settled }
  postMessage(message, { transfer: [positions.buffer] })
  if (!settled) turn = setTimeout(() => run(graph, nodes), 0)
}

addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  const request = layoutRequestSchema(data)
  if (request !== undefined) start(request)
})
