import type { MeshId, PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { type MeshAuthority, meshIdOf } from '../../security/authority.ts'
import { type Certificate, renewalDueAtMs } from '../../security/certificate.ts'
import type { CertificateChain } from '../../security/chain.ts'
import { createClockFloor } from '../../security/clock-floor.ts'
import type { HybridPublicKey } from '../../security/hybrid-key.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import { DEFAULT_CERTIFICATE_LIFE_MS } from '../../security/limits.ts'
import type { NodeRecord } from '../../security/node-record.ts'
import type { Policy } from '../../security/policy.ts'
import type { PolicyVersion } from '../../security/policy-version.ts'
import { type AuthorityBook, createAuthorityBook } from './authority-book.ts'
import { createCounters, type MembershipContext } from './context.ts'
import type { MembershipEvents, PendingJoin, Refusal, Standing } from './events.ts'
import { type CreatedInvite, createInviteDesk, type InviteDesk, type InviteInput } from './invite-desk.ts'
import { type CertificateIssuing, createIssuing, type Renewal } from './issuer.ts'
import { createJoinDesk, type JoinDesk } from './join-desk.ts'
import type { JoinReply } from './join-reply.ts'
import { createMaintenance } from './maintenance.ts'
import { createPolicyBook, type PolicyBook } from './policy-book.ts'
import { writePolicy } from './policy-writer.ts'
import { createQuarantine, type Quarantine } from './quarantine.ts'
import { createRecordBook, type OwnRecord, type RecordBook } from './record-book.ts'
import { createRefusalNotes } from './refusal-notes.ts'
import { type ChainJudgement, createRegistry, type Registry } from './registry.ts'
import { createReplica, type Replica } from './replica.ts'
import { createRevocationBook, type RevocationBook } from './revocation-book.ts'
import { createRevoking, type MemberChange, type RevokeOptions } from './revoking.ts'
import type { InviteRow, MembershipStore } from './store-port.ts'

export interface MembershipDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly store: MembershipStore
  readonly identity: NodeIdentity
  /** Only on a node that holds the authority's key. */
  readonly authorityKey?: MeshAuthority
}

export interface MembershipOptions {
  /** Public keys of the mesh authority as this node has learned them first: the root of all trust. */
  readonly authority: HybridPublicKey
  /** The mesh. Default: the one that this very key founded. */
  readonly meshId?: MeshId
  /** Of the program, for the node record. */
  readonly version: string
  /** What people call the mesh, told to whoever joins through this node. At most 63 characters. Default none. */
  readonly meshName?: string
  /** Life of the certificates issued here. Default 7 days. */
  readonly certificateLifeMs?: number
  /** The part of its life after which this node renews its own certificate. Default a third. */
  readonly renewAt?: number
  /** How long a request to join waits for an operator before it is denied. Default 24 hours. */
  readonly approvalMs?: number
  /** False while this node may not know who was revoked: it then certifies nobody but itself. Default always. */
  readonly mayIssue?: () => boolean
  /** How often the heads of the own revocation log are signed anew. Default 10 minutes. */
  readonly headIntervalMs?: number
}

/** A member as others see it. */
export interface Member {
  readonly peer: PeerId
  readonly certificate: Certificate
  readonly standing: Standing
  readonly record: NodeRecord | undefined
}

/**
 * Who belongs to the mesh, in the eyes of this node: certificates, revocations, policy and node records, all verified
 * before they are believed and kept over a restart. It knows no transport: `sync.ts`, `renewal.ts` and `join-carrier.ts`
 * connect it to the other nodes.
 */
