import type { Migration } from './migration.ts'

/** What the loop knows: whole documents, and beside them the columns that a query needs. */
export const healingMigration: Migration = {
  version: 4,
  name: 'healing',
  sql: `
    CREATE TABLE symptoms (
      code TEXT NOT NULL,
      subject TEXT NOT NULL,
      first_seen_at INTEGER NOT NULL,
      last_seen_at INTEGER NOT NULL,
      document TEXT NOT NULL,
      PRIMARY KEY (code, subject, first_seen_at)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX symptoms_by_time ON symptoms (last_seen_at);

    CREATE TABLE incidents (
      id TEXT PRIMARY KEY,
      code TEXT NOT NULL,
      subject TEXT NOT NULL,
      state TEXT NOT NULL,
      opened_at INTEGER NOT NULL,
      resolved_at INTEGER,
      document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX incidents_by_time ON incidents (opened_at);
    CREATE INDEX incidents_unresolved ON incidents (opened_at) WHERE state <> 'resolved';

    CREATE TABLE plans (
      id TEXT PRIMARY KEY,
      incident TEXT NOT NULL,
      playbook TEXT NOT NULL,
      state TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      ended_at INTEGER,
      document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX plans_by_incident ON plans (incident, created_at);
    CREATE INDEX plans_by_time ON plans (created_at);
    CREATE INDEX plans_unfinished ON plans (created_at) WHERE ended_at IS NULL;

    CREATE TABLE step_journal (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      plan TEXT NOT NULL,
      step TEXT NOT NULL,
      idempotency_key TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      phase TEXT NOT NULL,
      at INTEGER NOT NULL,
      detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX step_journal_by_plan ON step_journal (plan, seq);
    CREATE INDEX step_journal_by_key ON step_journal (idempotency_key, seq);

    CREATE TABLE plan_votes (
      plan TEXT NOT NULL,
      voter TEXT NOT NULL,
      verdict TEXT NOT NULL,
      at INTEGER NOT NULL,
      comment TEXT,
      PRIMARY KEY (plan, voter)
    ) STRICT;

    CREATE TABLE outcomes (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      plan TEXT NOT NULL UNIQUE,
      incident TEXT NOT NULL,
      playbook TEXT NOT NULL,
      playbook_version INTEGER NOT NULL,
      code TEXT NOT NULL,
      features TEXT NOT NULL,
      succeeded INTEGER NOT NULL,
      duration_ms REAL NOT NULL
    ) STRICT;
    CREATE INDEX outcomes_by_code ON outcomes (code, seq);

    CREATE TABLE playbook_settings (
      playbook TEXT PRIMARY KEY,
      enabled INTEGER NOT NULL,
      mode TEXT,
      changed_by TEXT NOT NULL,
      changed_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE baselines (
      series TEXT PRIMARY KEY,
      updated_at INTEGER NOT NULL,
      state TEXT NOT NULL
    ) STRICT;
  `,
}
