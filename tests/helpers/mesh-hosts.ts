import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type PeerId, parsePeerId } from '../../node-core/domain/ids.ts'
import { createHost, type Host, type HostDeps } from '../../node-core/mesh/host/host.ts'
import type { Standing } from '../../node-core/mesh/membership/events.ts'
import type { Admission } from '../../node-core/noise-hfs/admission-port.ts'
import { createMeshNoise } from '../../node-core/noise-hfs/noise-hfs.ts'
import { type Clock, systemClock } from '../../node-core/platform/clock.ts'
import { createEmitter } from '../../node-core/platform/emitter.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'

/** A membership that admits everybody until told otherwise. */
export function createOpenMembership() {
  const standings = new Map<PeerId, Standing>()
  const events = createEmitter<{ expelled: { peer: PeerId; reason: string } }>((error) => {
    throw error
  })
  return {
    standing: (peer: PeerId): Standing => standings.get(peer) ?? 'member',
    events,
    set: (peer: PeerId, standing: Standing) => standings.set(peer, standing),
    expel(peer: PeerId, reason: 'revoked' | 'expired' = 'revoked') {
      standings.set(peer, reason)
      events.emit('expelled', { peer, reason })
    },
  }
}

export interface TestHost {
  readonly host: Host
  readonly membership: ReturnType<typeof createOpenMembership>
}

/** Lets everybody in who completes the handshake. */
export const openAdmission: Admission = {
  prove: async () => Uint8Array.of(1),
  judge: async () => ({ kind: 'admit', reply: Uint8Array.of(1) }),
  judgeReply: async () => ({ kind: 'admitted' }),
}

/** A real host on loopback, started. */
export async function startTestHost(
  overrides: Partial<Pick<HostDeps, 'noise' | 'clock' | 'interfaces' | 'identity'>> & {
    listen?: readonly string[]
    clock?: Clock
  } = {},
): Promise<TestHost> {
  const membership = createOpenMembership()
  const { listen, ...deps } = overrides
  const host = createHost(
    {
      identity: await testIdentity(),
      noise: createMeshNoise({ admission: openAdmission }),
      membership,
      clock: systemClock,
      logger: silentLogger,
      ...deps,
    },
    { listen: listen ?? ['/ip4/127.0.0.1/tcp/0'] },
  )
  await host.start()
  return { host, membership }
}

async function testIdentity(): Promise<HostDeps['identity']> {
  const libp2pKey = await generateKeyPair('Ed25519')
  const peerId = parsePeerId(peerIdFromPrivateKey(libp2pKey).toString())
  if (peerId === undefined) throw new Error('the generated key has no PeerId of our form')
  return { peerId, libp2pKey }
}

/** The addresses of a host with its PeerId, as somebody else dials them. */
export const dialAddresses = (host: Host): readonly string[] =>
  host.listenAddresses().map((address) => `${address}/p2p/${host.peerId}`)
