import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { NodeName, PeerId } from '../../domain/ids.ts'
import type { Knowledge } from '../../knowledge/knowledge.ts'
import type { AuditExchange } from '../../mesh/audit/audit-exchange.ts'
import type { Membership } from '../../mesh/membership/membership.ts'
import type { Routing } from '../../mesh/routing/routing.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import { withTimeout } from '../../platform/wait.ts'
import { decodeAuditHead } from '../../security/audit-entry.ts'
import {
  AUDIT_RETENTION,
  type AuditCheck,
  type AuditEvidence,
  type AuditVerdict,
  createAuditCheck,
  type HeldAuditHead,
} from '../../security/audit-verify.ts'
import { auditSigner } from './audit-shelf.ts'

export interface LogVerification extends AuditVerdict {
  readonly holders: readonly { readonly node: NodeName; readonly peer: PeerId; readonly heads: number }[]
  readonly silent: readonly NodeName[]
}

export interface VerifyLogParts {
  readonly clock: Clock
  readonly membership: Pick<Membership, 'self' | 'meshId' | 'members' | 'certificateOf'>
  readonly knowledge: Pick<Knowledge, 'audit' | 'heldAuditHeads'>
  readonly auditExchange: Pick<AuditExchange, 'askHeld' | 'askPage'>
  readonly routing: Pick<Routing, 'pathsTo'>
}
type Parts = VerifyLogParts

export type AuditFault = { code: 'AUDIT_NOT_SHOWN'; node: string } | { code: 'NOT_A_MEMBER'; peer: PeerId }

/** Others that are asked what they hold: the nearest. */
const MAX_ASKED = 48
const ASK_MS = 5_000
const BATCH = 256
/** Of another node so many entries are read, the newest. */
const MAX_REMOTE_ENTRIES = 20_000

/** Judges the log of a member against what all others hold of it. @throws FaultError of AuditFault, and of the streams */
export async function verifyLog(parts: Parts, node: PeerId, signal: AbortSignal): Promise<LogVerification> {
  const signer = auditSigner(parts.membership, node)
  if (signer === undefined)
    throw new FaultError<AuditFault>(
      { code: 'NOT_A_MEMBER', peer: node },
      'no certificate of that node is known here',
    )
  const { held, holders, silent } = await gatherHeld(parts, node, signal)
  const evidence = { signer, held, retention: AUDIT_RETENTION }
  const verdict =
    node === parts.membership.self
      ? await judgeOwn(parts, evidence, signal)
      : await judgeOther(parts, node, evidence, signal)
  return { ...verdict, holders, silent }
}

async function gatherHeld(parts: Parts, node: PeerId, signal: AbortSignal) {
  const { membership, knowledge, auditExchange, routing, clock } = parts
  const { self } = membership
  const hopsTo = (peer: PeerId): number => routing.pathsTo(peer)[0]?.length ?? Number.MAX_SAFE_INTEGER
  const asked = membership
    .members()
    .filter(({ peer, standing }) => standing === 'member' && peer !== self && peer !== node)
    .sort((left, right) => hopsTo(left.peer) - hopsTo(right.peer))
    .slice(0, MAX_ASKED)
  const held: HeldAuditHead[] = []
  const holders: { node: NodeName; peer: PeerId; heads: number }[] = []
  const silent: NodeName[] = []
  const take = (
    name: NodeName,
    peer: PeerId,
    heads: readonly { head: Uint8Array; heldAt: number }[],
  ): void => {
    if (heads.length === 0) return
    holders.push({ node: name, peer, heads: heads.length })
    held.push(...heads.map(({ head, heldAt }) => ({ bytes: head, holder: name, heldAt })))
  }
  if (node !== self) {
    const own = membership.certificateOf(self)
    if (own !== undefined) take(own.name, self, knowledge.heldAuditHeads.of(node))
  }
  await Promise.all(
    asked.map(async ({ peer, certificate: { name } }) => {
      try {
        const ask = (limit: AbortSignal) => auditExchange.askHeld(peer, node, limit)
        take(name, peer, await withTimeout(clock, ASK_MS, 'asking a member', ask, signal))
      } catch {
        silent.push(name)
      }
    }),
  )
  return { held, holders, silent }
}

async function judgeOwn(
  { knowledge: { audit } }: Parts,
  evidence: Omit<AuditEvidence, 'head'>,
  signal: AbortSignal,
): Promise<AuditVerdict> {
  // Both of one moment: what is entered while this goes on is not judged.
  const [head, end] = [audit.head(), audit.last()?.seq ?? 0]
  const check = createAuditCheck({ ...evidence, head })
  for (let after = 0; after < end; ) {
    const rows = audit.after(after, BATCH)
    for (const { seq, entry } of rows) if (seq <= end) check.take({ seq, bytes: entry })
    after = rows.at(-1)?.seq ?? end
    await yieldToOthers()
    signal.throwIfAborted()
  }
  return check.verdict()
}

async function judgeOther(
  parts: Parts,
  node: PeerId,
  evidence: Omit<AuditEvidence, 'head'>,
  signal: AbortSignal,
): Promise<AuditVerdict> {
  const rows: { seq: number; bytes: Uint8Array }[] = []
  const first = await requirePage(parts, node, 0, signal)
  const end = first.head === null ? 0 : (decodeAuditHead(first.head)?.seq ?? 0)
  const start = first.rows[0]?.seq ?? 1
  const isTail = end - start >= MAX_REMOTE_ENTRIES
  let page = isTail ? await requirePage(parts, node, end - MAX_REMOTE_ENTRIES, signal) : first
  for (;;) {
    rows.push(...page.rows.map(({ seq, entry }) => ({ seq, bytes: entry })))
    // A node that never comes to an end, or goes back, does not keep this one busy.
    if (page.next === null || page.next !== rows.at(-1)?.seq || rows.length > 2 * MAX_REMOTE_ENTRIES) break
    page = await requirePage(parts, node, page.next, signal)
  }
  const check: AuditCheck = createAuditCheck({ ...evidence, head: page.head ?? undefined, isTail })
  for (const [index, row] of rows.entries()) {
    check.take(row)
    if (index % BATCH === 0) await yieldToOthers()
  }
  return check.verdict()
}

async function requirePage({ auditExchange }: Parts, node: PeerId, after: number, signal: AbortSignal) {
  const page = await auditExchange.askPage(node, after, signal)
  if (page !== undefined) return page
  throw new FaultError<AuditFault>(
    { code: 'AUDIT_NOT_SHOWN', node },
    'that node does not show its log to this one',
    { hint: 'It takes a certificate with a role: x0t peers shows who has which.' },
  )
}
