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
  /** Files that were red and then, run again alone, green. Each is a race to be found. */
  readonly flaky: readonly string[]
}

/** A machine that stumbles breaks a file or two. What breaks more of them is no accident, and not tried again. */
const MAX_FILES_TRIED_AGAIN = 3

type Report = z.infer<typeof vitestReport>

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
      flaky: [],
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
    flaky: [],
  }
}

const isRed = ({ status, assertionResults }: Report['testResults'][number]): boolean =>
  status === 'failed' || assertionResults.some((each) => each.status === 'failed')

/** The first report with what the second one says of the files that ran twice. */
function merge(first: Report, second: Report): Report {
  const again = new Set(second.testResults.map(({ name }) => name))
  const counted = (report: Report, status: string): number =>
    report.testResults
      .filter(({ name }) => again.has(name))
      .flatMap(({ assertionResults }) => assertionResults)
      .filter((each) => each.status === status).length
  return {
    numPassedTests: first.numPassedTests - counted(first, 'passed') + second.numPassedTests,
    numFailedTests: first.numFailedTests - counted(first, 'failed') + second.numFailedTests,
    // A file that failed to begin reported no test as skipped: what was skipped is only ever added to.
    numPendingTests: Math.max(first.numPendingTests, second.numPendingTests),
    numTodoTests: first.numTodoTests,
    testResults: [...first.testResults.filter(({ name }) => !again.has(name)), ...second.testResults],
  }
}

/**
 * Runs the vitest project of that name under `root` and shows its output as it comes. A few red files are run once more,
 * alone, on a machine that does nothing else by then; those that are green at that are counted as such and named.
 */
export async function runSuite(project: string, root: string, stream = true): Promise<Tally> {
  const first = await runVitest(project, root, stream, [])
  const report = vitestReport.safeParse(first.report)
  const red = report.success ? report.data.testResults.filter(isRed).map(({ name }) => name) : []
  if (!report.success || red.length === 0 || red.length > MAX_FILES_TRIED_AGAIN) {
    return tally(project, first.report, first.code)
  }
  if (stream) console.log(`\nonce more, alone: ${red.join(', ')}`)
  const second = await runVitest(project, root, stream, red)
  const again = vitestReport.safeParse(second.report)
  if (!again.success) return tally(project, first.report, first.code)
  const stillRed = new Set(again.data.testResults.filter(isRed).map(({ name }) => name))
  const ran = new Set(again.data.testResults.map(({ name }) => name))
  const flaky = red.filter((name) => ran.has(name) && !stillRed.has(name))
  return { ...tally(project, merge(report.data, again.data), second.code), flaky }
}

async function runVitest(
  project: string,
  root: string,
  stream: boolean,
  files: readonly string[],
): Promise<{ readonly report: unknown; readonly code: number }> {
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
        ...files,
      ],
      // Each file is a process of its own, and some start a dozen more: none of them need compile all again.
      { cwd: root, stream, env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled') } },
    )
    return { report: await readJson(file), code }
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
