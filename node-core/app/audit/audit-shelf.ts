import type { PeerId } from '../../domain/ids.ts'
import { roleAtLeast } from '../../domain/role.ts'
import type { Knowledge } from '../../knowledge/knowledge.ts'
import { type AuditShelf, PAGE_BYTES } from '../../mesh/audit/audit-exchange.ts'
import type { Membership } from '../../mesh/membership/membership.ts'
import type { Clock } from '../../platform/clock.ts'
import { type AuditSigner, decodeAuditHead, isAuditHeadOf } from '../../security/audit-entry.ts'
import { ed25519KeyOf } from '../../security/identity.ts'

export interface AuditShelfDeps {
  readonly clock: Clock
  readonly knowledge: Pick<Knowledge, 'audit' | 'heldAuditHeads'>
  readonly membership: Pick<Membership, 'meshId' | 'standing' | 'certificateOf'>
  /** A node has signed two different logs under the same numbers: nobody but whoever has its key can. */
  readonly onConflict: (peer: PeerId, seq: number) => void
}

/** More heads an hour are not kept of one node: with them it could crowd out what convicts it. */
const MAX_HEADS_AN_HOUR = 360
const HOUR_MS = 3_600_000
const ROWS = 512
/** After a restore, numbers of the lost chain may be higher than those of the present one. */
const NEWEST = 16

/** By whose keys the log of a node is judged. Also of one that is no member any more. */
export function auditSigner(
  { meshId, certificateOf }: Pick<Membership, 'meshId' | 'certificateOf'>,
  node: PeerId,
): AuditSigner | undefined {
  const mldsa = certificateOf(node)?.mldsaPublicKey
  const ed25519 = ed25519KeyOf(node)
  return mldsa === undefined || ed25519 === undefined ? undefined : { meshId, node, key: { ed25519, mldsa } }
}

/** What this node holds of the logs of others, and lets them read of its own. */
export function createAuditShelf({ clock, knowledge, membership, onConflict }: AuditShelfDeps): AuditShelf {
  const { audit, heldAuditHeads } = knowledge
  return {
    hold(from, bytes) {
      const head = decodeAuditHead(bytes)
      const signer = auditSigner(membership, from)
      if (head === undefined || signer === undefined || !isAuditHeadOf(head, signer)) return undefined
      const now = clock.now()
      if (heldAuditHeads.countSince(from, now - HOUR_MS) < MAX_HEADS_AN_HOUR) {
        heldAuditHeads.put({ node: from, seq: head.seq, hash: head.hash, heldAt: now, head: bytes })
      }
      const rows = heldAuditHeads.of(from)
      // Decoding costs: only what may matter is.
      const near = [...rows.filter(({ seq }) => seq === head.seq), ...rows.slice(-NEWEST)].flatMap((row) => {
        const held = decodeAuditHead(row.head)
        return held?.chain === head.chain ? [held] : []
      })
      if (near.some(({ seq, hash }) => seq === head.seq && hash !== head.hash)) onConflict(from, head.seq)
      return near.at(-1)?.bytes
    },
    held: (of) => heldAuditHeads.of(of).map(({ head, heldAt }) => ({ head, heldAt })),
    page(from, after) {
      const isMember = membership.standing(from) === 'member'
      const role = membership.certificateOf(from)?.role
      if (!isMember || role === undefined || !roleAtLeast(role, 'viewer')) return undefined
      const found = audit.after(after, ROWS)
      let sizeBytes = 0
      const rows = found.filter(({ entry }) => {
        sizeBytes += entry.length
        return sizeBytes <= PAGE_BYTES
      })
      const isMore = rows.length < found.length || found.length === ROWS
      return { rows, head: audit.head() ?? null, next: isMore ? (rows.at(-1)?.seq ?? null) : null }
    },
  }
}
