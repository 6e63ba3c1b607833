import type { PeerId, ServiceName } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { SpliceBytes } from './splice.ts'

/** What a service or a forward has carried since the node started. */
export interface Tally {
  /** Flows open now. */
  open: number
  /** Flows that were carried, open ones too. */
  carried: number
  /** Flows that could not be carried, and those that broke off. */
  failed: number
  toProviderBytes: number
  toClientBytes: number
  /** Why the last of the failed ones failed. */
  lastError: string | undefined
}

export const createTally = (): Tally => ({
  open: 0,
  carried: 0,
  failed: 0,
  toProviderBytes: 0,
  toClientBytes: 0,
  lastError: undefined,
})

/** `use`: a client of this node uses a service. `provide`: a member uses a service of this node. */
export type FlowSide = 'use' | 'provide'

/** A flow that is open now. */
export interface FlowView {
  readonly id: number
  readonly side: FlowSide
  readonly service: ServiceName
  /** The node at the other end. */
  readonly peer: PeerId
  /** Wall clock, ms since the epoch. */
  readonly startedAt: number
  readonly toProviderBytes: number
  readonly toClientBytes: number
}

export interface LedgerLimits {
  /** Flows at once on each side. */
  readonly maxFlows: number
  /** Flows at once that one member may have open here. */
  readonly maxFlowsPerPeer: number
}

/** A place in the ledger, held from the first byte of a flow to its end. */
export interface FlowSlot {
  /** Aborts when the flow has to be reset; the reason is a text. */
  readonly signal: AbortSignal
  /** Says whose flow it is, once known. */
  assign(service: ServiceName, peer: PeerId, tally: Tally): void
  /** To be called when bytes begin to move. */
  carried(): SpliceBytes
  /** Aborts `signal`. */
  reset(reason: string): void
  /** Gives the place back; `error` says why the flow failed. Only the first call counts. */
  close(error?: string): void
}

/** Every flow of this node, bounded. */
export interface FlowLedger {
  /** A place for a flow, or `undefined` when there is none left. `peer` is known on the providing side. */
  admit(side: FlowSide, peer?: PeerId): FlowSlot | undefined
  flows(): readonly FlowView[]
  /** Resets the flows for which `reasonFor` gives a reason, whether assigned or not. */
  resetWhere(reasonFor: (flow: FlowView | undefined) => string | undefined): void
  /** Resolves when no flow is left. */
  drained(): Promise<void>
}

interface Entry {
  readonly side: FlowSide
  readonly controller: AbortController
  readonly admittedPeer: PeerId | undefined
  view?: { -readonly [K in keyof FlowView]: FlowView[K] }
}

export function createFlowLedger(deps: { readonly clock: Clock }, limits: LedgerLimits): FlowLedger {
  const entries = new Map<number, Entry>()
  const perPeer = new Map<PeerId, number>()
  const perSide: Record<FlowSide, number> = { use: 0, provide: 0 }
  let nextId = 1
  let waiters: (() => void)[] = []

  const leave = (id: number, entry: Entry): boolean => {
    if (!entries.delete(id)) return false
    perSide[entry.side] -= 1
    if (entry.admittedPeer !== undefined) {
      const left = (perPeer.get(entry.admittedPeer) ?? 1) - 1
      if (left > 0) perPeer.set(entry.admittedPeer, left)
      else perPeer.delete(entry.admittedPeer)
    }
    if (entries.size === 0) {
      for (const wake of waiters) wake()
      waiters = []
    }
    return true
  }
  return {
    admit(side, peer) {
      if (perSide[side] >= limits.maxFlows) return undefined
      const held = peer === undefined ? 0 : (perPeer.get(peer) ?? 0)
      if (held >= limits.maxFlowsPerPeer) return undefined
      const entry: Entry = { side, controller: new AbortController(), admittedPeer: peer }
      const id = nextId++
      entries.set(id, entry)
      perSide[side] += 1
      if (peer !== undefined) perPeer.set(peer, held + 1)
      return createSlot(id, entry, deps.clock, () => leave(id, entry))
    },
    flows: () => [...entries.values()].flatMap(({ view }) => (view === undefined ? [] : [{ ...view }])),
    resetWhere(reasonFor) {
      for (const { view, controller } of [...entries.values()]) {
        const reason = reasonFor(view)
        if (reason !== undefined) controller.abort(reason)
      }
    },
    drained: () => (entries.size === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
  }
}

function createSlot(id: number, entry: Entry, clock: Clock, leave: () => boolean): FlowSlot {
  let tally: Tally | undefined
  let isCarried = false
  return {
    signal: entry.controller.signal,
    assign(service, peer, owner) {
      tally = owner
      entry.view = {
        id,
        side: entry.side,
        service,
        peer,
        startedAt: clock.now(),
        toProviderBytes: 0,
        toClientBytes: 0,
      }
    },
    carried() {
      const { view } = entry
      if (tally === undefined || view === undefined)
        throw new TypeError('a flow is carried before it is assigned')
      isCarried = true
      tally.open += 1
      tally.carried += 1
      return countInto(entry.side, [tally, view])
    },
    reset: (reason) => entry.controller.abort(reason),
    close(error) {
      if (!leave() || tally === undefined) return
      if (isCarried) tally.open -= 1
      if (error === undefined) return
      tally.failed += 1
      tally.lastError = error
    },
  }
}

interface ByteCount {
  toProviderBytes: number
  toClientBytes: number
}

/** The flow leads to the provider on the using side, and to the client on the providing side. */
function countInto(side: FlowSide, counts: readonly ByteCount[]): SpliceBytes {
  const toProvider = (bytes: number): void => {
    for (const count of counts) count.toProviderBytes += bytes
  }
  const toClient = (bytes: number): void => {
    for (const count of counts) count.toClientBytes += bytes
  }
  return side === 'use'
    ? { toFlow: toProvider, toSocket: toClient }
    : { toFlow: toClient, toSocket: toProvider }
}
