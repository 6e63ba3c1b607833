/** `npm run check`: types, format and lint, layers with their canary, dead code. Exit code 1 when any fails. */
import { CHECKS, runChecks } from './checks.ts'

const { failed } = await runChecks(CHECKS, console.log)
process.exitCode = failed === 0 ? 0 : 1
