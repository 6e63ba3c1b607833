import type { NetcheckResult } from '../../contract/routing-schemas.ts'
import type { Standing } from '../../mesh/membership/events.ts'

export interface NetworkFacts extends Pick<NetcheckResult, 'listen' | 'reach' | 'members' | 'clock'> {
  readonly standing: Standing
  /** Clocks that differ by more refuse each other's certificates. */
  readonly maxSkewMs: number
}

export interface NetworkProblem {
  /** One sentence. */
  readonly what: string
  readonly todo: string
}

/** A clock that is off by more is wrong, though nothing breaks yet. */
const NOTABLE_OFFSET_MS = 5_000

/** What is wrong, the most urgent first. Pure. */
export function judgeNetwork(facts: NetworkFacts): readonly NetworkProblem[] {
  return [...judgeStanding(facts), ...judgeClock(facts), ...judgeMembers(facts), ...judgeReach(facts)]
}

function judgeStanding({ standing }: NetworkFacts): NetworkProblem[] {
  if (standing === 'member') return []
  return [
    {
      what: `This node is no member any more: its certificate is ${standing}.`,
      todo: 'Ask an admin of the mesh for a new invite and join again with x0t join.',
    },
  ]
}

function judgeClock({ clock: { offsetMs, neighbours }, maxSkewMs }: NetworkFacts): NetworkProblem[] {
  if (offsetMs === null || Math.abs(offsetMs) < NOTABLE_OFFSET_MS) return []
  const seconds = Math.round(Math.abs(offsetMs) / 1_000)
  const side = offsetMs > 0 ? 'behind' : 'ahead of'
  const risk =
    Math.abs(offsetMs) > maxSkewMs
      ? 'Certificates are refused because of that.'
      : 'Certificates are refused once it is five minutes.'
  return [
    {
      what: `The clock of this machine is ${seconds} s ${side} that of its ${neighbours} neighbour(s).`,
      todo: `Set the clock, best by switching on time synchronisation (NTP). ${risk}`,
    },
  ]
}

function judgeMembers({ members }: NetworkFacts): NetworkProblem[] {
  const lost = members.filter(({ reachable }) => !reachable).map(({ name }) => name)
  if (lost.length === 0) return []
  if (lost.length === members.length) {
    return [
      {
        what: `This node reaches none of the ${members.length} other members.`,
        todo: 'Check the network and the firewall of this machine; outgoing TCP to the ports of the members must be allowed. If a member has moved, name its address: x0t up --peer /ip4/ADDRESS/tcp/PORT.',
      },
    ]
  }
  return [
    {
      what: `This node does not reach ${lost.join(', ')}.`,
      todo: 'Check that they run (x0t status there), and run x0t netcheck on them.',
    },
  ]
}

function judgeReach({ listen, reach, members }: NetworkFacts): NetworkProblem[] {
  if (listen.addresses.length === 0) {
    return [
      {
        what: 'This node listens on no address, so nobody can connect to it.',
        todo: 'Set listen in x0t.yaml, or start it with x0t up --listen /ip4/0.0.0.0/tcp/0, unless you want it so.',
      },
    ]
  }
  if (members.length === 0 || reach.reachable !== false) return []
  const ports = [...new Set(listen.addresses.flatMap((address) => /\/tcp\/(\d+)/.exec(address)?.[1] ?? []))]
  if (reach.results.length === 0) {
    return [
      {
        what: 'This node tells the others no address that they could use.',
        todo: 'Set announce in x0t.yaml to the address under which others see this machine.',
      },
    ]
  }
  return [
    {
      what: `Others cannot connect to this node: ${reach.askedNode ?? 'a neighbour'} has tried.`,
      todo: `Allow incoming TCP to port ${ports.join(', ')} in the firewall; behind a router forward that port and set announce in x0t.yaml to the router's address. Until then other members are reached because this node dials them.`,
    },
  ]
}
