import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setAsideStore } from '../knowledge/set-aside.ts'
import type { Clock } from '../platform/clock.ts'
import type { OpenHome } from './open-home.ts'

/**
 * Makes a home belong to no mesh: the secrets are removed and the store is moved aside, so that a person can still look
 * up what was there. What remains of the old membership elsewhere ends with its certificate, or by a revocation.
 */
export async function forgetMembership(deps: { readonly clock: Clock }, home: OpenHome): Promise<void> {
  const { keystore, keyFile, database, series } = home.paths
  home.knowledge.close()
  // First what makes it this node: a crash in between leaves a home that `init` and `join` take over.
  await rm(keystore, { force: true })
  await rm(keyFile, { force: true })
  setAsideStore(deps, database, 'left')
  if (existsSync(series)) setAsideStore(deps, series, 'left')
}
