import type { MetricFamily } from '../../contract/metrics.ts'
import type { Status } from '../../contract/schemas.ts'
import { PRODUCT_VERSION } from '../../contract/version.ts'
import { SEVERITIES, type Severity } from '../../domain/symptom.ts'

/** What metrics are made of. */
export interface MetricFacts {
  readonly status: Omit<Status, 'schema'>
  /** Severities of the incidents that are not over. */
  readonly incidents: readonly Severity[]
  readonly loop: { readonly state: string; readonly healing: readonly unknown[] }
  readonly alerts: readonly {
    readonly settings: { readonly name: string }
    readonly waiting: number
    readonly lost: number
  }[]
  /** When the certificate of this node ends; milliseconds since the Unix epoch. */
  readonly certificateEnds: number | undefined
  readonly startedAt: number
  readonly process: {
    readonly residentBytes: number
    readonly heapBytes: number
    readonly cpuMicroseconds: number
  }
}

/** Of one name; a node has at most 64 links, and whoever offers more services gets figures of these many. */
export const MAX_LABELLED = 64
const LOOP_STATES = ['watching', 'healing', 'paused', 'safe-mode']

type Sample = MetricFamily['samples'][number]
const sample = (value: number, labels: Sample['labels'] = {}): Sample => ({ labels, value })

const family = (
  name: string,
  help: string,
  samples: readonly Sample[],
  type: MetricFamily['type'] = 'gauge',
): MetricFamily => ({ name, help, type, samples: samples.slice(0, MAX_LABELLED) })

/** One sample for each value that there can be, also where nothing has it: a series that comes and goes alerts nobody. */
function counts<T extends string>(label: string, values: readonly T[], found: readonly T[]): Sample[] {
  return values.map((value) => sample(found.filter((one) => one === value).length, { [label]: value }))
}

/** To the microsecond: what is finer is noise of the division. */
const seconds = (ms: number): number => Number((ms / 1_000).toFixed(6))

function ofMesh({ members, links, services, node }: MetricFacts['status']): MetricFamily[] {
  const others = members.filter(({ peer }) => peer !== node.peerId)
  const measured = links.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const local = services.filter((service) => service.local)
  return [
    family(
      'x0t_members',
      'Other members of the mesh, by whether this node reaches them.',
      counts(
        'state',
        ['reachable', 'unreachable'],
        others.map(({ reachable }) => (reachable ? 'reachable' : 'unreachable')),
      ),
    ),
    family(
      'x0t_link_up',
      'Whether the direct link to a neighbour carries traffic.',
      measured.map(({ state, name }) =>
        sample(state === 'up' || state === 'degraded' ? 1 : 0, { peer: name }),
      ),
    ),
    family(
      'x0t_link_round_trip_seconds',
      'Measured round trip of the link to a neighbour.',
      measured.flatMap(({ rttMs, name }) => (rttMs === null ? [] : sample(seconds(rttMs), { peer: name }))),
    ),
    family(
      'x0t_link_loss_ratio',
      'Loss of the link to a neighbour, estimated from late arrivals.',
      measured.flatMap(({ lossEstimate, name }) =>
        lossEstimate === null ? [] : sample(lossEstimate, { peer: name }),
      ),
    ),
    family(
      'x0t_service_healthy',
      'Whether a service that this node offers passes its check.',
      local.flatMap(({ name, state }) =>
        state === 'unknown' ? [] : sample(state === 'healthy' ? 1 : 0, { service: name }),
      ),
    ),
  ]
}

function ofCare({ status, incidents, loop, alerts }: MetricFacts): MetricFamily[] {
  const perChannel = (value: (channel: MetricFacts['alerts'][number]) => number): Sample[] =>
    alerts.map((channel) => sample(value(channel), { channel: channel.settings.name }))
  return [
    family('x0t_incidents_open', 'Incidents that are not over.', counts('severity', SEVERITIES, incidents)),
    family(
      'x0t_health_items',
      'Conditions that x0t status shows.',
      counts(
        'severity',
        SEVERITIES,
        status.health.map(({ severity }) => severity),
      ),
    ),
    family(
      'x0t_loop_state',
      '1 for the state that the repair loop is in.',
      counts('state', LOOP_STATES, [loop.state]),
    ),
    family('x0t_repairs_running', 'Incidents that are being repaired by this node.', [
      sample(loop.healing.length),
    ]),
    family(
      'x0t_alerts_waiting',
      'Alerts that have not been sent yet.',
      perChannel(({ waiting }) => waiting),
    ),
    family(
      'x0t_alerts_lost_total',
      'Alerts that were given up.',
      perChannel(({ lost }) => lost),
      'counter',
    ),
  ]
}

/** All figures of a node. Pure; the names are stable. */
export function collectMetrics(facts: MetricFacts): MetricFamily[] {
  const { status, certificateEnds, startedAt, process } = facts
  const flows = [...status.forwards, ...status.socks].reduce((sum, one) => sum + one.flows, 0)
  return [
    family('x0t_build_info', 'The version that runs; always 1.', [sample(1, { version: PRODUCT_VERSION })]),
    family('x0t_node_member', 'Whether the certificate of this node counts.', [
      sample(status.node.state === 'up' ? 1 : 0),
    ]),
    family(
      'x0t_certificate_expiry_timestamp_seconds',
      'When the certificate of this node ends.',
      certificateEnds === undefined ? [] : [sample(seconds(certificateEnds))],
    ),
    ...ofMesh(status),
    family('x0t_flows_open', 'Flows through local ports that are open.', [sample(flows)]),
    ...ofCare(facts),
    family('process_start_time_seconds', 'When the node was started.', [sample(seconds(startedAt))]),
    family(
      'process_cpu_seconds_total',
      'CPU time of the node, of user and system.',
      [sample(process.cpuMicroseconds / 1_000_000)],
      'counter',
    ),
    family('process_resident_memory_bytes', 'Memory of the node.', [sample(process.residentBytes)]),
    family('nodejs_heap_size_used_bytes', 'Heap of JavaScript in use.', [sample(process.heapBytes)]),
  ].filter(({ samples }) => samples.length > 0)
}