export interface Membership extends Lifecycle {
  readonly self: PeerId
  readonly meshId: MeshId
  /** Which keys are the mesh authority's, and what to show of them. */
  readonly authorities: Pick<AuthorityBook, 'current' | 'proof' | 'successor' | 'line' | 'accept' | 'learn'>
  readonly meshName: string
  /** This node may issue certificates of some kind now. */
  readonly isIssuer: boolean
  /** This node was given a key of the authority that has been replaced: it can do nothing with it. */
  readonly holdsReplacedAuthority: boolean
  /** Members whose certificates lead to a key of the authority that is being replaced, and when those end at the latest. */
  onOldAuthority(): { readonly members: readonly Certificate[]; readonly until: number } | undefined
  /** This node holds the mesh authority's key of now. */
  readonly holdsAuthority: boolean
  readonly events: Emitter<MembershipEvents>
  /** What `sync.ts` exchanges with neighbours. */
  readonly replica: Replica
  standing(peer: PeerId): Standing
  /** The certificate that counts for a peer: the highest valid one, else the last that was. */
  certificateOf(peer: PeerId): Certificate | undefined
  /** Everyone whose certificate is held, this node too, with their standing. */
  members(): readonly Member[]
  nodeRecord(peer: PeerId): NodeRecord | undefined
  policy(): Policy
  /** The signed version that `policy` comes from. `undefined` before the first one has come. */
  policyVersion(): PolicyVersion | undefined
  /** Signs and spreads the next version. @throws FaultError of PolicyWriteFault, CLOCK_BEHIND */
  writePolicy(change: { readonly document: string; readonly basedOn: number | undefined }): PolicyVersion
  /** The chain that this node shows when it is admitted. `undefined` once it is no member. */
  ownChain(): CertificateChain | undefined
  /** The own valid chain that lasts longest: what renewal is about. */
  longestOwnChain(): CertificateChain | undefined
  /** When a chain ends: with its certificate, or with the authority's key that it leads to. ms since the epoch. */
  endsAt(chain: CertificateChain): number
  /** When the own certificate is to be renewed, ms since the epoch. `undefined` when there is no valid one. */
  renewalDueAtMs(): number | undefined
  /** Parses a chain, fast for one that is held already. Never throws. */
  readChain(bytes: Uint8Array): CertificateChain | undefined
  /** Judges a peer's chain without keeping it. */
  judgeChain(chain: CertificateChain): ChainJudgement
  /** Keeps a chain that was judged valid, and tells neighbours if it is news. */
  keepChain(chain: CertificateChain): void
  createInvite(input: InviteInput): CreatedInvite
  invites(): readonly InviteRow[]
  withdrawInvite(id: InviteRow['id']): void
  /** The issuer's answer to a join request. */
  redeem(request: Uint8Array): JoinReply
  pendingJoins(): readonly PendingJoin[]
  approve(id: PendingJoin['id']): void
  reject(id: PendingJoin['id']): void
  /** The certificate after the present one, for a member that asks or for this node itself. */
  renew(peer: PeerId): Renewal
  /** Gives a member the right to issue. @throws FaultError NOT_AN_ISSUER, UNKNOWN_MEMBER */
  grantIssuing(peer: PeerId, lifeMs?: number): void
  /** Gives a member its next certificate with another name, role, labels or right to carry. @throws FaultError UNKNOWN_MEMBER, CANNOT_CHANGE, NOT_AN_ISSUER */
  changeMember(peer: PeerId, changes: MemberChange): void
  /** Final. @throws FaultError NOT_AN_ISSUER, UNKNOWN_MEMBER, CANNOT_REVOKE, LOG_BEHIND, CLOCK_BEHIND */
  revoke(peer: PeerId, options?: RevokeOptions): void
  /** Tells the mesh where this node can be dialled and what it provides. */
  publishOwnRecord(own: OwnRecord): void
  /** Members that this node keeps away from itself for a while: links, transit, sessions, streams. */
  readonly quarantine: Pick<Quarantine, 'put' | 'release' | 'list'>
  /** Logs, counts and emits a refused admission or join. */
  noteRefusal(refusal: Refusal): void
  /** Counts something bad against the neighbour that passed it on. */
  noteMisbehaviour(peer: PeerId, what: string): void
  noteAdmission(how: 'admitted' | 'readmitted'): void
  counters(): Readonly<Record<string, number>>
}

interface Parts {
  readonly revocations: RevocationBook
  readonly registry: Registry
  readonly policies: PolicyBook
  readonly records: RecordBook
  readonly issuing: CertificateIssuing
  readonly invites: InviteDesk
  readonly joins: JoinDesk
  readonly replica: Replica
}

