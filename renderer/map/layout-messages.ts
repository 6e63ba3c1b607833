/** What the page asks of the worker that places nodes. */
export interface LayoutRequest {
  /** Counts the graphs: an answer to an older one is ignored. */
  readonly graph: number
  /** Two numbers of nodes for each link. */
  readonly ends: Uint32Array
  /** x and y of each node; NaN for one that has no place yet. */
  readonly positions: Float32Array
  readonly radii: Float32Array
}

export interface PlacedMessage {
  readonly graph: number
  readonly positions: Float32Array<ArrayBuffer>
  readonly settled: boolean
}

const isObject = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === 'object' && data !== null

/** Plain checks: zod would weigh more than the whole worker. */
export function layoutRequestSchema(data: unknown): LayoutRequest | undefined {
  if (!isObject(data)) return undefined
  const { graph, ends, positions, radii } = data
  const valid =
    typeof graph === 'number' &&
    ends instanceof Uint32Array &&
    positions instanceof Float32Array &&
    radii instanceof Float32Array
  return valid ? { graph, ends, positions, radii } : undefined
}

export function placedMessage(data: unknown): PlacedMessage | undefined {
  if (!isObject(data)) return undefined
  const { graph, positions, settled } = data
  const valid = typeof graph === 'number' && positions instanceof Float32Array && typeof settled === 'boolean'
  return valid ? { graph, positions: new Float32Array(positions), settled } : undefined
}
