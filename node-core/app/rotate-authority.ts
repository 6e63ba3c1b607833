import type { MeshId } from '../domain/ids.ts'
import { loadLine, saveLine } from '../mesh/membership/authority-book.ts'
import { FaultError } from '../platform/error.ts'
import { createAuthority, meshIdOf } from '../security/authority.ts'
import {
  type AuthorityLine,
  currentKey,
  MAX_SUCCESSORS,
  type Successor,
  signSuccessor,
} from '../security/authority-succession.ts'
import { createHybridKey, generateSeeds, type HybridSecretSeeds, wipeSeeds } from '../security/hybrid-key.ts'
import { keystoreSecrets } from '../security/keystore.ts'
import { MAX_CLOCK_SKEW_MS } from '../security/limits.ts'
import { decodePolicyVersion } from '../security/policy-version.ts'
import { decodeHead, decodeRevocation, NO_ENTRY } from '../security/revocation.ts'
import { buildLog, lacksEntries, lastEntry } from '../security/revocation-log.ts'
import { enteredOffline } from './audit/offline-audit.ts'
import {
  type AuthorityFile,
  authorityReplaced,
  checkNoFile,
  factsOf,
  fingerprintOf,
  grantIssuingToSelf,
  type KeysDeps,
  noAuthority,
  sealToFile,
  withSecrets,
} from './home-keys.ts'
import type { MeshFacts } from './mesh-facts.ts'
import { type OpenHome, withLock } from './open-home.ts'
import { isRestoredBehind } from './restored.ts'

export type RotateFault =
  | { code: 'AUTHORITY_HISTORY_MISSING'; home: string }
  | { code: 'OVERLAP_RUNNING'; until: number }
  | { code: 'TOO_MANY_SUCCESSORS'; limit: number }
  | { code: 'CLOCK_BEHIND'; byMs: number }
  | { code: 'LOG_BEHIND' }

export interface RotateOptions {
  /** The new authority is sealed into it before anything changes. */
  readonly file: AuthorityFile
  /** For so long certificates that lead to the old key stay good. */
  readonly overlapMs: number
  /** The new key stays out of this home: whoever gets the file is the authority. */
  readonly handOver: boolean
  /** How long this node then may go on issuing. */
  readonly issuingMs: number
  /** Only say what would be. */
  readonly dryRun: boolean
}

export interface Rotated {
  readonly meshId: MeshId
  readonly mesh: string
  /** The so manieth key after the first. */
  readonly number: number
  /** Fingerprint of the new key; null of a rehearsal. */
  readonly authority: string | null
  readonly overlapUntil: number
  /** How many certificates the authority has to sign anew; it does so when a node that holds the new key starts. */
  readonly certificates: number
  /** Present when the authority was handed over. */
  readonly issuesUntil?: number
}

/**
 * Replaces the key of the authority by a new one, which the old one vouches for. The new key is sealed into a file first, and
 * the record is on disk before the keystore changes: an attempt that breaks off in between is mended with the file.
 *
 * @throws FaultError of RotateFault, NO_AUTHORITY, FILE_EXISTS, or what the store and the keystore throw
 */
export async function rotateAuthority(
  deps: KeysDeps,
  home: OpenHome,
  passphrase: string | undefined,
  options: RotateOptions,
): Promise<Rotated> {
  const facts = factsOf(home)
  return withSecrets(home, passphrase, async ({ node, authority }) => {
    if (authority === undefined) throw noAuthority(home)
    const line = checkTurn(deps, home, facts, authority)
    const overlapUntil = deps.clock.now() + options.overlapMs
    const about = {
      ...{ meshId: facts.meshId, mesh: facts.name, number: line.successors.length + 1, overlapUntil },
      certificates: home.knowledge.certificates.all().filter(({ rank }) => rank === -1).length,
    }
    await checkNoFile(options.file.path)
    if (options.dryRun) return { ...about, authority: null }
    const { overlapMs, handOver } = options
    const change = {
      operation: 'authority.rotate',
      input: { file: options.file.path, number: about.number, overlapMs, handOver },
    }
    const seeds = generateSeeds(deps.random)
    try {
      return await enteredOffline(deps, home, { facts, node }, change, async () => {
        // It opens, or the old key still counts.
        await sealToFile(
          deps,
          { meshId: facts.meshId, meshName: facts.name.slice(0, 63), seeds },
          options.file,
        )
        const successor = signNext(deps, home, facts, { line, old: authority, seeds, overlapUntil })
        const issuesUntil = home.knowledge.atomic(() => {
          saveLine(home.knowledge.meta, { ...line, successors: [...line.successors, successor] })
          return handOver
            ? grantIssuingToSelf(
                deps,
                home,
                { node, authority: seeds, meshId: facts.meshId },
                options.issuingMs,
              )
            : undefined
        })
        const secrets = handOver ? keystoreSecrets(node) : keystoreSecrets(node, seeds)
        await withLock(passphrase, (lock) => home.keystore.replace(secrets, lock))
        const done = { ...about, authority: meshIdOf(successor.publicKey) }
        return issuesUntil === undefined ? done : { ...done, issuesUntil }
      })
    } finally {
      wipeSeeds(seeds)
    }
  })
}

