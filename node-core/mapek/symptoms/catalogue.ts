import type { Severity } from '../../domain/symptom.ts'

/** What a code stands for. Codes are stable: playbooks, scripts and people rely on them (docs/symptoms.md). */
export interface SymptomKind {
  readonly severity: Severity
  /** From the fault to its incident, in a mesh under traffic. */
  readonly visibleWithinMs: number
  /** Somebody's traffic may not arrive, or arrive late, because of it. */
  readonly impactsConnectivity: boolean
  /** When one of these is found about the same thing or about what holds it, this is a consequence and no incident. */
  readonly dependsOn: readonly string[]
  /** What a tired person needs to know. */
  readonly meaning: string
  /** What to do when the loop does not. */
  readonly remedy: string
}

const kind = (
  severity: Severity,
  visibleWithinMs: number,
  impactsConnectivity: boolean,
  dependsOn: readonly string[],
  meaning: string,
  remedy: string,
): SymptomKind => ({ severity, visibleWithinMs, impactsConnectivity, dependsOn, meaning, remedy })

const WIDE = ['storm', 'mesh-partition', 'uplink-down', 'isolated'] as const
const OF_A_LINK = ['node-down', 'node-stopped', ...WIDE] as const

export const SYMPTOMS = {
  'node-down': kind(
    ...(['critical', 1_000, true, ['node-stopped', ...WIDE]] as const),
    'A member answers nobody any more: its process crashed or hangs, or its machine or network is gone.',
    'Look at the machine: is it up, does x0t status answer there, does its network work?',
  ),
  'node-stopped': kind(
    ...(['info', 1_000, true, WIDE] as const),
    'A member said goodbye and stopped in good order.',
    'Nothing, if that was meant. Start it again with x0t up.',
  ),
  'link-down': kind(
    ...(['warning', 1_000, true, ['link-one-way', 'link-flapping', ...OF_A_LINK]] as const),
    'A direct link is gone or silent, while the node at its other end still answers over other ways.',
    'Traffic takes another way. Look for a cable, a firewall or a NAT between the two.',
  ),
  'link-one-way': kind(
    ...(['warning', 1_500, true, ['link-flapping', ...OF_A_LINK]] as const),
    'Over a direct link one direction arrives and the other does not.',
    'Look for a firewall or a route that differs by direction between the two.',
  ),
  'link-lossy': kind(
    ...([
      'warning',
      10_000,
      true,
      ['link-down', 'link-one-way', 'link-flapping', 'uplink-degraded', 'node-overloaded', ...OF_A_LINK],
    ] as const),
    'Much of what is sent over a direct link arrives late, as it does when packets are lost (estimated).',
    'Traffic takes another way if one is clearly better. Look at the radio or the line.',
  ),
  'link-slow': kind(
    ...([
      'warning',
      10_000,
      true,
      [
        'link-down',
        'link-one-way',
        'link-congested',
        'link-flapping',
        'uplink-degraded',
        'node-overloaded',
        ...OF_A_LINK,
      ],
    ] as const),
    'The round trip of a direct link is several times what it usually is.',
    'Traffic takes another way if one is clearly better. Look at the line, and at what else uses it.',
  ),
  'link-congested': kind(
    ...(['info', 10_000, true, ['link-down', 'uplink-degraded', ...OF_A_LINK]] as const),
    'A direct link carries as much as it can: bytes wait in front of it, and its round trip grows with the load.',
    'Spread the traffic, or get more bandwidth.',
  ),
  'link-flapping': kind(
    ...(['warning', 15_000, true, OF_A_LINK] as const),
    'A direct link comes and goes.',
    'Traffic stays away from it until it is calm. Look for a loose cable or an unstable radio.',
  ),
  'mesh-partition': kind(
    ...(['critical', 2_000, true, ['uplink-down', 'isolated']] as const),
    'A group of members cannot be reached from this side of the mesh, and was connected among itself when last heard of.',
    'Each side goes on by itself and they rejoin without help. Look at what connects the two sites.',
  ),
  'uplink-down': kind(
    ...(['critical', 1_500, true, ['isolated']] as const),
    'All links of this node went down together: its own network is gone, not everybody else.',
    'Look at the network of this machine.',
  ),
  'uplink-degraded': kind(
    ...(['warning', 10_000, true, ['uplink-down', 'isolated', 'node-overloaded']] as const),
    'All links of this node became bad together: its own network is slow or loses packets.',
    'Look at the network of this machine and at what uses it.',
  ),
  isolated: kind(
    ...(['critical', 10_000, true, []] as const),
    'This node has reached no member since it started: every address that it knows is dead, or nobody lets it in.',
    'Check that a member runs and can be reached: x0t netcheck. Give another address with x0t up --peer.',
  ),
  'service-down': kind(
    ...([
      'warning',
      15_000,
      true,
      ['node-down', 'node-stopped', 'uplink-down', 'isolated', 'mesh-partition', 'storm'],
    ] as const),
    'The check of a service fails at a node that is fine itself.',
    'Start the target of the service, or look into its log.',
  ),
  'service-slow': kind(
    ...(['info', 30_000, false, ['service-down', 'node-overloaded']] as const),
    'The check of a service takes several times as long as it usually does.',
    'Look at the load of the target.',
  ),
  'certificate-expiring': kind(
    ...(['warning', 60_000, false, ['certificate-expired', 'isolated']] as const),
    'The certificate of this node should have been renewed by now, and no issuer could be reached.',
    'Bring a node that may issue within reach before the certificate ends.',
  ),
  'certificate-expired': kind(
    ...(['critical', 1_000, true, []] as const),
    'The certificate of this node has expired: no member talks to it any more.',
    'x0t leave, then x0t join with a new invite.',
  ),
  'renewal-ending': kind(
    ...([
      'info',
      120_000,
      false,
      ['certificate-expired', 'uplink-down', 'isolated', 'mesh-partition', 'storm'],
    ] as const),
    'Certificates end within 72 h, a day or an hour and cannot be renewed: their member is away, or nobody who may renew them is within reach. It grows worse with time.',
    'Start the node that is named, or bring the authority back with x0t authority import. Name a second issuer: x0t issuer grant NODE.',
  ),
  'peer-misbehaving': kind(
    ...(['warning', 5_000, false, []] as const),
    'A member keeps sending what does not verify: forged, replayed or malformed.',
    'Look at that machine: it may be broken or taken over. Quarantine or revoke it.',
  ),
  'handshake-failing': kind(
    ...(['warning', 10_000, true, ['certificate-expired', 'clock-skew', 'node-down']] as const),
    'Handshakes with one member fail again and again: its keys, certificate or version do not fit.',
    'Compare versions (x0t peers), and check whether the member was set up anew.',
  ),
  'clock-skew': kind(
    ...(['warning', 10_000, false, []] as const),
    'The clock of a node differs from those of its neighbours.',
    'Let a time service set the clock of that machine.',
  ),
  'node-overloaded': kind(
    ...(['warning', 10_000, true, []] as const),
    'This node runs out of processor, memory, disk or descriptors, or its event loop is late.',
    'See what else runs on the machine. Less transit helps at once.',
  ),
  'store-fault': kind(
    ...(['critical', 35_000, false, []] as const),
    'The store of this node cannot be written: the disk is full, locked or damaged. Traffic goes on.',
    'Make room on the disk, or end the program that locks the store.',
  ),
  'config-drift': kind(
    ...(['warning', 60_000, false, ['mesh-partition', 'uplink-down', 'isolated']] as const),
    'A member works by another version of the policy than this node.',
    'It should go away by itself within a minute. If it stays, restart the member that is behind.',
  ),
  'version-skew': kind(
    ...(['info', 60_000, false, []] as const),
    'Members run different versions of x0t.',
    'Update those that are behind.',
  ),
  storm: kind(
    ...(['critical', 3_000, true, ['uplink-down', 'isolated']] as const),
    'Several faults within seconds: too many to be unrelated.',
    'The loop protects what still works and stops repairing. Look for what they share: a site, a switch, a power line.',
  ),
  'loop-fault': kind(
    ...(['critical', 15_000, false, []] as const),
    'The part that watches and repairs is broken itself: it failed, hangs or repeats itself.',
    'Traffic goes on. Look into the log of this node, and restart it when convenient.',
  ),
} as const satisfies Readonly<Record<string, SymptomKind>>

export type SymptomCode = keyof typeof SYMPTOMS

/** The table of docs/symptoms.md, which a test holds to this. */
export function symptomsTable(): string {
  const rows = Object.entries<SymptomKind>(SYMPTOMS).map(
    ([code, { severity, visibleWithinMs, impactsConnectivity, dependsOn, meaning, remedy }]) =>
      `| \`${code}\` | ${severity} | ${visibleWithinMs / 1_000} s | ${impactsConnectivity ? 'yes' : 'no'} | ${meaning} | ${remedy} | ${dependsOn.length === 0 ? '-' : dependsOn.map((name) => `\`${name}\``).join(', ')} |`,
  )
  return [
    '| Code | Severity | Visible within | Connectivity | Meaning | What to do | Explained by |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** What to do about a code that came from outside; undefined for one that this version does not know. */
export const remedyOf = (code: string): string | undefined =>
  Object.entries<SymptomKind>(SYMPTOMS).find(([known]) => known === code)?.[1].remedy
