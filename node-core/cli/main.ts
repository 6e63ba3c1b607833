import { join } from 'node:path'
import { runAsProcess } from './process.ts'

/** The entries are bundled beside the CLI; run from source, they are where the node and the lab are composed. */
await runAsProcess((name) =>
  import.meta.filename.endsWith('.ts')
    ? join(import.meta.dirname, '..', name === 'lab' ? 'lab' : 'app', 'entries', `${name}.ts`)
    : join(import.meta.dirname, `${name}.js`),
)
