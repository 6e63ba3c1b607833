import type { AuditChange } from '../../node-core/domain/audit.ts'
import {
  type AuditEntry,
  type AuditEntryBody,
  type AuditHead,
  makeAuditEntry,
  NO_AUDIT_ENTRY,
  signAuditHead,
} from '../../node-core/security/audit-entry.ts'
import { NOW_MS, type TestNode } from './security-world.ts'

export const auditChange = (number: number): AuditChange => ({
  at: NOW_MS + number * 1_000,
  actor: { kind: 'person', name: 'the local socket', via: 'local-socket', peer: null },
  role: 'owner',
  operation: 'services.expose',
  correlation: `cor-${String(number).padStart(16, '0')}`,
  input: JSON.stringify({ name: `web-${number}` }),
  before: null,
  after: JSON.stringify({ name: `web-${number}`, target: '127.0.0.1:80' }),
  outcome: 'done',
  detail: null,
})

/** A log of one node. Heads are signed when they are asked for, each once: a signature costs a millisecond. */
export interface TestAuditLog {
  readonly entries: AuditEntry[]
  /** After each entry. */
  readonly heads: readonly AuditHead[]
  /** After the last entry. */
  readonly head: AuditHead | undefined
  add(change?: Partial<AuditEntryBody>): AuditEntry
}

export function testAuditLog({ identity, chain }: TestNode, length = 0): TestAuditLog {
  const entries: AuditEntry[] = []
  const signed = new Map<AuditEntry, AuditHead>()
  const headOf = (entry: AuditEntry): AuditHead => {
    const head = signed.get(entry) ?? signAuditHead(identity.key, entry, entry.at)
    signed.set(entry, head)
    return head
  }
  const add = (change: Partial<AuditEntryBody> = {}): AuditEntry => {
    const last = entries.at(-1)
    const seq = (last?.seq ?? 0) + 1
    const { v: _v, ...body }: AuditEntryBody = {
      ...auditChange(seq),
      v: 1,
      meshId: chain.leaf.meshId,
      node: identity.peerId,
      chain: last?.chain ?? 'a'.repeat(32),
      seq,
      prev: last?.hash ?? NO_AUDIT_ENTRY,
      ...change,
    }
    const entry = makeAuditEntry(body)
    entries.push(entry)
    return entry
  }
  for (let index = 0; index < length; index++) add()
  return {
    ...{ entries, add },
    get heads() {
      return entries.map(headOf)
    },
    get head() {
      const last = entries.at(-1)
      return last && headOf(last)
    },
  }
}
