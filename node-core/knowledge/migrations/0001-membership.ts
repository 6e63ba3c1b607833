import type { Migration } from './migration.ts'

/** Signed records are kept as the bytes that were signed; the columns beside them are what a query needs. */
export const membershipMigration: Migration = {
  version: 1,
  name: 'membership',
  sql: `
    CREATE TABLE meta (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE certificates (
      peer TEXT NOT NULL,
      issuer_rank INTEGER NOT NULL,
      generation INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      chain BLOB NOT NULL,
      PRIMARY KEY (peer, issuer_rank)
    ) STRICT;

    CREATE TABLE revocations (
      issuer TEXT NOT NULL,
      hash TEXT NOT NULL,
      seq INTEGER NOT NULL,
      subject TEXT NOT NULL,
      entry BLOB NOT NULL,
      PRIMARY KEY (issuer, hash)
    ) STRICT;
    CREATE INDEX revocations_by_seq ON revocations (issuer, seq);

    CREATE TABLE revocation_heads (
      issuer TEXT PRIMARY KEY,
      seq INTEGER NOT NULL,
      at INTEGER NOT NULL,
      head BLOB NOT NULL
    ) STRICT;

    CREATE TABLE policies (
      version INTEGER PRIMARY KEY,
      accepted_at INTEGER NOT NULL,
      policy BLOB NOT NULL
    ) STRICT;

    CREATE TABLE invites (
      id TEXT PRIMARY KEY,
      role TEXT NOT NULL,
      labels TEXT NOT NULL,
      transit INTEGER NOT NULL,
      needs_approval INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      ed25519 BLOB NOT NULL,
      mldsa BLOB NOT NULL,
      used_by TEXT,
      used_keys_hash TEXT,
      used_at INTEGER,
      chain BLOB,
      CHECK ((used_by IS NULL) = (used_keys_hash IS NULL) AND (used_by IS NULL) = (used_at IS NULL)),
      CHECK (chain IS NULL OR used_by IS NOT NULL)
    ) STRICT;

    CREATE TABLE joins (
      id TEXT PRIMARY KEY,
      invite TEXT NOT NULL UNIQUE REFERENCES invites (id) ON DELETE CASCADE,
      peer TEXT NOT NULL,
      name TEXT NOT NULL,
      request BLOB NOT NULL,
      requested_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'expired')),
      decided_at INTEGER,
      CHECK ((state = 'pending') = (decided_at IS NULL))
    ) STRICT;

    CREATE TABLE node_records (
      peer TEXT PRIMARY KEY,
      incarnation INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      record BLOB NOT NULL
    ) STRICT;
  `,
}
