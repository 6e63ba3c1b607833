import type { AuditEntryView } from '../../node-core/contract/audit-schemas.ts'
import { meshIdSchema, nodeNameSchema, peerIdSchema } from '../../node-core/contract/schemas.ts'
import type { NodeApi } from '../../node-core/control/node-api.ts'
import { FaultError } from '../../node-core/platform/error.ts'

const AT = Date.UTC(2026, 10, 3, 15, 0, 0)
const LAPTOP = peerIdSchema.parse(`12D3KooW${'A'.repeat(44)}`)
const laptop = nodeNameSchema.parse('laptop')
const server = nodeNameSchema.parse('server')

const entry = (seq: number): AuditEntryView => ({
  ...{ seq, at: AT + seq * 60_000, role: 'owner', operation: 'services.expose' },
  actor: { kind: 'person', name: 'anna', via: 'local-socket', peer: null },
  correlation: `cor-${String(seq).padStart(16, '0')}`,
  ...{ input: { name: 'web' }, before: null, after: { name: 'web', target: 'localhost:80' } },
  ...{ outcome: 'done', detail: null, chain: 'a'.repeat(32) },
  ...{ hash: String(seq).padStart(64, '0'), prev: String(seq - 1).padStart(64, '0') },
})

/** A log of three entries that is whole. */
export function fakeAudit(called: (operation: string, input?: unknown) => void): NodeApi['audit'] {
  const entries = [1, 2, 3].map(entry)
  return {
    async list(input) {
      called('audit.list', input)
      const items = entries
        .filter(({ seq }) => seq < (input.before ?? 9))
        .reverse()
        .slice(0, input.limit)
      return { items, next: items.length < input.limit ? null : (items.at(-1)?.seq ?? null) }
    },
    async show({ seq }) {
      called('audit.show', { seq })
      const found = entries.find((one) => one.seq === seq)
      if (found === undefined)
        throw new FaultError({ code: 'UNKNOWN_AUDIT_ENTRY' }, `there is no entry ${seq}`)
      return { entry: found }
    },
    async verify(input) {
      called('audit.verify', input)
      return {
        ...{ node: laptop, peer: LAPTOP, ok: true, entries: 3, first: 1, last: 3, findings: [] },
        holders: [{ node: server, peer: LAPTOP, heads: 2 }],
        silent: [],
      }
    },
    async export(input) {
      called('audit.export', input)
      const rest = entries.filter(({ seq }) => seq > (input.after ?? 0))
      const items = rest.slice(0, Math.min(2, input.limit))
      return {
        ...{ meshId: meshIdSchema.parse('ab'.repeat(32)), node: laptop, peer: LAPTOP },
        publicKey: { ed25519: 'AAAA', mldsa: 'AAAA' },
        items: items.map((one) => ({ entry: one, bytes: 'AAAA' })),
        head: 'AAAA',
        next: items.length < rest.length ? (items.at(-1)?.seq ?? null) : null,
      }
    },
  }
}
