import type { PeerId, ServiceName } from '../../domain/ids.ts'
import type { Certificate } from '../../security/certificate.ts'
import {
  compareNodeRecords,
  decodeNodeRecord,
  MAX_RECORD_ADDRESSES,
  MAX_RECORD_SERVICES,
  type NodeRecord,
  signNodeRecord,
  verifyNodeRecord,
} from '../../security/node-record.ts'
import { type Acceptance, bad, KNOWN, later, type MembershipContext } from './context.ts'

/** What a node says of itself. */
export interface OwnRecord {
  /** Multiaddrs; only the first 16 are published. */
  readonly addresses: readonly string[]
  /** Only the first 256 are published. */
  readonly services: readonly { readonly name: ServiceName; readonly healthy: boolean }[]
  /** The number of the policy that it works by. */
  readonly policy?: number
}

/** The newest node record of each member: the address book and the service directory. */
export interface RecordBook {
  /** Reads the store and begins a new incarnation of this node. */
  load(): void
  accept(record: NodeRecord): Acceptance
  get(peer: PeerId): NodeRecord | undefined
  all(): readonly NodeRecord[]
  /** Signs and keeps a new record of this node, unless it says what the last one said. */
  publish(own: OwnRecord): NodeRecord | undefined
  forget(peer: PeerId): void
}

const INCARNATION_KEY = 'incarnation'

export const createRecordBook = (
  context: MembershipContext,
  options: { readonly version: string },
  certificateOf: (peer: PeerId) => Certificate | undefined,
): RecordBook => new NodeRecords(context, options.version, certificateOf)

class NodeRecords implements RecordBook {
  readonly #context: MembershipContext
  readonly #version: string
  readonly #certificateOf: (peer: PeerId) => Certificate | undefined
  readonly #records = new Map<PeerId, NodeRecord>()
  #incarnation = 0
  #seq = 0
  #said: OwnRecord | undefined

  constructor(
    context: MembershipContext,
    version: string,
    certificateOf: (peer: PeerId) => Certificate | undefined,
  ) {
    this.#context = context
    this.#version = version
    this.#certificateOf = certificateOf
  }

  load(): void {
    const { store, identity } = this.#context
    for (const row of store.nodeRecords.all()) {
      const record = decodeNodeRecord(row.record)
      const certificate = this.#certificateOf(row.peer)
      if (record === undefined || certificate === undefined) continue
      const verdict = verifyNodeRecord(record, certificate, Number.MAX_SAFE_INTEGER)
      if (verdict === 'valid') this.#records.set(record.peerId, record)
    }
    const remembered = Number(store.meta.get(INCARNATION_KEY) ?? 0)
    const published = this.#records.get(identity.peerId)?.incarnation ?? 0
    this.#beginIncarnation(Math.max(Number.isSafeInteger(remembered) ? remembered : 0, published) + 1)
  }

  accept(record: NodeRecord): Acceptance {
    const { peerId: peer } = record
    const known = this.#records.get(peer)
    if (known !== undefined && compareNodeRecords(record, known) <= 0) return KNOWN
    const certificate = this.#certificateOf(peer)
    if (certificate === undefined) return later('record: its node is not known')
    const verdict = verifyNodeRecord(record, certificate, this.#context.clock.now())
    if (verdict === 'not-yet-valid') return later('record: not-yet-valid')
    if (verdict !== 'valid') return bad(`record: ${verdict}`)
    if (peer === this.#context.identity.peerId) this.#jumpAbove(record)
    else this.#keep(record)
    this.#context.events.emit('memberChanged', { peer })
    return { kind: 'kept', news: { kind: 'record', peer } }
  }

  get(peer: PeerId): NodeRecord | undefined {
    return this.#records.get(peer)
  }

  all(): readonly NodeRecord[] {
    return [...this.#records.values()]
  }

  publish(own: OwnRecord): NodeRecord | undefined {
    const bounded: OwnRecord = {
      addresses: own.addresses.slice(0, MAX_RECORD_ADDRESSES),
      services: own.services.slice(0, MAX_RECORD_SERVICES),
      ...(own.policy === undefined ? {} : { policy: own.policy }),
    }
    const isSame = this.#said !== undefined && JSON.stringify(this.#said) === JSON.stringify(bounded)
    return isSame ? undefined : this.#sign(bounded)
  }

  forget(peer: PeerId): void {
    this.#records.delete(peer)
    this.#context.store.nodeRecords.remove(peer)
  }

  /** A record of this node that is newer than its own: the home was restored from a backup. */
  #jumpAbove(record: NodeRecord): void {
    this.#beginIncarnation(Math.max(this.#incarnation, record.incarnation) + 1)
    this.#context.logger.warn('others remember a later life of this node: going on above it', {
      incarnation: this.#incarnation,
    })
    if (this.#said === undefined) this.#keep(record)
    else this.#sign(this.#said)
  }

  #beginIncarnation(number: number): void {
    this.#incarnation = number
    this.#seq = 0
    this.#context.store.meta.set(INCARNATION_KEY, String(number))
  }

  #sign(own: OwnRecord): NodeRecord {
    const { identity, meshId, clock } = this.#context
    this.#seq += 1
    this.#said = own
    const record = signNodeRecord(identity.key, {
      meshId,
      peerId: identity.peerId,
      incarnation: this.#incarnation,
      seq: this.#seq,
      ...own,
      version: this.#version,
      at: clock.now(),
    })
    this.#keep(record)
    return record
  }

  #keep(record: NodeRecord): void {
    const { peerId: peer, incarnation, seq, bytes } = record
    this.#records.set(peer, record)
    this.#context.store.nodeRecords.put({ peer, incarnation, seq, record: bytes })
  }
}