const CLOCK_FLOOR_KEY = 'clock-floor'
/** Less than what clocks may differ by anyway is not worth a write to the disk, which a node that starts waits for. */
const FLOOR_STEP_MS = 10_000

export function createMembership(deps: MembershipDeps, options: MembershipOptions): Membership {
  const context = createContext(deps, options, () => {
    parts.policies.authorityChanged()
    parts.revocations.authorityChanged()
    registry.sweep()
  })
  const keep = (chain: CertificateChain): void => {
    const outcome = parts.registry.accept(chain)
    if (outcome.kind === 'kept') context.events.emit('news', outcome.news)
  }
  const parts = createParts(context, options, keep)
  const { registry, records, issuing, invites, joins } = parts
  const revoking = createRevoking(context, parts)
  const maintenance = createMaintenance(context, parts, {
    headIntervalMs: options.headIntervalMs ?? DEFAULT_HEAD_INTERVAL_MS,
    keep,
    saveFloor: createFloorKeeper(deps.store, () => context.floor.floorMs()),
  })
  const self = deps.identity.peerId
  const quarantine = createQuarantine(context)
  const standing = (peer: PeerId): Standing => {
    const given = registry.standing(peer)
    return given === 'member' && quarantine.has(peer) ? 'quarantined' : given
  }
  return {
    ...{ self, meshId: context.meshId, authorities: context.authorities },
    meshName: (options.meshName ?? '').slice(0, MAX_MESH_NAME),
    get isIssuer() {
      return issuing.isIssuer()
    },
    get holdsAuthority() {
      return context.authorityKey !== undefined
    },
    get holdsReplacedAuthority() {
      return deps.authorityKey !== undefined && context.authorityKey === undefined
    },
    onOldAuthority: () => onOldAuthority(context, registry),
    events: context.events,
    replica: parts.replica,
    ...{ standing, quarantine },
    certificateOf: (peer) => registry.certificateOf(peer),
    members: () => listMembers(registry, records, standing),
    nodeRecord: (peer) => records.get(peer),
    policy: parts.policies.policy,
    policyVersion: parts.policies.current,
    writePolicy: (change) => writePolicy(context, parts.policies, change, partiesOf(registry)),
    ownChain: () => registry.chainOf(self),
    longestOwnChain: () => registry.longestOf(self),
    endsAt: (chain) => registry.endsAt(chain),
    renewalDueAtMs() {
      const longest = registry.longestOf(self)
      // A key that was replaced shortens what is left: a part of that is waited for, as of the life of a certificate.
      return (
        longest && renewalDueAtMs({ ...longest.leaf, expiresAt: registry.endsAt(longest) }, options.renewAt)
      )
    },
    readChain: (bytes) => registry.read(bytes),
    judgeChain: (chain) => registry.judge(chain),
    keepChain: keep,
    createInvite: invites.create,
    invites: invites.list,
    withdrawInvite: invites.withdraw,
    redeem: (request) => joins.redeem(request),
    pendingJoins: () => joins.pending(),
    approve: (id) => joins.approve(id),
    reject: (id) => joins.reject(id),
    renew(peer) {
      const renewal = issuing.renew(peer)
      if (renewal.kind === 'renewed') keep(renewal.chain)
      return renewal
    },
    grantIssuing: (peer, lifeMs) => keep(revoking.grantIssuing(peer, lifeMs)),
    changeMember: (peer, changes) => keep(revoking.change(peer, changes)),
    revoke: revoking.revoke,
    publishOwnRecord(own) {
      if (records.publish(own) !== undefined) context.events.emit('news', { kind: 'record', peer: self })
    },
    noteRefusal: createRefusalNotes(context),
    noteMisbehaviour(peer, what) {
      context.counters.count('misbehaviour')
      context.logger.warn('a neighbour passed on something bad', { peer, what })
      context.events.emit('misbehaved', { peer, what })
    },
    noteAdmission: (how) => context.counters.count(how),
    counters: context.counters.read,
    async start() {
      await maintenance.start()
      quarantine.start()
    },
    async stop() {
      quarantine.stop()
      await maintenance.stop()
    },
  }
}

