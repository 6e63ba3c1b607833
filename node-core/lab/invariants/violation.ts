/** What must never happen, seen from outside the product. */
export interface Finding {
  readonly kind: /** Bytes that were sent did not come, though later ones did, or the stream ended in good order without them. */
    | 'lost'
    | 'repeated'
    | 'reordered'
    | 'corrupt'
    /** The client's own connection broke. */
    | 'connection-lost'
    /** Delivery stopped for longer than it may. */
    | 'too-slow'
    /** Still missing at the end. */
    | 'unanswered'
    /** A link that should not be: with no member, in a foreign suite, or past the topology. */
    | 'not-admitted'
    /** A node would send over a way that passes a node twice. */
    | 'loop'
    /** What nobody impairs does not work again within its bound: a link, or a node that runs. */
    | 'no-recovery'
    /** A node knows no way to another one although there has been one for longer than the bound. */
    | 'no-convergence'
  readonly detail: string
}

export interface Violation extends Finding {
  /** On the judge's monotonic clock. */
  readonly atMs: number
}

/** After the first ones, more say nothing new. */
const MAX_VIOLATIONS = 100

/** A bounded list of violations. */
export interface Violations {
  readonly list: readonly Violation[]
  add(kind: Violation['kind'], detail: string): void
}

export function createViolations(nowMs: () => number): Violations {
  const list: Violation[] = []
  return {
    list,
    add(kind, detail) {
      if (list.length < MAX_VIOLATIONS) list.push({ kind, detail, atMs: nowMs() })
    },
  }
}
