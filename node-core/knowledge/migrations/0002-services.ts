import type { Migration } from './migration.ts'

/** What this node offers, what it forwards, and where it last reached the others. */
export const servicesMigration: Migration = {
  version: 2,
  name: 'services',
  sql: `
    CREATE TABLE services (
      name TEXT PRIMARY KEY,
      host TEXT NOT NULL,
      port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
      health_check TEXT
    ) STRICT;

    CREATE TABLE forwards (
      port INTEGER PRIMARY KEY CHECK (port BETWEEN 1 AND 65535),
      host TEXT NOT NULL,
      service TEXT NOT NULL,
      node TEXT
    ) STRICT;

    CREATE TABLE addresses (
      peer TEXT NOT NULL,
      address TEXT NOT NULL,
      reached_at INTEGER NOT NULL,
      PRIMARY KEY (peer, address)
    ) STRICT, WITHOUT ROWID;
  `,
}
