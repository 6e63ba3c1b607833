/** Runs one vitest project and counts what it really ran. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { runNode } from './command.ts'
import { TOOLS } from './paths.ts'

export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Failures that no single test shows: a file that does not load, a suite without tests, an unhandled error. */
  readonly problems: readonly string[]
}

const vitestReport = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int().default(0),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
})

/**
 * Counts one vitest JSON report. Whatever made the run red without a failed test (a file that does not load, an unhandled
 * error, no test at all, no report) counts as one failure each, so that red can never read as green.
 */
export function tally(project: string, report: unknown, exitCode: number): Tally {
  const parsed = vitestReport.safeParse(report)
  if (!parsed.success) {
    return {
      passed: 0,
      failed: 1,
      skipped: 0,
      problems: [`${project}: vitest wrote no report (exit ${exitCode})`],
    }
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = parsed.data
  const problems = testResults
    .filter(
      (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
    )
    .map((file) => `${project}: ${file.name} failed outside of any test`)
  if (numPassedTests + numFailedTests === 0) problems.push(`${project}: no test ran`)
  if (exitCode !== 0 && numFailedTests === 0 && problems.length === 0) {
    problems.push(`${project}: vitest ended with exit ${exitCode} although no test failed`)
  }
  return {
    passed: numPassedTests,
    failed: numFailedTests + problems.length,
    skipped: numPendingTests + numTodoTests,
    problems,
  }
}

/** Runs the vitest project of that name under `root` and shows its output as it comes. */
export async function runSuite(project: string, root: string, stream = true): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'x0t-report-'))
  const file = join(folder, 'report.json')
  try {
    const { code } = await runNode(
      [
        TOOLS.vitest,
        'run',
        '--root',
        root,
        '--project',
        project,
        // A forgotten `.only` is an error here too, not only where CI is set.
        '--allowOnly=false',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${file}`,
      ],
      { cwd: root, stream },
    )
    return tally(project, await readJson(file), code)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}
