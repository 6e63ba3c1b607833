import type { PeerId } from '../../node-core/domain/ids.ts'
import { createDirectCarriers } from '../../node-core/mesh/sessions/direct-carriers.ts'
import {
  createSessions,
  type Sessions,
  type SessionsOptions,
} from '../../node-core/mesh/sessions/sessions.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { eventually } from './eventually.ts'
import type { FlowNetwork } from './flow-networks.ts'
import { dialAddresses, startTestHost, type TestHost } from './mesh-hosts.ts'

interface Member {
  readonly test: TestHost
  readonly sessions: Sessions
}

/** Sessions over one direct link between each two real libp2p hosts on loopback. */
export async function startSessionMember(options: SessionsOptions = {}): Promise<Member> {
  const test = await startTestHost()
  const { host, membership } = test
  const sessions = createSessions(
    {
      ...createDirectCarriers({ streams: host }),
      gate: { admits: (peer) => membership.standing(peer) === 'member' },
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    },
    options,
  )
  await sessions.start()
  return { test, sessions }
}

async function connectMembers(from: Member, to: Member): Promise<void> {
  await from.test.host.dial(dialAddresses(to.test.host), AbortSignal.timeout(10_000))
  await eventually('the other end knows', () => to.test.host.peers().includes(from.test.host.peerId))
}

/** A severed link stays away, and sessions give up soon: what outlives a link is tested elsewhere. */
export function createSessionNetwork(): FlowNetwork {
  const members: Member[] = []
  const memberOf = (peer: PeerId): Member => {
    const member = members.find(({ test }) => test.host.peerId === peer)
    if (member === undefined) throw new Error(`${peer} has not joined`)
    return member
  }
  return {
    async join() {
      const member = await startSessionMember({ resumeWindowMs: 1_500 })
      for (const other of members) await connectMembers(member, other)
      members.push(member)
      return { peer: member.test.host.peerId, transport: member.sessions }
    },
    transportOf: (peer) => memberOf(peer).sessions,
    isConnected: (from, to) => memberOf(from).test.host.peers().includes(to),
    sever: (left, right) => memberOf(left).test.host.drop(right, 'the test cut it'),
    async stop() {
      await Promise.all(members.map(({ sessions }) => sessions.stop()))
      await Promise.all(members.map(({ test }) => test.host.stop()))
    },
  }
}
