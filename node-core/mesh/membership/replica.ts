import type { PeerId } from '../../domain/ids.ts'
import { decodeNodeRecord } from '../../security/node-record.ts'
import { decodePolicyVersion } from '../../security/policy-version.ts'
import { decodeHead, decodeRevocation } from '../../security/revocation.ts'
import type * as flood from '../flood/replica.ts'
import { type Acceptance, bad, type MembershipContext } from './context.ts'
import type { News } from './events.ts'
import type { PolicyBook } from './policy-book.ts'
import type { RecordBook } from './record-book.ts'
import { type Registry, rankOf } from './registry.ts'
import type { RevocationBook } from './revocation-book.ts'

export const ITEM_KINDS = ['certificate', 'revocation', 'head', 'policy', 'record'] as const
export type ItemKind = (typeof ITEM_KINDS)[number]

export type Item = flood.Item<ItemKind>
export type DigestLine = flood.DigestLine<ItemKind>

/** The shared, signed state as one table. */
export interface Replica extends flood.Replica<ItemKind> {
  /** Decodes, verifies and, if it is good and new, keeps an item and emits it as news. */
  accept(item: Item): Acceptance
}

interface ReplicaParts {
  readonly registry: Registry
  readonly revocations: RevocationBook
  readonly policies: PolicyBook
  readonly records: RecordBook
}

export function createReplica(context: MembershipContext, parts: ReplicaParts): Replica {
  const { registry, revocations } = parts

  const acceptByKind = ({ kind, bytes }: Item): Acceptance => {
    const malformed = bad(`${kind}: malformed`)
    switch (kind) {
      case 'certificate': {
        const chain = registry.read(bytes)
        return chain === undefined ? malformed : registry.accept(chain)
      }
      case 'revocation': {
        const entry = decodeRevocation(bytes)
        return entry === undefined ? malformed : revocations.accept(entry)
      }
      case 'head': {
        const head = decodeHead(bytes)
        return head === undefined ? malformed : revocations.acceptHead(head)
      }
      case 'policy': {
        const version = decodePolicyVersion(bytes)
        return version === undefined ? malformed : parts.policies.accept(version)
      }
      case 'record': {
        const record = decodeNodeRecord(bytes)
        return record === undefined ? malformed : parts.records.accept(record)
      }
    }
  }

  return {
    digest: () => digestOf(parts),
    read: ({ kind, name }) => readItem(parts, kind, name),
    accept(item) {
      const outcome = acceptByKind(item)
      if (outcome.kind !== 'kept') return outcome
      context.counters.count(`learned.${item.kind}`)
      // A new certificate may be the issuer's that makes a log count, a new entry may end a membership.
      if (item.kind === 'certificate' || item.kind === 'revocation') registry.sweep()
      context.events.emit('news', outcome.news)
      return outcome
    },
  }
}

function digestOf({ registry, revocations, policies, records }: ReplicaParts): readonly DigestLine[] {
  const version = policies.current()
  return [
    ...registry.shared().map((chain): DigestLine => {
      const { peerId, generation, issuedAt, hash } = chain.leaf
      const name = `${peerId}/${rankOf(chain)}`
      return { kind: 'certificate', name, version: [generation, issuedAt, hash.slice(0, 16)] }
    }),
    ...revocations
      .entries()
      .map(
        (entry): DigestLine => ({ kind: 'revocation', name: `${entry.issuer}/${entry.hash}`, version: [] }),
      ),
    ...revocations
      .heads()
      .map((head): DigestLine => ({ kind: 'head', name: head.issuer, version: [head.seq, head.at] })),
    ...(version === undefined
      ? []
      : [{ kind: 'policy', name: 'policy', version: [version.number] } satisfies DigestLine]),
    ...records
      .all()
      .filter((record) => registry.standing(record.peerId) === 'member')
      .map(
        (record): DigestLine => ({
          kind: 'record',
          name: record.peerId,
          version: [record.incarnation, record.seq],
        }),
      ),
  ]
}

function readItem(parts: ReplicaParts, kind: ItemKind, name: string): Item | undefined {
  const [first = '', second = ''] = name.split('/')
  const bytesOf = (): Uint8Array | undefined => {
    switch (kind) {
      case 'certificate':
        return parts.registry.slot(first as PeerId, Number(second))?.bytes
      case 'revocation':
        return parts.revocations.entry(first, second)?.bytes
      case 'head':
        return parts.revocations.head(name)?.bytes
      case 'policy':
        return parts.policies.current()?.bytes
      case 'record':
        return parts.records.get(name as PeerId)?.bytes
    }
  }
  const bytes = bytesOf()
  return bytes && { kind, bytes }
}

/** The name under which the digest lists what the news is about. */
export function nameOf(news: News): string {
  switch (news.kind) {
    case 'certificate':
      return `${news.peer}/${news.rank}`
    case 'revocation':
      return `${news.issuer}/${news.hash}`
    case 'head':
      return news.issuer
    case 'policy':
      return 'policy'
    case 'record':
      return news.peer
  }
}
