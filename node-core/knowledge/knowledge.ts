import Database from 'better-sqlite3'
import { createEmitter, type Emitter } from '../platform/emitter.ts'
import { FaultError, messageOf } from '../platform/error.ts'
import type { Logger } from '../platform/logger.ts'
import { migrate } from './migrate.ts'
import { MIGRATIONS } from './migrations/all.ts'
import type { Migration } from './migrations/migration.ts'
import { prepareFile } from './prepare-file.ts'
import { type AddressRepository, createAddresses } from './repositories/addresses.ts'
import {
  type AuditRepository,
  createAudit,
  createHeldAuditHeads,
  type HeldAuditHeadRepository,
} from './repositories/audit.ts'
import { type CertificateRepository, createCertificates } from './repositories/certificates.ts'
import { type ConfigVersionRepository, createConfigVersions } from './repositories/config-versions.ts'
import { createForgetting, type Forget } from './repositories/forgetting.ts'
import {
  createIncidents,
  createSymptoms,
  type IncidentRepository,
  type SymptomRepository,
} from './repositories/incidents.ts'
import { createInvites, type InviteRepository } from './repositories/invites.ts'
import { createJoins, type JoinRepository } from './repositories/joins.ts'
import {
  type BaselineRepository,
  createBaselines,
  createOutcomes,
  createPlaybookSettings,
  type OutcomeRepository,
  type PlaybookSettingRepository,
} from './repositories/learning.ts'
import { createMeta, type MetaRepository } from './repositories/meta.ts'
import { createNodeRecords, type NodeRecordRepository } from './repositories/node-records.ts'
import {
  createJournal,
  createPlans,
  createVotes,
  type JournalRepository,
  type PlanRepository,
  type VoteRepository,
} from './repositories/plans.ts'
import { createPolicies, type PolicyRepository } from './repositories/policies.ts'
import {
  createHeads,
  createRevocations,
  type HeadRepository,
  type RevocationRepository,
} from './repositories/revocations.ts'
import {
  createForwards,
  createServices,
  createSocksPorts,
  type ForwardRepository,
  type ServiceRepository,
  type SocksRepository,
} from './repositories/services.ts'
import { createSql, type Sql, type SqlWatch } from './sql.ts'
import { corrupt, guarded, isStoreFault, type StoreFaultCode } from './store-fault.ts'

export interface KnowledgeEvents {
  /** A call failed; said again only when the reason changes. */
  fault: { readonly code: StoreFaultCode; readonly message: string }
  /** A change was written again. */
  recovered: { readonly after: StoreFaultCode }
}

/**
 * What a node remembers. Every call is synchronous and atomic, and a change is on the disk when the call returns; but for
 * node records and the addresses that worked, which the system writes when it likes.
 * Any of them may throw a StoreFault; the database is then as it was before the call.
 */
export interface Knowledge {
  readonly events: Pick<Emitter<KnowledgeEvents>, 'on'>
  readonly meta: MetaRepository
  readonly certificates: CertificateRepository
  readonly revocations: RevocationRepository
  readonly heads: HeadRepository
  readonly policies: PolicyRepository
  readonly invites: InviteRepository
  readonly joins: JoinRepository
  readonly nodeRecords: NodeRecordRepository
  readonly services: ServiceRepository
  readonly forwards: ForwardRepository
  readonly socks: SocksRepository
  readonly addresses: AddressRepository
  readonly configVersions: ConfigVersionRepository
  readonly symptoms: SymptomRepository
  readonly incidents: IncidentRepository
  readonly plans: PlanRepository
  readonly journal: JournalRepository
  readonly votes: VoteRepository
  readonly outcomes: OutcomeRepository
  readonly playbookSettings: PlaybookSettingRepository
  readonly baselines: BaselineRepository
  readonly audit: AuditRepository
  readonly heldAuditHeads: HeldAuditHeadRepository
  readonly forget: Forget
  /** Several calls in one commit: all of it is kept or nothing. */
  atomic<T>(work: () => T): T
  /** Releases the file. Can be called twice. */
  close(): void
}

export interface KnowledgeDeps {
  readonly logger: Logger
}

export interface KnowledgeOptions {
  /** `knowledge.db` in the home, whose directory exists. */
  readonly path: string
  /** How long a call waits, and with it the whole process, for a lock that another program holds. */
  readonly lockWaitMs?: number
  /** A lower limit than the disk's. */
  readonly maxSizeBytes?: number
  /** The steps of the schema, for a test of another version. */
  readonly migrations?: readonly Migration[]
}

