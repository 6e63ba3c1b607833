/** `npm test`: the checks, then every suite. The last line counts all of it. */
import { resolve } from 'node:path'
import { CHECKS, type Check, runChecks } from './checks.ts'
import { requireChromium } from './chromium.ts'
import { runNode } from './command.ts'
import { ROOT } from './paths.ts'
import { runSuite } from './suite.ts'

const SUITES = ['unit', 'integration', 'e2e'] as const

/** The integration tests run the built program, so it has to be the one of these sources. */
const build: Check = {
  name: 'build',
  async run() {
    const { code, output } = await runNode([resolve(ROOT, 'scripts/build.ts')], { cwd: ROOT })
    return { ok: code === 0, detail: output }
  },
}

/** Looked for first: an installation in the middle of the tests would count as their time. */
const browser: Check = {
  name: 'a Chromium',
  async run() {
    process.env['CHROMIUM_PATH'] = requireChromium(console.log)
    return { ok: true, detail: '' }
  },
}

let { passed, failed } = await runChecks([...CHECKS, build, browser], console.log)
let skipped = 0
for (const suite of SUITES) {
  console.log(`\n${suite} tests`)
  const result = await runSuite(suite, ROOT)
  passed += result.passed
  failed += result.failed
  skipped += result.skipped
  for (const problem of result.problems) console.log(`FAILED  ${problem}`)
  for (const file of result.flaky) {
    console.log(`FLAKY   ${suite}: ${file} was red, and green when it ran again: find the race`)
  }
}

if (skipped > 0) console.log(`${skipped} skipped`)
process.exitCode = failed === 0 ? 0 : 1
console.log(`${passed} passed, ${failed} failed`)
