import type { PeerId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'
import type { HybridPublicKey } from '../../security/hybrid-key.ts'

export const CONTROL_PROTOCOL = '/x0t/control/1'
/** As much as a status of a large mesh, or an import of a configuration. */
export const MAX_CONTROL_FRAME = 4 * 1024 * 1024

/** Messages over a stream between two members, encrypted from end to end. */
export interface ControlFrames {
  /** Nothing after the other end's clean close. */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>
  /** Resolves once there is room for more. */
  write(frame: Uint8Array): Promise<void>
  end(): Promise<void>
  abort(error: Error): void
}

/** Streams of CONTROL_PROTOCOL. */
export interface ControlStreams {
  open(peer: PeerId, signal: AbortSignal): Promise<ControlFrames>
  handle(handler: (frames: ControlFrames, peer: PeerId) => void): Promise<void>
  unhandle(): Promise<void>
}

/** What certificates say. */
export interface ControlMembers {
  readonly self: PeerId
  /** Of a member whose certificate is good now; nothing for anybody else. */
  roleOf(peer: PeerId): Role | undefined
  keyOf(peer: PeerId): HybridPublicKey | undefined
  /** Calls back when a certificate ended or another one took its place. */
  onChange(callback: (peer: PeerId) => void): () => void
}