/** Whether this home may replace the authority now. Returns the line that the new key is to go on. */
function checkTurn(
  deps: KeysDeps,
  { knowledge, paths }: OpenHome,
  facts: MeshFacts,
  authority: HybridSecretSeeds,
): AuthorityLine {
  const home = paths.root
  const now = deps.clock.now()
  const line = loadLine(knowledge.meta, { meshId: facts.meshId, publicKey: facts.authority })
  if (line === undefined) {
    throw refused(
      { code: 'AUTHORITY_HISTORY_MISSING', home },
      'this node does not know yet which keys the authority had before',
      'Start it and wait until it is linked to a member; then try again.',
    )
  }
  if (fingerprintOf(authority) !== meshIdOf(currentKey(line))) throw authorityReplaced()
  if (line.successors.length >= MAX_SUCCESSORS) {
    throw refused(
      { code: 'TOO_MANY_SUCCESSORS', limit: MAX_SUCCESSORS },
      `the authority of this mesh was replaced ${MAX_SUCCESSORS} times, which is as often as it can be`,
      'Found a new mesh and invite the members to it.',
    )
  }
  const until = line.successors.at(-1)?.overlapUntil ?? 0
  if (now < until) {
    throw refused(
      { code: 'OVERLAP_RUNNING', until },
      `the authority was replaced not long ago, and the key before is good until ${new Date(until).toISOString()}`,
      'Wait until then: at most two keys are good at a time.',
    )
  }
  const byMs = Number(knowledge.meta.get('clock-floor') ?? 0) - now
  if (byMs > MAX_CLOCK_SKEW_MS) {
    throw refused(
      { code: 'CLOCK_BEHIND', byMs },
      'the clock of this machine is behind a time already seen, so nothing is signed',
      'Set the clock right.',
    )
  }
  if (isRestoredBehind(knowledge.meta) || isLogBehind(knowledge)) {
    throw refused(
      { code: 'LOG_BEHIND' },
      'others may know revocations by the authority that this home does not know, and they would be void',
      'Start the node, wait until it is linked to a member and compared with it; then try again.',
    )
  }
  return line
}

/** The authority's own revocations, as far as they are here. */
const authorityLog = ({ revocations }: OpenHome['knowledge']) =>
  buildLog(
    'authority',
    revocations
      .all()
      .filter(({ issuer }) => issuer === 'authority')
      .flatMap(({ entry }) => decodeRevocation(entry) ?? []),
  )

function isLogBehind(knowledge: OpenHome['knowledge']): boolean {
  const row = knowledge.heads.all().find(({ issuer }) => issuer === 'authority')
  const head = row && decodeHead(row.head)
  return head !== undefined && lacksEntries(authorityLog(knowledge), head)
}

function signNext(
  deps: KeysDeps,
  { knowledge }: OpenHome,
  { meshId }: MeshFacts,
  keys: {
    readonly line: AuthorityLine
    readonly old: HybridSecretSeeds
    readonly seeds: HybridSecretSeeds
    readonly overlapUntil: number
  },
): Successor {
  const [old, next] = [createAuthority(keys.old, meshId), createHybridKey(keys.seeds)]
  try {
    const last = lastEntry(authorityLog(knowledge))
    const policy = knowledge.policies.latest()
    return signSuccessor(old, keys.line, {
      publicKey: next.publicKey,
      ...{ at: deps.clock.now(), overlapUntil: keys.overlapUntil },
      log: { seq: last?.seq ?? 0, hash: last?.hash ?? NO_ENTRY },
      policy: (policy && decodePolicyVersion(policy.policy)?.hash) ?? NO_ENTRY,
    })
  } finally {
    old.wipe()
    next.wipe()
  }
}

const refused = (fault: RotateFault, message: string, hint: string): FaultError<RotateFault> =>
  new FaultError<RotateFault>(fault, message, { hint })
