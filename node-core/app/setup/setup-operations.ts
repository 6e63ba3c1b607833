import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import type { NodeApi } from '../../control/node-api.ts'
import { type NodeName, parseNodeName } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { decodeToken } from '../../security/invite.ts'
import { requireConfig } from '../config/require-config.ts'
import { initMesh } from '../init-mesh.ts'
import { joinHome } from '../join-home.ts'
import type { OpenHome } from '../open-home.ts'
import type { PracticeLab } from './practice-lab.ts'

export type SetupFault =
  | { code: 'SETUP_BUSY' }
  | { code: 'JOIN_BAD_TOKEN' }
  | { code: 'HOME_HAS_NODE'; home: string }

export interface SetupDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly lab: PracticeLab
}

/** Shorter than the router lets an operation take, so that the answer says what is waited for. */
const JOIN_MS = 45_000

/**
 * @param onMesh the home belongs to a mesh now; the passphrase opens its keystore.
 * @param offered what seals the keystore when nobody names a passphrase: the desktop app keeps one in the system's keychain.
 */
export function setupOperations(
  deps: SetupDeps,
  home: OpenHome,
  onMesh: (passphrase: string | undefined) => void,
  offered?: string,
): NodeApi['setup'] {
  let busy = false

  /** One at a time: two would write one keystore. */
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    if (busy) {
      throw new FaultError<SetupFault>({ code: 'SETUP_BUSY' }, 'this home is being set up already', {
        hint: 'Wait for the attempt that runs.',
      })
    }
    busy = true
    try {
      return await work()
    } finally {
      busy = false
    }
  }

  return {
    state: async () => ({
      mode: 'setup',
      ...homeFacts(home),
      keystore: (await home.keystore.kind()) ?? null,
    }),
    create: ({ mesh, name, passphrase }) =>
      alone(async () => {
        const { certificates } = requireConfig(home.paths.config)
        const founded = await initMesh(deps, home, {
          ...{ mesh, name, passphrase: passphrase ?? offered },
          certificateLifeMs: certificates.lifetimeMs,
        })
        onMesh(passphrase ?? offered)
        return { peer: founded.peerId, name, mesh, fingerprint: founded.meshId }
      }),
    readToken: async ({ token }) => readToken(token),
    join: ({ token, name, passphrase }, { signal }) =>
      alone(async () => {
        const joined = await joinHome(deps, home, {
          ...{ token, name, passphrase: passphrase ?? offered, timeoutMs: JOIN_MS, signal },
          onProgress: () => {},
        })
        onMesh(passphrase ?? offered)
        return { peer: joined.peerId, name, fingerprint: joined.meshId, role: joined.role }
      }),
    openLab: ({ signal }) => deps.lab.open(signal),
  }
}

/** The same group, for a node that is in a mesh. */
export function setupOperationsOfNode(
  { lab }: Pick<SetupDeps, 'lab'>,
  home: Pick<OpenHome, 'paths'>,
): NodeApi['setup'] {
  const refuse = async (): Promise<never> => {
    const { root } = home.paths
    throw new FaultError<SetupFault>(
      { code: 'HOME_HAS_NODE', home: root },
      `the home ${root} already belongs to a mesh`,
      { hint: 'To join another mesh, name another home with --home, or x0t leave first.' },
    )
  }
  return {
    state: async () => ({
      ...{ mode: 'node', ...homeFacts(home) },
      keystore: existsSync(home.paths.keyFile) ? 'keyfile' : 'passphrase',
    }),
    create: refuse,
    readToken: async ({ token }) => readToken(token),
    join: refuse,
    openLab: ({ signal }) => lab.open(signal),
  }
}

function homeFacts({ paths }: Pick<OpenHome, 'paths'>): { home: string; suggestedName: NodeName | null } {
  const name = hostname().toLowerCase().split('.', 1)[0] ?? ''
  return { home: paths.root, suggestedName: parseNodeName(name) ?? null }
}

async function readToken(token: string): Promise<Awaited<ReturnType<NodeApi['setup']['readToken']>>> {
  const reading = decodeToken(token)
  if (reading.kind !== 'invite') {
    throw new FaultError<SetupFault>(
      { code: 'JOIN_BAD_TOKEN' },
      'that is not an invite, or a part of it is missing',
      {
        hint: 'Copy the whole invite again, or ask for a new one.',
      },
    )
  }
  const { invite } = reading
  const { meshId, role, expiresAt, addresses } = invite
  invite.secret.fill(0)
  return { fingerprint: meshId, role, expiresAt, addresses: [...addresses] }
}
