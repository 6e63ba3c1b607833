import type { PeerId, ServiceName } from '../../domain/ids.ts'
import type { LinkState } from '../../domain/link.ts'
import type { Renewable } from '../../domain/renewal-outlook.ts'
import type { Emitter } from '../../platform/emitter.ts'

/** What this node knows at one moment. What is not known is `undefined`, and never counts as fine. */
export interface Picture {
  /** Of this node, by its own word: anything but `member` and nobody talks to it. */
  readonly standing: 'member' | 'expired' | 'revoked' | 'quarantined' | 'unknown'
  readonly links: readonly LinkFact[]
  /** The other members. */
  readonly members: readonly MemberFact[]
  readonly services: readonly ServiceFact[]
  /** All members that count, this one among them, as far as the renewal of their certificates is concerned. */
  readonly renewables: readonly RenewableFact[]
  readonly certificate: { readonly expiresAt: number; readonly renewalDueAt: number } | undefined
  readonly version: string
  /** The number of the policy that this node works by; 0 for none. */
  readonly policy: number
  readonly resources: ResourceFact | undefined
  /** Why the store cannot be written; undefined while it can. */
  readonly storeFault: string | undefined
}

/** A member and how far its certificate goes. */
export interface RenewableFact extends Renewable {
  readonly peer: PeerId
}

export interface LinkFact {
  readonly peer: PeerId
  readonly state: LinkState
  readonly sinceMs: number
  readonly rttMs: number | undefined
  readonly jitterMs: number | undefined
  readonly lossEstimate: number | undefined
  /** The other clock minus ours. */
  readonly clockOffsetMs: number | undefined
  /** Bytes that wait to be sent to it. */
  readonly queuedBytes: number
}

export interface MemberFact {
  readonly peer: PeerId
  /** Some way leads there, by what is advertised. */
  readonly reachable: boolean
  readonly version: string | undefined
  /** The number of the policy that it says it works by. */
  readonly policy: number | undefined
  /** Its neighbours by its last advert. */
  readonly neighbours: readonly PeerId[]
}

export interface ServiceFact {
  readonly name: ServiceName
  readonly provider: PeerId
  readonly state: 'healthy' | 'unhealthy' | 'unknown'
  readonly detail: string | undefined
  /** Provided by this node, or used through one of its ports: others' services are for others to watch. */
  readonly concerns: boolean
  /** Of its last check that succeeded; known at its provider alone. */
  readonly check: CheckFact | undefined
}

export interface CheckFact {
  /** When it ended, ms since the epoch. */
  readonly at: number
  readonly tookMs: number
  /** What it usually takes at this hour, by the store; undefined until it has been read. */
  readonly pastMs: readonly number[] | undefined
}

/** Of this process and its machine; shares are 0 to 1. */
export interface ResourceFact {
  /** Of one core. */
  readonly cpuShare: number
  /** Of all cores, by everything on the machine. */
  readonly machineShare: number
  readonly memoryBytes: number
  readonly freeMemoryShare: number
  /** The longest that the event loop was late since the last sample. */
  readonly loopLagMs: number
  readonly descriptors: number | undefined
  readonly descriptorLimit: number | undefined
  readonly freeDiskShare: number | undefined
}

/** What happens between two pictures. */
export type Signs = {
  link: {
    readonly peer: PeerId
    readonly from: LinkState | undefined
    readonly to: LinkState
    readonly reason: string
    /** Which direction is silent: what comes from there, or what goes there by the other end's word. */
    readonly silentSide: 'here' | 'there' | undefined
    /** The other end said goodbye: it stopped, or wants fewer links. */
    readonly farewell: 'stopped' | 'full' | undefined
  }
  handshakeFailed: { readonly peer: PeerId; readonly why: string }
  misbehaved: { readonly peer: PeerId; readonly what: string }
  clockBehind: { readonly byMs: number }
  /** Some way may have come or gone. */
  routes: Record<string, never>
  /** The machine slept: what was silent meanwhile proves nothing. */
  woke: Record<string, never>
}

/** The mesh as the monitor sees it. */
export interface Watch {
  readonly self: PeerId
  readonly signs: Pick<Emitter<Signs>, 'on'>
  picture(): Picture
  /** A member's name, or its id where none is known. */
  nameOf(peer: PeerId): string
  /** Since the newest advert that a member signed came, ms; undefined where none is known. */
  signedMs(peer: PeerId): number | undefined
  /** A round trip to a member and back, end to end, by the best way there is. Rejects when there is no answer. */
  echo(peer: PeerId, signal: AbortSignal): Promise<{ readonly rttMs: number }>
}
