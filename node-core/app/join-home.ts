import { rm } from 'node:fs/promises'
import type { MeshId, NodeName, PeerId } from '../domain/ids.ts'
import type { Role } from '../domain/role.ts'
import { type JoinOutcome, joinMeshPatiently } from '../mesh/admission/join-mesh.ts'
import { rankOf } from '../mesh/membership/registry.ts'
import type { Clock } from '../platform/clock.ts'
import { FaultError } from '../platform/error.ts'
import type { Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import { generateSeeds, wipeSeeds } from '../security/hybrid-key.ts'
import { createIdentity, type NodeIdentity } from '../security/identity.ts'
import { type KeystoreKind, keystoreSecrets, wipeSecrets } from '../security/keystore.ts'
import { loadMeshFacts, saveMeshFacts } from './mesh-facts.ts'
import { type OpenHome, openSecrets, withLock } from './open-home.ts'

export type JoinFault =
  | { code: 'HOME_HAS_NODE'; home: string }
  /** `refusal`: the stable code of the mesh's refusal. */
  | { code: `JOIN_${string}`; refusal?: string }

export interface JoinHomeOptions {
  readonly name: NodeName
  readonly token: string
  readonly passphrase: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: {
    readonly progress: 'connecting' | 'pending'
    readonly joinId?: string
  }) => void
}

export interface Joined {
  readonly peerId: PeerId
  readonly meshId: MeshId
  readonly role: Role
  readonly expiresAt: number
  readonly keystore: KeystoreKind
}

interface Deps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/**
 * Makes a home a member of the mesh that a token invites to. The identity is on the disk before anything is asked, so
 * that an attempt that was cut off can be repeated with the same keys and gets the same certificate.
 *
 * @throws FaultError HOME_HAS_NODE, JOIN_..., or what the store and the keystore throw
 */
export async function joinHome(deps: Deps, home: OpenHome, options: JoinHomeOptions): Promise<Joined> {
  if (loadMeshFacts(home.knowledge.meta) !== undefined) {
    throw new FaultError<JoinFault>(
      { code: 'HOME_HAS_NODE', home: home.paths.root },
      `the home ${home.paths.root} already belongs to a mesh`,
      {
        hint: 'Start it with x0t up; to join another mesh, name another home with --home, or x0t leave first.',
      },
    )
  }
  const { identity, kind, isNew } = await ownIdentity(deps, home, options.passphrase)
  try {
    options.onProgress({ progress: 'connecting' })
    const outcome = await ask(deps, identity, options)
    if (outcome.kind === 'joined') return store(home, identity.peerId, kind, outcome)
    // Refused for good: nothing of the attempt is worth keeping.
    if (isNew && (outcome.kind === 'refused' || outcome.kind === 'bad-token')) await forgetIdentity(home)
    throw failed(outcome)
  } finally {
    identity.wipe()
  }
}

/** The identity that an earlier attempt left, or a new one. */
async function ownIdentity(
  deps: Deps,
  home: OpenHome,
  passphrase: string | undefined,
): Promise<{ identity: NodeIdentity; kind: KeystoreKind; isNew: boolean }> {
  if ((await home.keystore.kind()) !== undefined) {
    const { secrets, kind } = await openSecrets(home.keystore, passphrase)
    try {
      return { identity: createIdentity(secrets.node), kind, isNew: false }
    } finally {
      wipeSecrets(secrets)
    }
  }
  const seeds = generateSeeds(deps.random)
  try {
    const kind = await withLock(passphrase, async (lock) => {
      await home.keystore.create(keystoreSecrets(seeds), lock)
      return lock.kind
    })
    return { identity: createIdentity(seeds), kind, isNew: true }
  } finally {
    wipeSeeds(seeds)
  }
}

function ask(deps: Deps, identity: NodeIdentity, options: JoinHomeOptions): Promise<JoinOutcome> {
  const { name, token, timeoutMs, signal, onProgress } = options
  const controller = new AbortController()
  const cancel = deps.clock.after(timeoutMs, () => controller.abort(new Error('the time to join is over')))
  const onPending = (joinId: string): void => onProgress({ progress: 'pending', joinId })
  const both = AbortSignal.any([signal, controller.signal])
  return joinMeshPatiently(deps, { token, name, identity, signal: both, onPending }).finally(cancel)
}

function store(
  { knowledge }: OpenHome,
  self: PeerId,
  keystore: KeystoreKind,
  { chain, authority, addresses, meshName }: Extract<JoinOutcome, { kind: 'joined' }>,
): Joined {
  const { leaf } = chain
  knowledge.certificates.put({
    peer: self,
    rank: rankOf(chain),
    generation: leaf.generation,
    expiresAt: leaf.expiresAt,
    chain: chain.bytes,
  })
  saveMeshFacts(knowledge.meta, {
    meshId: leaf.meshId,
    name: meshName === '' ? leaf.meshId : meshName,
    nodeName: leaf.name,
    authority,
    bootstrap: addresses,
  })
  return { peerId: self, meshId: leaf.meshId, role: leaf.role, expiresAt: leaf.expiresAt, keystore }
}

async function forgetIdentity(home: OpenHome): Promise<void> {
  await rm(home.paths.keystore, { force: true })
  await rm(home.paths.keyFile, { force: true })
}

const HINTS: Readonly<Record<string, string>> = {
  'invite-used':
    'Ask for a new invite. If you did not use this one, tell whoever gave it to you: it was stolen.',
  'invite-expired': 'Ask for a new invite.',
  'unknown-invite': 'Ask for a new invite.',
  'name-taken': 'Choose another --name.',
  'join-rejected': 'Ask the operator of the mesh why, then ask for a new invite.',
  'join-expired': 'Ask for a new invite, and for somebody to approve it.',
  'issuer-unreachable': 'Try again when the node that made the invite is up.',
}

function failed(outcome: Exclude<JoinOutcome, { kind: 'joined' }>): FaultError<JoinFault> {
  switch (outcome.kind) {
    case 'pending':
      return new FaultError<JoinFault>(
        { code: 'JOIN_PENDING' },
        `nobody approved ${outcome.joinId} in time`,
        { hint: `An operator runs x0t approve ${outcome.joinId}; then run the same x0t join again.` },
      )
    case 'refused':
      return new FaultError<JoinFault>(
        { code: `JOIN_${outcome.code.toUpperCase().replaceAll('-', '_')}`, refusal: outcome.code },
        outcome.proven
          ? `the mesh refused: ${outcome.reason}`
          : `refused, by somebody who did not prove to belong to the mesh: ${outcome.reason}`,
        { hint: HINTS[outcome.code] ?? 'See the log of the node that made the invite.' },
      )
    case 'unreachable':
      return new FaultError<JoinFault>(
        { code: 'JOIN_UNREACHABLE' },
        `none of the addresses in the invite answered:\n${outcome.attempts.map(({ address, error }) => `  ${address}: ${error}`).join('\n')}`,
        {
          hint: 'Check that the node that made the invite is up and can be reached from here, then run it again.',
        },
      )
    case 'bad-token':
      return new FaultError<JoinFault>({ code: 'JOIN_BAD_TOKEN' }, BAD_TOKEN[outcome.why], {
        hint: 'Copy the whole invite again, or ask for a new one.',
      })
  }
}

const BAD_TOKEN = {
  'not-a-token': 'that is not an invite token: one starts with x0t1',
  damaged: 'the invite token is damaged: a part of it is missing or changed',
  expired: 'the invite token has expired by the clock of this machine',
} as const
