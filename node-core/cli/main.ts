import { join } from 'node:path'
import { runAsProcess } from './process.ts'

/** The entries are bundled beside the CLI; run from source, they are where the node is composed. */
await runAsProcess((name) =>
  import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, '..', 'app', 'entries', `${name}.ts`)
    : join(import.meta.dirname, `${name}.js`),
)
