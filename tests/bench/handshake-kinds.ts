import { noise } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, PrivateKey } from '@libp2p/interface'
import type { EncrypterComponents } from '../../node-core/noise-hfs/encrypter.ts'
import { NoiseHfs } from '../../node-core/noise-hfs/encrypter.ts'
import type { HandshakeEvents } from '../../node-core/noise-hfs/events.ts'
import { createInboundGate } from '../../node-core/noise-hfs/inbound-gate.ts'
import { createMeshNoise } from '../../node-core/noise-hfs/noise-hfs.ts'
import type { AeadKind, Implementation } from '../../node-core/noise-hfs/primitives.ts'
import { selectPrimitives } from '../../node-core/noise-hfs/probe.ts'
import { createSuite } from '../../node-core/noise-hfs/suite.ts'
import { type Clock, systemClock } from '../../node-core/platform/clock.ts'
import { createEmitter } from '../../node-core/platform/emitter.ts'
import { NOW_MS, securityWorld } from '../helpers/security-world.ts'
import { startTestMember, type TestMember } from '../helpers/test-members.ts'

/** Two members of one mesh that nobody else shares, with real certificates: the dialling end and the listening end of every admission. */
export interface Members {
  readonly dialler: TestMember
  readonly listener: TestMember
  close(): Promise<void>
}

/** The time at which the test world's certificates are valid, going on at the pace of real time. */
const worldClock: Clock = { ...systemClock, now: () => NOW_MS + performance.now() }

export async function createMembers(): Promise<Members> {
  const world = securityWorld()
  const [dialler, listener] = await Promise.all([
    startTestMember(world, world.member(), { clock: worldClock }),
    startTestMember(world, world.member(), { clock: worldClock }),
  ])
  const close = async (): Promise<void> => {
    for (const { membership, tickets } of [dialler, listener]) {
      await tickets.stop()
      await membership.stop()
    }
  }
  return { dialler, listener, close }
}

/** One way to secure connections. */
export interface Kind {
  readonly name: string
  readonly throughput: boolean
  /** What the two members are to each other at each new connection. Without admission neither. */
  readonly admission?: 'first' | 'again'
  encrypters(end: TestMember): ((components: KindComponents) => ConnectionEncrypter)[]
}

type KindComponents = EncrypterComponents &
  Parameters<ReturnType<typeof noise>>[0] & { readonly privateKey: PrivateKey }

/** With its own defaults: native code, through `node:crypto` and WebAssembly for small frames. */
export const STOCK: Kind = { name: 'stock noise', throughput: true, encrypters: () => [noise()] }

const MESSAGE_TIMEOUT_MS = 3_000

function withoutAdmission(kind: AeadKind, implementation: Implementation): Kind {
  const suite = createSuite(selectPrimitives(kind, implementation))
  const profile = {
    protocol: `/x0t-bench/${kind}/${implementation}`,
    suite,
    messageTimeoutMs: MESSAGE_TIMEOUT_MS,
  }
  return {
    name: `${kind} ${implementation}`,
    throughput: implementation === 'native',
    encrypters() {
      const events = createEmitter<HandshakeEvents>(() => {})
      const gate = createInboundGate({ clock: systemClock, onShed: () => {} })
      return [(components) => new NoiseHfs({ clock: systemClock, gate, events }, components, profile)]
    },
  }
}

const ADMISSIONS = { first: 'first admission', again: 're-admission' } as const

function withAdmission(
  kind: AeadKind,
  implementation: Implementation,
  admission: NonNullable<Kind['admission']>,
): Kind {
  return {
    name: `${kind} ${implementation} + ${ADMISSIONS[admission]}`,
    throughput: false,
    admission,
    encrypters: ({ admission }) => [
      ...createMeshNoise({ admission }, { implementation, suites: [kind] }).encrypters,
    ],
  }
}

const VARIANTS = (['aesgcm', 'chachapoly'] as const).flatMap((kind) =>
  (['native', 'noble'] as const).map((implementation) => [kind, implementation] as const),
)

export const KINDS: readonly Kind[] = [
  STOCK,
  ...VARIANTS.map(([kind, implementation]) => withoutAdmission(kind, implementation)),
  ...VARIANTS.map(([kind, implementation]) => withAdmission(kind, implementation, 'first')),
  ...VARIANTS.map(([kind, implementation]) => withAdmission(kind, implementation, 'again')),
]
