import type { Migration } from './migration.ts'

/** Local ports that serve SOCKS5. No address: they listen on the loopback and nowhere else. */
export const socksMigration: Migration = {
  version: 3,
  name: 'socks',
  sql: `
    CREATE TABLE socks_ports (
      port INTEGER PRIMARY KEY CHECK (port BETWEEN 1 AND 65535)
    ) STRICT;
  `,
}