const DEFAULT_LOCK_WAIT_MS = 250
/** Checking reads the whole file: about 100 ms for this much. Damage in a larger one shows when it is read. */
const MAX_CHECKED_BYTES = 64 * 1024 * 1024
const MAX_IDLE_WAL_BYTES = 8 * 1024 * 1024

/**
 * Opens the store of a node, makes it when there is none, and brings an older one to this version's schema. The caller
 * holds the home's lock.
 *
 * @throws FaultError of StoreFault: STORE_CORRUPT, STORE_NEWER, STORE_FOREIGN, STORE_FULL, STORE_LOCKED ...
 */
export function openKnowledge(deps: KnowledgeDeps, options: KnowledgeOptions): Knowledge {
  const { path } = options
  const sizeBytes = prepareFile(path)
  const database = guarded(
    path,
    () => new Database(path, { timeout: options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS }),
  )
  try {
    configure(database, options)
    if (sizeBytes > 0 && sizeBytes <= MAX_CHECKED_BYTES) check(database, path)
    migrate(database, path, options.migrations ?? MIGRATIONS, deps.logger)
    const { events, watch } = watchStore(deps.logger)
    return withRepositories(createSql(database, path, watch), events, () => void database.close())
  } catch (error) {
    database.close()
    throw error
  }
}

/** A rule of the schema that was broken is a defect of ours and says nothing about the store. */
const SAY_NOTHING: readonly StoreFaultCode[] = ['STORE_REJECTED', 'STORE_CLOSED']

function watchStore(logger: Logger): { events: Emitter<KnowledgeEvents>; watch: SqlWatch } {
  const events = createEmitter<KnowledgeEvents>((error) => {
    logger.error('a listener to the store failed', { error: messageOf(error) })
  })
  let failing: StoreFaultCode | undefined
  return {
    events,
    watch: {
      failed(error) {
        if (!(error instanceof FaultError) || !isStoreFault(error.fault)) return
        const { code } = error.fault
        if (code === failing || SAY_NOTHING.includes(code)) return
        failing = code
        events.emit('fault', { code, message: error.message })
      },
      written() {
        // Damage does not pass by itself, and what could be written beside it says nothing.
        if (failing === undefined || failing === 'STORE_CORRUPT') return
        const after = failing
        failing = undefined
        events.emit('recovered', { after })
      },
    },
  }
}

function withRepositories(sql: Sql, events: Emitter<KnowledgeEvents>, close: () => void): Knowledge {
  return {
    events,
    meta: createMeta(sql),
    certificates: createCertificates(sql),
    revocations: createRevocations(sql),
    heads: createHeads(sql),
    policies: createPolicies(sql),
    invites: createInvites(sql),
    joins: createJoins(sql),
    nodeRecords: createNodeRecords(sql),
    services: createServices(sql),
    forwards: createForwards(sql),
    socks: createSocksPorts(sql),
    addresses: createAddresses(sql),
    configVersions: createConfigVersions(sql),
    symptoms: createSymptoms(sql),
    incidents: createIncidents(sql),
    plans: createPlans(sql),
    journal: createJournal(sql),
    votes: createVotes(sql),
    outcomes: createOutcomes(sql),
    playbookSettings: createPlaybookSettings(sql),
    baselines: createBaselines(sql),
    audit: createAudit(sql),
    heldAuditHeads: createHeldAuditHeads(sql),
    forget: createForgetting(sql),
    atomic: sql.atomic,
    close,
  }
}

function configure(database: Database.Database, options: KnowledgeOptions): void {
  guarded(options.path, () => {
    database.pragma('journal_mode = WAL')
    // In WAL mode NORMAL may lose the last commits with the power, and with them an invite's use or a revocation.
    database.pragma('synchronous = FULL')
    // On macOS fsync leaves the data in the drive's cache unless told otherwise.
    database.pragma('fullfsync = ON')
    database.pragma('foreign_keys = ON')
    // The file may have been put there by somebody else: its schema must not run functions of ours.
    database.pragma('trusted_schema = OFF')
    database.pragma('cell_size_check = ON')
    database.pragma(`journal_size_limit = ${MAX_IDLE_WAL_BYTES}`)
    if (options.maxSizeBytes !== undefined) {
      const pageBytes = Number(database.pragma('page_size', { simple: true }))
      database.pragma(`max_page_count = ${Math.ceil(options.maxSizeBytes / pageBytes)}`)
    }
  })
}

/** Finds damage at the start instead of in the middle of a decision. */
function check(database: Database.Database, path: string): void {
  const verdict = guarded(path, () => database.pragma('quick_check(1)', { simple: true }))
  if (verdict !== 'ok') throw corrupt(path, String(verdict))
}
