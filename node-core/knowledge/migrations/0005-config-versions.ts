import type { Migration } from './migration.ts'

/** Every state of the configuration that was seen or made, to go back to. */
export const configVersionsMigration: Migration = {
  version: 5,
  name: 'config-versions',
  sql: `
    CREATE TABLE config_versions (
      version INTEGER PRIMARY KEY CHECK (version > 0),
      at INTEGER NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      -- 'applying' is what a crash in the middle of a change leaves behind.
      state TEXT NOT NULL CHECK (state IN ('applying', 'applied')),
      -- The document as JSON, and the exact text of x0t.yaml; null where there was no file.
      document TEXT NOT NULL,
      file_text TEXT
    ) STRICT;
  `,
}
