import type { Migration } from './migration.ts'

/** Who changed what at this node, and what its neighbours let it hold of their logs. */
export const auditMigration: Migration = {
  version: 6,
  name: 'audit',
  sql: `
    -- The entry alone counts: the other columns are there to find it by, and are checked against it.
    CREATE TABLE audit_entries (
      seq INTEGER PRIMARY KEY CHECK (seq > 0),
      at INTEGER NOT NULL,
      operation TEXT NOT NULL,
      actor TEXT NOT NULL,
      correlation TEXT NOT NULL,
      entry BLOB NOT NULL
    ) STRICT;
    CREATE INDEX audit_by_correlation ON audit_entries (correlation);

    -- The signature over the end of the own log.
    CREATE TABLE audit_head (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      head BLOB NOT NULL
    ) STRICT;

    -- Changes that were begun: what a crash leaves here is entered as interrupted.
    CREATE TABLE audit_begun (
      id TEXT PRIMARY KEY,
      change TEXT NOT NULL
    ) STRICT;

    -- Signed by other nodes over the ends of their logs. Two hashes under one number convict their node.
    CREATE TABLE held_audit_heads (
      node TEXT NOT NULL,
      seq INTEGER NOT NULL,
      hash TEXT NOT NULL,
      held_at INTEGER NOT NULL,
      head BLOB NOT NULL,
      PRIMARY KEY (node, seq, hash)
    ) STRICT, WITHOUT ROWID;
  `,
}
