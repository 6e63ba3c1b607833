import { membershipMigration } from './0001-membership.ts'
import { servicesMigration } from './0002-services.ts'
import { socksMigration } from './0003-socks.ts'
import { healingMigration } from './0004-healing.ts'
import { configVersionsMigration } from './0005-config-versions.ts'
import { auditMigration } from './0006-audit.ts'
import type { Migration } from './migration.ts'

/** Every step from an empty database to the schema of this version, in order. */
export const MIGRATIONS: readonly Migration[] = [
  membershipMigration,
  servicesMigration,
  socksMigration,
  healingMigration,
  configVersionsMigration,
  auditMigration,
]
