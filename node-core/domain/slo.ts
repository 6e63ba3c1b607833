import type { IncidentId } from './ids.ts'
import type { Incident } from './incident.ts'
import type { SeriesPoint } from './series.ts'

export interface SloTargets {
  /** 0 to 1. */
  readonly availability: number
  /** From the first evidence of a fault to the first verified delivery. */
  readonly mttrMs: number
  readonly windowMs: number
}

/** `unknown`: there is nothing to judge by, which is not `met`. */
export type SloVerdict = 'met' | 'missed' | 'unknown'

export interface AvailabilityFigure {
  readonly target: number
  /** Share of the other members that this node could reach, over all samples. Measured. */
  readonly value: number | undefined
  readonly samples: number
  /** The part of the window in which there are samples: a node that was down has none. */
  readonly coveredMs: number
  readonly worst: readonly { readonly at: number; readonly value: number }[]
  readonly verdict: SloVerdict
}

export interface MttrFigure {
  readonly targetMs: number
  readonly medianMs: number | undefined
  /** From 30 repairs on: of fewer it would say nothing. */
  readonly p95Ms: number | undefined
  readonly repaired: number
  readonly unresolved: number
  readonly slowest: readonly {
    readonly id: IncidentId
    readonly title: string
    readonly durationMs: number
  }[]
  readonly verdict: SloVerdict
}

export interface Slo {
  readonly from: number
  readonly until: number
  readonly availability: AvailabilityFigure
  readonly mttr: MttrFigure
  /** Time in which at least one incident that cuts somebody off was not over. */
  readonly impaired: { readonly ms: number; readonly incidents: number }
}

const MIN_FOR_P95 = 30
const SHOWN = 5

export interface SloFacts {
  /** Of `mesh.reachable`. */
  readonly reachable: readonly SeriesPoint[]
  /** How often it is sampled: each sample speaks for so long. */
  readonly everyMs: number
  readonly incidents: readonly Incident[]
}

export function computeSlo(targets: SloTargets, facts: SloFacts, until: number): Slo {
  const from = until - targets.windowMs
  const serious = facts.incidents.filter(({ impactsConnectivity }) => impactsConnectivity)
  return {
    ...{ from, until },
    availability: availabilityOf(targets.availability, facts),
    mttr: mttrOf(targets.mttrMs, facts.incidents, from),
    impaired: {
      ms: unionMs(serious.map((incident) => spanOf(incident, from, until))),
      incidents: serious.length,
    },
  }
}

function availabilityOf(target: number, { reachable, everyMs }: SloFacts): AvailabilityFigure {
  const samples = reachable.reduce((sum, { count }) => sum + count, 0)
  const value =
    samples === 0 ? undefined : reachable.reduce((sum, { mean, count }) => sum + mean * count, 0) / samples
  const worst = reachable
    .filter(({ mean }) => mean < 1)
    .toSorted((a, b) => a.mean - b.mean || b.at - a.at)
    .slice(0, SHOWN)
  return {
    ...{ target, value, samples },
    coveredMs: samples * everyMs,
    worst: worst.map(({ at, mean }) => ({ at, value: mean })),
    verdict: value === undefined ? 'unknown' : value >= target ? 'met' : 'missed',
  }
}

/** Repairs that ended in the window. What is still broken for longer than the target misses it already. */
function mttrOf(targetMs: number, incidents: readonly Incident[], from: number): MttrFigure {
  const repairs = incidents
    .flatMap(({ id, title, firstEvidenceAt, resolvedAt }) =>
      resolvedAt === undefined || resolvedAt < from
        ? []
        : [{ id, title, durationMs: Math.max(0, resolvedAt - firstEvidenceAt) }],
    )
    .toSorted((a, b) => b.durationMs - a.durationMs)
  const durations = repairs.map(({ durationMs }) => durationMs)
  const medianMs = quantileOf(durations, 0.5)
  const p95Ms = repairs.length < MIN_FOR_P95 ? undefined : quantileOf(durations, 0.95)
  const judged = p95Ms ?? medianMs
  return {
    ...{ targetMs, medianMs, p95Ms },
    repaired: repairs.length,
    unresolved: incidents.filter(({ state }) => state !== 'resolved').length,
    slowest: repairs.slice(0, SHOWN),
    verdict: judged === undefined ? 'unknown' : judged <= targetMs ? 'met' : 'missed',
  }
}

/** Of values in falling order, the nearest rank. */
function quantileOf(falling: readonly number[], q: number): number | undefined {
  return falling[Math.max(0, falling.length - Math.ceil(falling.length * q))]
}

type Span = readonly [from: number, until: number]

const spanOf = (
  { firstEvidenceAt, resolvedAt, clearedAt, state }: Incident,
  from: number,
  until: number,
): Span => [
  Math.max(from, firstEvidenceAt),
  Math.min(until, resolvedAt ?? (state === 'resolved' ? (clearedAt ?? firstEvidenceAt) : until)),
]

/** The length of all spans together, where several overlap once. */
function unionMs(spans: readonly Span[]): number {
  let [total, end] = [0, Number.NEGATIVE_INFINITY]
  for (const [from, until] of spans.toSorted(([a], [b]) => a - b)) {
    if (until <= end) continue
    total += Math.max(0, until - Math.max(from, end))
    end = Math.max(end, until)
  }
  return total
}
