/** The dependency rules of .dependency-cruiser.cjs, run over the product or over the canary that breaks one. */
import { resolve } from 'node:path'
import * as z from 'zod'
import { runNode } from './command.ts'
import { ROOT, TOOLS } from './paths.ts'

/** A small tree of its own that breaks one rule on purpose. */
export const CANARY = resolve(ROOT, 'tests/architecture/canary')

/** The folders that hold our source. */
export const SOURCE_FOLDERS = ['node-core', 'electron', 'renderer', 'scripts', 'tests'] as const

const cruiseReport = z.object({
  modules: z.array(z.object({ source: z.string() })),
  summary: z.object({
    violations: z.array(
      z.object({
        from: z.string(),
        to: z.string(),
        rule: z.object({ name: z.string(), severity: z.string() }),
      }),
    ),
  }),
})

export interface Violation {
  readonly rule: string
  readonly from: string
  readonly to: string
}

export interface Cruise {
  /** Files of ours that were read, relative to the folder it ran in. */
  readonly files: readonly string[]
  readonly violations: readonly Violation[]
}

/** Reads the imports below `folders` of `cwd` and judges them. Throws when the checker itself fails. */
export async function cruise(cwd: string, folders: readonly string[]): Promise<Cruise> {
  const { stdout, output } = await runNode(
    [
      TOOLS.depcruise,
      '--config',
      resolve(ROOT, '.dependency-cruiser.cjs'),
      '--ts-config',
      resolve(ROOT, 'tsconfig.json'),
      '--output-type',
      'json',
      ...folders,
    ],
    { cwd },
  )
  // The exit code is the number of violations, so only unreadable output means that the checker broke.
  const report = cruiseReport.safeParse(parseJson(stdout))
  if (!report.success) throw new Error(`dependency-cruiser gave no report:\n${output}`)
  return {
    files: report.data.modules
      .map((module) => module.source)
      .filter((file) => /^(?!.*node_modules).*\.tsx?$/.test(file)),
    violations: report.data.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
