import { join } from 'node:path'
import { runAsProcess } from '../../node-core/cli/process.ts'

/** The real command line in a real process; the programs that it starts are `fake-entry.ts`. */
await runAsProcess(() => join(import.meta.dirname, 'fake-entry.ts'))
