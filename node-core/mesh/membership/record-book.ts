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

export function createRecordBook(
  context: MembershipContext,
  options: { readonly version: string },
  certificateOf: (peer: PeerId) => Certificate | undefined,
): RecordBook {
  const records = new Map<PeerId, NodeRecord>()
  const self = context.identity.peerId
  let incarnation = 0
  let seq = 0
  let said: OwnRecord | undefined

  const keep = (record: NodeRecord): void => {
    records.set(record.peerId, record)
    const { peerId: peer, bytes } = record
    context.store.nodeRecords.put({ peer, incarnation: record.incarnation, seq: record.seq, record: bytes })
  }
  const beginIncarnation = (number: number): void => {
    incarnation = number
    seq = 0
    context.store.meta.set(INCARNATION_KEY, String(number))
  }
  const sign = (own: OwnRecord): NodeRecord => {
    seq += 1
    said = own
    const record = signNodeRecord(context.identity.key, {
      meshId: context.meshId,
      peerId: self,
      incarnation,
      seq,
      addresses: own.addresses,
      services: own.services,
      version: options.version,
      at: context.clock.now(),
    })
    keep(record)
    return record
  }

  /** A record of this node that is newer than its own: the home was restored from a backup. It jumps above. */
  const acceptOwn = (record: NodeRecord): Acceptance => {
    beginIncarnation(Math.max(incarnation, record.incarnation) + 1)
    context.logger.warn('others remember a later life of this node: going on above it', { incarnation })
    if (said !== undefined) sign(said)
    else keep(record)
    return { kind: 'kept', news: { kind: 'record', peer: self } }
  }

  return {
    load() {
      for (const row of context.store.nodeRecords.all()) {
        const record = decodeNodeRecord(row.record)
        const certificate = certificateOf(row.peer)
        if (record === undefined || certificate === undefined) continue
        if (verifyNodeRecord(record, certificate, Number.MAX_SAFE_INTEGER) === 'valid') {
          records.set(record.peerId, record)
        }
      }
      const remembered = Number(context.store.meta.get(INCARNATION_KEY) ?? 0)
      const last = Math.max(
        Number.isSafeInteger(remembered) ? remembered : 0,
        records.get(self)?.incarnation ?? 0,
      )
      beginIncarnation(last + 1)
    },
    accept(record) {
      const known = records.get(record.peerId)
      if (known !== undefined && compareNodeRecords(record, known) <= 0) return KNOWN
      const certificate = certificateOf(record.peerId)
      if (certificate === undefined) return later('record: its node is not known')
      const verdict = verifyNodeRecord(record, certificate, context.clock.now())
      if (verdict === 'not-yet-valid') return later('record: not-yet-valid')
      if (verdict !== 'valid') return bad(`record: ${verdict}`)
      if (record.peerId === self) return acceptOwn(record)
      keep(record)
      context.events.emit('memberChanged', { peer: record.peerId })
      return { kind: 'kept', news: { kind: 'record', peer: record.peerId } }
    },
    get: (peer) => records.get(peer),
    all: () => [...records.values()],
    publish(own) {
      const bounded: OwnRecord = {
        addresses: own.addresses.slice(0, MAX_RECORD_ADDRESSES),
        services: own.services.slice(0, MAX_RECORD_SERVICES),
      }
      const isSame = said !== undefined && JSON.stringify(said) === JSON.stringify(bounded)
      return isSame ? undefined : sign(bounded)
    },
    forget(peer) {
      records.delete(peer)
      context.store.nodeRecords.remove(peer)
    },
  }
}
