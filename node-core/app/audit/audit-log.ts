import { z } from 'zod'
import { AUDIT_ACTOR_KINDS, AUDIT_OUTCOMES, type AuditChange } from '../../domain/audit.ts'
import type { MeshId } from '../../domain/ids.ts'
import type { Knowledge } from '../../knowledge/knowledge.ts'
import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import {
  AUDIT_CONTINUED,
  AUDIT_CUT,
  type AuditEntry,
  type AuditHead,
  decodeAuditEntry,
  decodeAuditHead,
  isAuditHeadOf,
  makeAuditEntry,
  NO_AUDIT_ENTRY,
  signAuditHead,
} from '../../security/audit-entry.ts'
import { AUDIT_RETENTION, type AuditRetention } from '../../security/audit-verify.ts'
import type { NodeIdentity } from '../../security/identity.ts'

export interface AuditLogDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly knowledge: Pick<Knowledge, 'audit' | 'atomic'>
  readonly identity: NodeIdentity
}

export interface AuditLogOptions {
  readonly meshId: MeshId
  readonly nodeName: string
  readonly retention?: AuditRetention
}

/** A change of which nothing is known but that it begins. */
export type BegunChange = Omit<AuditChange, 'at' | 'after' | 'outcome' | 'detail'>
export type ChangeEnd = Pick<AuditChange, 'after' | 'outcome' | 'detail'>

/** The hash-chained, signed log of this node. */
export interface AuditLog extends Lifecycle {
  /** The end of the log is another one. */
  readonly events: Pick<Emitter<{ head: AuditHead }>, 'on'>
  /** Writes down that a change begins, so that a crash leaves its trace. @throws StoreFault: then it must not begin */
  begin(change: BegunChange): BegunEntry
  /** Enters a change that is over. @throws StoreFault */
  append(change: BegunChange & ChangeEnd): void
  /** The newest head; nothing before the first entry. */
  head(): AuditHead | undefined
  /** Another node holds a head of this one that its log does not lead to: goes on under a new chain. */
  continueAfterLoss(held: AuditHead): void
  newCorrelation(): string
}

export interface BegunEntry {
  /** Never throws: where it cannot be written, the change is entered as interrupted at the next start. */
  end(end: ChangeEnd): void
  /** Nothing was changed after all: there is nothing to enter. Never throws. */
  abandon(): void
}

const TRIM_EVERY_MS = 6 * 3_600_000
const CHAIN_BYTES = 16
const CORRELATION_BYTES = 8

const begunSchema: z.ZodType<AuditChange> = z.strictObject({
  at: z.number(),
  actor: z.strictObject({
    ...{ kind: z.enum(AUDIT_ACTOR_KINDS), name: z.string(), via: z.string(), peer: z.string().nullable() },
  }),
  ...{ role: z.string(), operation: z.string(), correlation: z.string() },
  ...{ input: z.string().nullable(), before: z.string().nullable(), after: z.string().nullable() },
  ...{ outcome: z.enum(AUDIT_OUTCOMES), detail: z.string().nullable() },
})

export const createAuditLog = (deps: AuditLogDeps, options: AuditLogOptions): AuditLog =>
  new Log(deps, options)

class Log implements AuditLog {
  readonly #deps: AuditLogDeps
  readonly #options: AuditLogOptions
  readonly #logger: Logger
  readonly #events: Emitter<{ head: AuditHead }>
  #last: Pick<AuditEntry, 'seq' | 'hash' | 'chain'>
  #head: AuditHead | undefined
  #cancel: () => void = () => {}

