import { createControlServer } from '../../control/socket-server.ts'
import { ensureSocketDirectory } from '../../platform/home.ts'
import { startAll, stopAll } from '../../platform/lifecycle.ts'
import type { WebConsole } from '../console/web-console.ts'
import type { OpenHome } from '../open-home.ts'
import { createSetupApi } from './setup-api.ts'
import { type SetupDeps, setupOperations } from './setup-operations.ts'

export interface SetupOptions {
  readonly webConsole: WebConsole
  /** Seals the keystore when nobody names another passphrase. */
  readonly passphrase: string | undefined
  /** Resolves when the process is to end. */
  readonly stopped: Promise<unknown>
  requestStop(reason: string): void
  /** Control socket and console answer. */
  onReady(): Promise<void>
}

export type SetupOutcome =
  | { readonly kind: 'mesh'; readonly passphrase: string | undefined }
  | { readonly kind: 'stopped' }

/**
 * Serves a home that belongs to no mesh yet, until it does. The web console stays: whoever is signed in stays signed in
 * while the node starts.
 */
export async function runSetup(
  deps: SetupDeps,
  home: OpenHome,
  options: SetupOptions,
): Promise<SetupOutcome> {
  const { promise: made, resolve } = Promise.withResolvers<SetupOutcome>()
  const onMesh = (passphrase: string | undefined): void => resolve({ kind: 'mesh', passphrase })
  const setup = setupOperations(deps, home, onMesh, options.passphrase)
  const { webConsole, requestStop } = options
  const api = createSetupApi({ clock: deps.clock, webConsole, home: home.paths.root, setup, requestStop })
  ensureSocketDirectory(home.paths)
  const control = createControlServer({ ...deps, api }, { path: home.paths.socket })
  const parts = [control, webConsole.serving(api)]
  await startAll(parts)
  try {
    await options.onReady()
    return await Promise.race([made, options.stopped.then((): SetupOutcome => ({ kind: 'stopped' }))])
  } finally {
    await stopAll(parts)
  }
}
