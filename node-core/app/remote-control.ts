import {
  CONTROL_PROTOCOL,
  type ControlMembers,
  type ControlStreams,
  MAX_CONTROL_FRAME,
} from '../control/remote/ports.ts'
import { roleAtLeast } from '../domain/role.ts'
import { createMessageFrames } from '../mesh/host/message-frames.ts'
import type { PeerStreams } from '../mesh/host/peer-streams.ts'
import type { Membership } from '../mesh/membership/membership.ts'
import { flagValue } from '../security/feature-flags.ts'
import { ed25519KeyOf } from '../security/identity.ts'
import { evaluatePolicy } from '../security/policy.ts'

/** Of one member towards this node: a console has a few, and each call of a command one. */
const MAX_STREAMS = 16
const CLOSE_MS = 2_000

export function createControlStreams(streams: PeerStreams): ControlStreams {
  const framed = (
    stream: Parameters<typeof createMessageFrames>[0],
  ): ReturnType<typeof createMessageFrames> =>
    createMessageFrames(stream, { maxFrameBytes: MAX_CONTROL_FRAME })
  return {
    async open(peer, signal) {
      const frames = framed(await streams.open(peer, CONTROL_PROTOCOL, signal))
      return { ...frames, end: () => frames.end(AbortSignal.timeout(CLOSE_MS)) }
    },
    handle: (handler) =>
      streams.handle(CONTROL_PROTOCOL, (stream, peer) => handler(framed(stream), peer), {
        maxStreams: MAX_STREAMS,
      }),
    unhandle: () => streams.unhandle(CONTROL_PROTOCOL),
  }
}

/**
 * Who may steer this node from another one: with the role of its certificate where the policy lets it administer this
 * node, else as a viewer; nobody while the flag `remote-control` is off here.
 */
export function createControlMembers(membership: Membership): ControlMembers {
  const certificateOf = (peer: Parameters<ControlMembers['roleOf']>[0]) =>
    membership.standing(peer) === 'member' ? membership.certificateOf(peer) : undefined
  return {
    self: membership.self,
    roleOf(peer) {
      const [who, at] = [certificateOf(peer), certificateOf(membership.self)]
      if (who === undefined || at === undefined) return undefined
      const policy = membership.policy()
      if (!flagValue(policy.flags, 'remote-control', at.labels).value) return undefined
      const mayAdminister = evaluatePolicy(policy, { action: 'administer', who, at }).allow
      return mayAdminister || !roleAtLeast(who.role, 'viewer') ? who.role : 'viewer'
    },
    keyOf(peer) {
      const certificate = certificateOf(peer)
      const ed25519 = ed25519KeyOf(peer)
      if (certificate === undefined || ed25519 === undefined) return undefined
      return { ed25519, mldsa: certificate.mldsaPublicKey }
    },
    onChange(callback) {
      const offs = [
        membership.events.on('expelled', ({ peer }) => callback(peer)),
        membership.events.on('memberChanged', ({ peer }) => callback(peer)),
        membership.events.on('policyChanged', () => {
          for (const { peer } of membership.members()) callback(peer)
        }),
      ]
      return () => {
        for (const off of offs) off()
      }
    },
  }
}