  constructor(deps: AuditLogDeps, options: AuditLogOptions) {
    this.#deps = deps
    this.#options = options
    this.#logger = deps.logger.child({ component: 'audit' })
    this.#events = createEmitter((error) =>
      this.#logger.error('a listener of the audit log failed', { error: messageOf(error) }),
    )
    this.#last = { seq: 0, hash: NO_AUDIT_ENTRY, chain: this.#hex(CHAIN_BYTES) }
  }

  get events() {
    return this.#events
  }

  async start(): Promise<void> {
    const { audit } = this.#deps.knowledge
    const row = audit.last()
    if (row !== undefined) {
      const entry = decodeAuditEntry(row.entry)
      // What cannot be read is named by verify; the log goes on behind it.
      this.#last = entry ?? { ...this.#last, seq: row.seq }
      const head = audit.head()
      this.#head = head && decodeAuditHead(head)
    }
    for (const { id, change } of audit.begun()) this.#enterInterrupted(id, change)
    if (row === undefined) this.#note('audit.begun', { node: this.#options.nodeName })
    this.#trim()
  }

  async stop(): Promise<void> {
    this.#cancel()
  }

  begin(change: BegunChange): BegunEntry {
    const id = this.newCorrelation()
    const begun: AuditChange = {
      ...change,
      ...{ at: this.#deps.clock.now(), after: null, outcome: 'interrupted', detail: null },
    }
    const { audit } = this.#deps.knowledge
    audit.begin(id, JSON.stringify(begun))
    return {
      abandon: () => {
        try {
          audit.abandon(id)
        } catch (error) {
          this.#logger.warn('what was begun could not be crossed out', { error: messageOf(error) })
        }
      },
      end: (end) => {
        try {
          this.#add({ ...begun, ...end, at: this.#deps.clock.now() }, id)
        } catch (error) {
          this.#logger.error('a change was made and could not be entered', {
            operation: change.operation,
            error: messageOf(error),
          })
        }
      },
    }
  }

  append(change: BegunChange & ChangeEnd): void {
    this.#add({ ...change, at: this.#deps.clock.now() }, undefined)
  }

  head(): AuditHead | undefined {
    return this.#head
  }

  continueAfterLoss(held: AuditHead): void {
    const { identity } = this.#deps
    const signer = { meshId: this.#options.meshId, node: identity.peerId, key: identity.key.publicKey }
    // Only what this node has signed itself can make it do so, and of its present chain: an older one was lost before.
    if (held.chain !== this.#last.chain || !isAuditHeadOf(held, signer)) return
    const there = this.#deps.knowledge.audit.get(held.seq)
    const isKept = there !== undefined && decodeAuditEntry(there.entry)?.hash === held.hash
    const first = this.#deps.knowledge.audit.first()?.seq ?? 0
    if (isKept || held.seq < first) return
    this.#logger.error('others hold more of the audit log than is here: it goes on as another one', {
      here: this.#last.seq,
      held: held.seq,
    })
    this.#last = { ...this.#last, chain: this.#hex(CHAIN_BYTES) }
    this.#note(AUDIT_CONTINUED, { lost: { chain: held.chain, seq: held.seq, hash: held.hash } })
  }

  newCorrelation(): string {
    return `cor-${this.#hex(CORRELATION_BYTES)}`
  }

  #hex(length: number): string {
    return Buffer.from(this.#deps.random.bytes(length)).toString('hex')
  }

  /** An entry of the log on itself. */
  #note(operation: string, after: unknown): void {
    this.append({
      actor: { kind: 'node', name: this.#options.nodeName, via: 'itself', peer: this.#deps.identity.peerId },
      ...{ role: 'none', operation, correlation: this.newCorrelation(), input: null, before: null },
      ...{ after: JSON.stringify(after), outcome: 'done', detail: null },
    })
  }

  #enterInterrupted(id: string, change: string): void {
    let begun: AuditChange | undefined
    try {
      begun = begunSchema.safeParse(JSON.parse(change)).data
    } catch {
      // Damaged: there is nothing that could be entered.
    }
    if (begun === undefined) this.#deps.knowledge.audit.abandon(id)
    else this.#add({ ...begun, at: this.#deps.clock.now() }, id)
  }

  #add(change: AuditChange, begun: string | undefined): void {
    const { knowledge, identity, clock } = this.#deps
    const { seq, hash, chain } = this.#last
    const entry = makeAuditEntry({
      ...change,
      ...{ meshId: this.#options.meshId, node: identity.peerId, chain, seq: seq + 1, prev: hash },
    })
    const head = signAuditHead(identity.key, entry, clock.now())
    knowledge.audit.append(
      {
        ...{ seq: entry.seq, entry: entry.bytes, at: entry.at, operation: entry.operation },
        ...{ actor: `${entry.actor.kind} ${entry.actor.name}`, correlation: entry.correlation },
      },
      head.bytes,
      begun,
    )
    this.#last = entry
    this.#head = head
    this.#events.emit('head', head)
  }

  /** Forgets what is too old or too much, and enters that it did. */
  #trim(): void {
    this.#cancel = this.#deps.clock.after(TRIM_EVERY_MS, () => this.#trim())
    const { knowledge, clock } = this.#deps
    const { maxAgeMs, maxEntries } = this.#options.retention ?? AUDIT_RETENTION
    try {
      const first = knowledge.audit.first()?.seq ?? 1
      const old = knowledge.audit.lastUntil(clock.now() - maxAgeMs)?.seq ?? 0
      const through = Math.min(Math.max(old, this.#last.seq - maxEntries), this.#last.seq)
      const row = through < first ? undefined : knowledge.audit.get(through)
      const entry = row && decodeAuditEntry(row.entry)
      if (entry === undefined) return
      this.#note(AUDIT_CUT, { through, hash: entry.hash, removed: through - first + 1 })
      knowledge.audit.forget(through)
    } catch (error) {
      this.#logger.warn('the audit log was not trimmed', { error: messageOf(error) })
    }
  }
}
