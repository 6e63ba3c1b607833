/** What `npm run check` checks, one function each. `npm test` runs the same list first. */
import { CANARY, cruise, SOURCE_FOLDERS } from './architecture.ts'
import { runNode } from './command.ts'
import { ROOT, TOOLS } from './paths.ts'

export interface CheckResult {
  readonly ok: boolean
  /** What to read when it is not ok. */
  readonly detail: string
}

export interface Check {
  readonly name: string
  run(): Promise<CheckResult>
}

/** A canary that is not caught under this rule means that the checker reads nothing. */
const CANARY_RULE = 'layer-domain'

function tool(name: string, program: string, args: readonly string[]): Check {
  return {
    name,
    async run() {
      const { code, output } = await runNode([program, ...args], { cwd: ROOT })
      return { ok: code === 0, detail: output }
    },
  }
}

const layers: Check = {
  name: 'layers',
  async run() {
    const { files, violations } = await cruise(ROOT, SOURCE_FOLDERS)
    if (files.length === 0) return { ok: false, detail: 'dependency-cruiser read no file' }
    return {
      ok: violations.length === 0,
      detail: violations.map(({ rule, from, to }) => `${rule}: ${from} -> ${to}`).join('\n'),
    }
  },
}

const canary: Check = {
  name: 'layers canary',
  async run() {
    const { violations } = await cruise(CANARY, ['node-core'])
    const caught = violations.some((violation) => violation.rule === CANARY_RULE)
    return {
      ok: caught,
      detail: 'the rule that the canary breaks was not reported: the layer check is blind',
    }
  },
}

export const CHECKS: readonly Check[] = [
  tool('types', TOOLS.tsc, ['-p', 'tsconfig.json']),
  tool('types of the renderer', TOOLS.tsc, ['-p', 'renderer/tsconfig.json']),
  tool('format and lint', TOOLS.biome, ['ci', '--colors=off', '.']),
  layers,
  canary,
  tool('dead code', TOOLS.knip, ['--no-progress']),
]

/** Runs every check, one line each with its time, and the details of those that fail. */
export async function runChecks(
  checks: readonly Check[],
  print: (line: string) => void,
): Promise<{ passed: number; failed: number }> {
  let passed = 0
  for (const check of checks) {
    const began = performance.now()
    const result = await check.run().catch((error: unknown) => ({ ok: false, detail: String(error) }))
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    print(`${result.ok ? 'ok    ' : 'FAILED'}  ${check.name} (${seconds} s)`)
    if (result.ok) passed += 1
    else print(result.detail.trimEnd())
  }
  return { passed, failed: checks.length - passed }
}
