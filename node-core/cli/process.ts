import { join } from 'node:path'
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
    launcher: launcherOf(process.argv[1] ?? ''),
  })
  interrupts.stop()
}

/** The bundle lies in dist/node-core, the launcher in dist; run from source, the one that the last build made. */
function launcherOf(program: string): string {
  const name = process.platform === 'win32' ? 'x0t.cmd' : 'x0t'
  return program.endsWith('.ts')
    ? join(program, '..', '..', '..', 'dist', name)
    : join(program, '..', '..', name)
}
