import type { AuditEntryView } from '../../contract/audit-schemas.ts'
import type { NodeApi } from '../../control/node-api.ts'
import type { StoredAuditEntry } from '../../knowledge/repositories/audit.ts'
import { FaultError } from '../../platform/error.ts'
import { type AuditEntry, decodeAuditEntry } from '../../security/audit-entry.ts'
import { auditSigner } from '../audit/audit-shelf.ts'
import { verifyLog } from '../audit/verify-log.ts'
import type { NodeParts } from '../node-parts.ts'
import { requireNode } from './resolve-node.ts'
import { nameOf } from './views.ts'

export type AuditLookupFault =
  | { code: 'UNKNOWN_AUDIT_ENTRY'; seq: number }
  | { code: 'AUDIT_DAMAGED'; seq: number }

type Parts = Pick<NodeParts, 'membership' | 'knowledge' | 'auditExchange' | 'clock' | 'routing' | 'facts'>

export function auditOperations(parts: Parts): NodeApi['audit'] {
  const { membership, knowledge, facts } = parts
  const { audit } = knowledge
  return {
    list: async ({ before, limit, ...filter }) => {
      const rows = audit.find({ beforeSeq: before, ...filter }, limit)
      const next = rows.length < limit ? null : (rows.at(-1)?.seq ?? null)
      // One that cannot be read is no reason to show none; verify names it.
      return { items: rows.flatMap((row) => decodeAuditEntry(row.entry) ?? []).map(entryView), next }
    },
    show: async ({ seq }) => {
      const row = audit.get(seq)
      if (row !== undefined) return { entry: entryView(requireEntry(row)) }
      throw new FaultError<AuditLookupFault>(
        { code: 'UNKNOWN_AUDIT_ENTRY', seq },
        `there is no entry ${seq}`,
        {
          hint: 'x0t audit list shows the newest ones.',
        },
      )
    },
    verify: async ({ node }, { signal }) => {
      const peer = node === null ? membership.self : requireNode(parts, node)
      const {
        vouched: _vouched,
        findings,
        holders,
        silent,
        ...verdict
      } = await verifyLog(parts, peer, signal)
      return {
        ...verdict,
        ...{ node: nameOf(parts, peer) ?? facts.nodeName, peer, ok: findings.length === 0 },
        ...{ findings: [...findings], holders: [...holders], silent: [...silent] },
      }
    },
    export: async ({ after, limit }) => {
      const rows = audit.after(after ?? 0, limit)
      const head = audit.head()
      const key = auditSigner(membership, membership.self)?.key
      return {
        ...{ meshId: membership.meshId, node: facts.nodeName, peer: membership.self },
        publicKey: { ed25519: base64(key?.ed25519), mldsa: base64(key?.mldsa) },
        items: rows.map((row) => ({ entry: entryView(requireEntry(row)), bytes: base64(row.entry) })),
        head: head === undefined ? null : base64(head),
        next: rows.length < limit ? null : (rows.at(-1)?.seq ?? null),
      }
    },
  }
}

const base64 = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('base64')

function requireEntry({ seq, entry }: StoredAuditEntry): AuditEntry {
  const decoded = decodeAuditEntry(entry)
  if (decoded !== undefined) return decoded
  throw new FaultError<AuditLookupFault>(
    { code: 'AUDIT_DAMAGED', seq },
    `entry ${seq} cannot be read: it was changed`,
    {
      hint: 'x0t audit verify names all that is wrong with the log.',
    },
  )
}

/** Our own text, or what somebody put in its place. */
function parsed(text: string | null): unknown {
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function entryView(entry: AuditEntry): AuditEntryView {
  const { seq, at, actor, role, operation, correlation, outcome, detail, hash, prev, chain } = entry
  return {
    ...{ seq, at, actor: { ...actor }, role, operation, correlation },
    ...{ input: parsed(entry.input), before: parsed(entry.before), after: parsed(entry.after) },
    ...{ outcome, detail, hash, prev, chain },
  }
}
