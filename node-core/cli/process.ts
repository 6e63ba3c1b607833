import type { EntryName } from './entries/entry-process.ts'
import { listenForInterrupts } from './interrupts.ts'
import { runCli } from './run.ts'

/** Runs the command line of this process on its own streams, and leaves its exit code. */
export async function runAsProcess(entryOf: (name: EntryName) => string): Promise<void> {
  // Whoever reads our output may have seen enough (x0t status | head -1): that is no failure of ours.
  process.stdout.on('error', () => process.exit(0))
  process.stderr.on('error', () => {})
  const interrupts = listenForInterrupts()
  process.exitCode = await runCli(process.argv.slice(2), {
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    terminal: {
      input: process.stdin,
      screen: process.stderr,
      interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    },
    interrupts,
    entryOf,
  })
  interrupts.stop()
}
