import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { withTimeout } from '../../platform/wait.ts'
import { createCarrier, type StreamCarrier } from './carrier.ts'
import { SESSION_PROTOCOL } from './dial-carrier.ts'
import { decodeHello, encodeReply, HELLO_BYTES, type Hello } from './hello.ts'
import type { PeerDesk } from './peer-desk.ts'
import type { CarrierDialer, Path } from './ports.ts'
import type { Session } from './session-contract.ts'
import type { ResetReason } from './session-frames.ts'

const HELLO_LIMIT_MS = 3_000
/** Carriers that one peer may have open towards this node: a primary, a standby, and what is being replaced. */
const MAX_CARRIERS_PER_PEER = 1_024

/** What a hello leads to. */
export type Judgement =
  | { readonly kind: 'refused'; readonly reason: ResetReason }
  | {
      readonly kind: 'taken'
      readonly session: Session
      readonly isNew: boolean
      readonly role: 'primary' | 'standby'
    }

export interface HelloDeskDeps {
  readonly clock: Clock
  readonly carriers: CarrierDialer
  readonly logger: Logger
}

export interface HelloDeskOwner {
  /** Boot epoch of this node. */
  readonly epoch: number
  readonly pendingHellosPerPeer: number
  /** Undefined when nobody is served any more. */
  deskOf(peer: PeerId): PeerDesk | undefined
  judge(hello: Hello, desk: PeerDesk): Judgement
  /** Gives a new session to the application. */
  handOver(session: Session): void
  onRefused(): void
}

/** Reads the hello of each carrier that another member opens, and answers it. What floods is reset unread. */
export function serveHellos(deps: HelloDeskDeps, owner: HelloDeskOwner): Promise<void> {
  return deps.carriers.handle(
    SESSION_PROTOCOL,
    (stream, peer, { path }) => {
      const desk = owner.deskOf(peer)
      if (desk === undefined || desk.pendingHellos >= owner.pendingHellosPerPeer || !desk.hellos.take()) {
        owner.onRefused()
        stream.abort(new Error('too many hellos'))
        return
      }
      desk.pendingHellos++
      const carrier = accept(deps, stream)
      readHello(deps.clock, carrier)
        .then((bytes) => answer(owner, carrier, desk, path, bytes))
        .catch((error: unknown) => {
          owner.onRefused()
          carrier.abort('no hello came')
          deps.logger.debug('a carrier was opened and not used', { peer, error: messageOf(error) })
        })
        .finally(() => {
          desk.pendingHellos--
        })
    },
    { maxStreams: MAX_CARRIERS_PER_PEER },
  )
}

const accept = ({ clock, carriers }: HelloDeskDeps, stream: Stream): StreamCarrier =>
  createCarrier({ clock, stream, line: carriers.lineOf(stream) }, { helloBytes: HELLO_BYTES })

const readHello = (clock: Clock, carrier: StreamCarrier): Promise<Uint8Array> =>
  withTimeout(clock, HELLO_LIMIT_MS, 'the hello of a carrier', () => carrier.hello)

function answer(
  owner: HelloDeskOwner,
  carrier: StreamCarrier,
  desk: PeerDesk,
  path: Path,
  bytes: Uint8Array,
): void {
  const hello = decodeHello(bytes)
  if (hello === undefined) {
    owner.onRefused()
    carrier.abort('what came is no hello')
    return
  }
  const judgement: Judgement =
    hello === 'other-version' ? { kind: 'refused', reason: 'unsupported-version' } : owner.judge(hello, desk)
  if (judgement.kind === 'refused' || hello === 'other-version') {
    const reason = judgement.kind === 'refused' ? judgement.reason : 'unsupported-version'
    if (reason !== 'finished') owner.onRefused()
    carrier.sendHello(encodeReply({ kind: 'refused', epoch: owner.epoch, reason }))
    carrier.close()
    return
  }
  const { session, isNew, role } = judgement
  carrier.sendHello(encodeReply({ kind: 'accepted', epoch: owner.epoch, ...session.position() }))
  session.attach({ carrier, path }, hello, role)
  if (isNew && !session.isOver) owner.handOver(session)
}
