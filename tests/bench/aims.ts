/** What a benchmark set out to reach, beside the figure that it measured. */
export interface Aim {
  readonly of: 'median' | 'p95'
  readonly limit: number
  /** A rate should be at least this; a time, or a loss, at most. */
  readonly isLeast: boolean
}

interface AimRule extends Aim {
  readonly bench: string
  readonly metric: RegExp
  readonly unit?: string
}

const atMost = (bench: string, metric: RegExp, of: Aim['of'], limit: number, unit?: string): AimRule => ({
  ...{ bench, metric, of, limit, isLeast: false },
  ...(unit === undefined ? {} : { unit }),
})

const RULES: readonly AimRule[] = [
  atMost('failover', /^(?:link reset|transit node SIGKILL|provider SIGKILL).*longest gap/, 'p95', 150),
  atMost('failover', /^(?:black hole|transit node SIGSTOP).*longest gap/, 'p95', 500),
  atMost('failover', /./, 'p95', 0, 'lost'),
  atMost('scale', /^ring of six, cold start/, 'p95', 1),
  atMost('scale', /^50 nodes, cold start/, 'p95', 15),
  atMost('idle', /resident/, 'p95', 100, 'MB'),
  atMost('topology', /^frame, 1000 nodes/, 'median', 20),
  atMost('topology', /^frame, 10000 nodes/, 'median', 50),
  atMost('console', /^first meaningful paint/, 'p95', 1_500),
  atMost('console', /^first load, compressed$/, 'p95', 450 * 1_024),
  atMost('handshake', /\/ .*stock/, 'median', 1.15, 'x'),
]

export const aimOf = (bench: string, metric: string, unit: string): Aim | undefined =>
  RULES.find(
    (rule) =>
      rule.bench === bench && rule.metric.test(metric) && (rule.unit === undefined || rule.unit === unit),
  )

/** In a sentence or two, what is measured and what others reach. */
export const ABOUT: Readonly<Record<string, string>> = {
  console:
    'A first visit to the web console in a Chromium that has nothing of it yet: from the address to the first figures on the page, and what is loaded until then.',
  failover:
    'A ring of six nodes and a client at one side that talks to a server at the other: the longest time without an answer (requests every 20 ms, so 20 is the least) or without a byte (bulk), after a fault on the path in use; and what was lost or repeated, or a client connection that broke. On such a ring babeld takes 677 ms after a silent loss, OSPF with BFD 928, tinc 1,502, Yggdrasil 6,480; after a hard cut babeld takes under 30 and OSPF 469.',
  scale:
    'Real nodes without proxies, from homes that exist; every clock starts when the first process is spawned. Yggdrasil takes 1.2 to 2.2 s from the cold start of a ring of six to the first request across.',
  throughput:
    'One flow and eight, direct and over one and two nodes between, beside raw TCP and stock libp2p.',
  handshake: 'A new connection, beside the stock Noise of libp2p.',
  idle: 'What a node takes that has three links and nothing to do.',
  routing: 'Recomputing paths in a mesh of 1,000 nodes and 4,000 links.',
}
