import { runReaper } from '../reaper.ts'

await runReaper(process.stdin)