const MAX_MESH_NAME = 63
const DEFAULT_HEAD_INTERVAL_MS = 10 * 60_000
const DEFAULT_APPROVAL_MS = 24 * 3_600_000

function createFloorKeeper({ meta }: MembershipStore, floorMs: () => number): () => void {
  let savedMs = Number.NEGATIVE_INFINITY
  return () => {
    const nowMs = floorMs()
    if (nowMs - savedMs < FLOOR_STEP_MS) return
    meta.set(CLOCK_FLOOR_KEY, String(nowMs))
    savedMs = nowMs
  }
}

function createContext(
  deps: MembershipDeps,
  options: MembershipOptions,
  onAuthorityChange: () => void,
): MembershipContext {
  const logger = deps.logger.child({ component: 'membership' })
  const persisted = Number(deps.store.meta.get(CLOCK_FLOOR_KEY) ?? 0)
  const counters = createCounters()
  const events = createEmitter<MembershipEvents>((error) =>
    logger.error('a listener of membership failed', { error: messageOf(error) }),
  )
  const meshId = options.meshId ?? meshIdOf(options.authority)
  const authorities = createAuthorityBook(
    {
      ...{ clock: deps.clock, logger, meta: deps.store.meta, count: counters.count },
      onChange(number) {
        onAuthorityChange()
        events.emit('authorityChanged', { number })
      },
    },
    { meshId, publicKey: options.authority },
  )
  const { authorityKey } = deps
  const authorityId = authorityKey && meshIdOf(authorityKey.key.publicKey)
  return {
    ...{ clock: deps.clock, random: deps.random, logger, store: deps.store, identity: deps.identity },
    get authorityKey() {
      return authorityId === authorities.current().id ? authorityKey : undefined
    },
    ...{ meshId, authorities, events, counters },
    floor: createClockFloor(deps, Number.isSafeInteger(persisted) ? persisted : 0),
  }
}

function createParts(
  context: MembershipContext,
  options: MembershipOptions,
  keep: (chain: CertificateChain) => void,
): Parts {
  // The registry asks the book who is revoked, the book asks the registry who may sign: each through a function.
  const revocations: RevocationBook = createRevocationBook(context, {
    issuerCertificate: (peer) => registry.issuerCertificate(peer),
    issuerRole: (peer) => registry.issuerCertificate(peer)?.role,
  })
  const registry: Registry = createRegistry(context, revocations)
  const policies = createPolicyBook(context)
  const records = createRecordBook(context, options, (peer) => registry.certificateOf(peer))
  const lifeMs = options.certificateLifeMs ?? DEFAULT_CERTIFICATE_LIFE_MS
  const issuing = createIssuing(context, { lifeMs, mayIssue: options.mayIssue ?? (() => true) }, registry)
  const approvalMs = options.approvalMs ?? DEFAULT_APPROVAL_MS
  const invites = createInviteDesk(context, issuing, registry)
  const joins = createJoinDesk(context, { approvalMs }, { registry, issuing, keep })
  const replica = createReplica(context, { revocations, registry, policies, records })
  return { revocations, registry, policies, records, issuing, invites, joins, replica }
}

function onOldAuthority(
  { authorities }: MembershipContext,
  registry: Registry,
): ReturnType<Membership['onOldAuthority']> {
  const until = authorities.keys()[1]?.endsAt
  if (until === undefined || authorities.successor() === undefined) return undefined
  const chains = registry.peers().flatMap((peer) => registry.chainOf(peer) ?? [])
  const old = chains.filter((chain) => registry.authorityOf(chain) !== authorities.current().id)
  return { members: old.map(({ leaf }) => leaf), until }
}

/** Whom a policy can speak of: the members of now. */
const partiesOf = (registry: Registry): readonly Certificate[] =>
  registry.peers().flatMap((peer) => registry.chainOf(peer)?.leaf ?? [])

function listMembers(
  registry: Registry,
  records: RecordBook,
  standing: (peer: PeerId) => Standing,
): readonly Member[] {
  return registry.peers().flatMap((peer) => {
    const certificate = registry.certificateOf(peer)
    if (certificate === undefined) return []
    return [{ peer, certificate, standing: standing(peer), record: records.get(peer) }]
  })
}
