import { existsSync, renameSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import { type Knowledge, type KnowledgeDeps, openKnowledge } from './knowledge.ts'
import { setAsideStore } from './set-aside.ts'
import { corrupt } from './store-fault.ts'

/**
 * What decides whom this node trusts. It is taken over whole or not at all: with a part of the revocations or of the heads
 * missing, a revoked member would be let in again, and nobody could tell.
 */
const TRUST = ['meta', 'certificates', 'revocations', 'revocation_heads', 'policies'] as const
/** Taken over as far as it can be read. */
const USEFUL = [
  'node_records',
  'addresses',
  'services',
  'forwards',
  'socks_ports',
  'playbook_settings',
  'audit_entries',
  'audit_head',
  'held_audit_heads',
] as const
// Invites and requests to join stay behind: which of them were used may be what was damaged, and an unknown one is refused.

/**
 * Begins a new store in place of a damaged one, which is set aside. Possible when the damage spares everything that trust
 * rests on: each such table has to pass SQLite's check of its structure and to be read to its end.
 *
 * @throws FaultError STORE_CORRUPT when it does not: then only a person can decide, and the file stays where it is
 */
export function renewKnowledge(
  deps: KnowledgeDeps & { readonly clock: Clock },
  path: string,
): { readonly knowledge: Knowledge; readonly setAside: string } {
  const fresh = `${path}.renewed`
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${fresh}${suffix}`, { force: true })
  openKnowledge(deps, { path: fresh }).close()
  takeOver(deps, path, fresh)
  const renewed = new Database(fresh)
  // One file, so that one move puts it in place.
  renewed.pragma('journal_mode = DELETE')
  renewed.close()
  const setAside = setAsideStore(deps, path, 'corrupt')
  finishRenewal(path)
  return { knowledge: openKnowledge(deps, { path }), setAside }
}

/** A process that ended between the two moves left the new store, whole, and none in its place. */
export function finishRenewal(path: string): void {
  const fresh = `${path}.renewed`
  if (!existsSync(path) && existsSync(fresh)) renameSync(fresh, path)
}

function takeOver({ logger }: KnowledgeDeps, path: string, fresh: string): void {
  const target = new Database(fresh)
  try {
    target.pragma('trusted_schema = OFF')
    target.prepare('ATTACH ? AS old').run(path)
    target.transaction(() => {
      for (const table of TRUST) copyTable(target, path, table)
    })()
    for (const table of USEFUL) {
      try {
        target.transaction(() => copyTable(target, path, table))()
      } catch (error) {
        logger.warn('a part of the damaged store could not be kept', { table, error: messageOf(error) })
      }
    }
  } catch (error) {
    throw corrupt(path, `what trust rests on cannot be read (${messageOf(error)})`, error)
  } finally {
    target.close()
  }
}

function copyTable(target: Database.Database, path: string, table: string): void {
  const verdict = target.pragma(`old.quick_check('${table}')`, { simple: true })
  if (verdict !== 'ok') throw corrupt(path, String(verdict))
  target.exec(`DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM old.${table}`)
}
