import { fileURLToPath } from 'node:url'
import { runAsProcess } from '../../node-core/cli/process.ts'

/** The real command line in a real process; the programs that it starts are `fake-entry.ts`. */
await runAsProcess(() => fileURLToPath(new URL('./fake-entry.ts', import.meta.url)))
