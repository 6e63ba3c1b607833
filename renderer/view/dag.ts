/** What of a step its place depends on. */
interface Waiting {
  readonly id: string
  /** Steps that must be done first. */
  readonly after: readonly string[]
}

interface PlacedStep<S> {
  readonly step: S
  /** Column and row on the drawing, from 0. */
  readonly column: number
  readonly row: number
}

interface PlacedPlan<S> {
  readonly steps: readonly PlacedStep<S>[]
  /** Numbers in `steps`: the first has to be done before the second. */
  readonly arrows: readonly (readonly [number, number])[]
  readonly columns: number
  readonly rows: number
}

/**
 * Places the steps of a plan in columns: a step stands to the right of all that it waits for. A plan that is no DAG
 * (it never should be) is drawn in as many columns as it has steps, and not forever.
 */
export function placePlan<S extends Waiting>(steps: readonly S[]): PlacedPlan<S> {
  const indexOf = new Map(steps.map(({ id }, index) => [id, index]))
  const columns = columnsOf(steps, indexOf)
  const filled = new Map<number, number>()
  const placed = steps.map((step, index) => {
    const column = columns[index] ?? 0
    const row = filled.get(column) ?? 0
    filled.set(column, row + 1)
    return { step, column, row }
  })
  const arrows = steps.flatMap(({ after }, index) =>
    after.flatMap((id) => {
      const before = indexOf.get(id)
      return before === undefined ? [] : [[before, index] as const]
    }),
  )
  return {
    steps: placed,
    arrows,
    columns: Math.max(0, ...columns) + 1,
    rows: Math.max(1, ...filled.values()),
  }
}

function columnsOf(steps: readonly Waiting[], indexOf: ReadonlyMap<string, number>): readonly number[] {
  const columns = steps.map(() => 0)
  for (let round = 0; round < steps.length; round++) {
    let moved = false
    for (const [index, { after }] of steps.entries()) {
      const before = after.flatMap((id) => columns[indexOf.get(id) ?? -1] ?? [])
      const needed = Math.max(0, ...before.map((column) => column + 1))
      if (needed <= (columns[index] ?? 0) || needed >= steps.length) continue
      columns[index] = needed
      moved = true
    }
    if (!moved) break
  }
  return columns
}
