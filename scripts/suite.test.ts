import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runSuite, tally } from './suite.ts'

const file = (status: string, ...assertions: readonly string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: assertions.map((each) => ({ status: each })),
})

const report = (passed: number, failed: number, pending: number, files: readonly unknown[]) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: pending,
  testResults: files,
})

describe('tally', () => {
  it('counts passed, failed and skipped tests', () => {
    const counted = tally('unit', report(3, 1, 2, [file('failed', 'passed', 'failed')]), 1)
    expect(counted).toEqual({ passed: 3, failed: 1, skipped: 2, problems: [], flaky: [] })
  })

  it('counts a file that does not load as a failure', () => {
    expect(tally('unit', report(3, 0, 0, [file('passed', 'passed'), file('failed')]), 1).failed).toBe(1)
  })

  it('counts a suite that ran no test as a failure, even when vitest calls it a success', () => {
    const counted = tally('unit', report(0, 0, 4, []), 0)
    expect(counted.failed).toBe(1)
    expect(counted.problems).toEqual(['unit: no test ran'])
  })

  it('counts an exit code that no test explains as a failure', () => {
    expect(tally('unit', report(5, 0, 0, [file('passed', 'passed')]), 1).failed).toBe(1)
  })

  it('counts a missing report as a failure', () => {
    expect(tally('unit', undefined, 128).failed).toBe(1)
  })
})

describe('runSuite', () => {
  let root: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'x0t-suite-'))
    await mkdir(join(root, 'tests'))
    await writeFile(
      join(root, 'vitest.config.mjs'),
      `export default { test: { projects: [{ test: { name: 'small', globals: true, include: ['tests/*.test.mjs'] } }] } }`,
    )
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const write = (name: string, text: string): Promise<void> => writeFile(join(root, 'tests', name), text)

  it('sees a real failing test beside a real passing one, and a file that throws while loading', async () => {
    await write('good.test.mjs', `it('adds', () => { expect(1 + 1).toBe(2) })`)
    await write('bad.test.mjs', `it('is wrong', () => { expect(1 + 1).toBe(3) })`)
    await write('broken.test.mjs', `throw new Error('does not load')`)
    const counted = await runSuite('small', root, false)
    expect(counted).toMatchObject({ passed: 1, failed: 2, skipped: 0 })
    expect(counted.problems).toHaveLength(1)
  })

  it('runs a red file once more, counts it once, and names it when it is green then', async () => {
    await write('good.test.mjs', `it('adds', () => { expect(1 + 1).toBe(2) })`)
    await write(
      'race.test.mjs',
      `import { existsSync, writeFileSync } from 'node:fs'
       it('is fine', () => {})
       it('races', () => {
         const ran = existsSync('ran')
         writeFileSync('ran', '')
         expect(ran).toBe(true)
       })`,
    )
    const counted = await runSuite('small', root, false)
    expect(counted).toEqual({
      ...{ passed: 3, failed: 0, skipped: 0, problems: [] },
      flaky: [expect.stringContaining('race.test.mjs')],
    })
  })

  it('does not try again when many files are red', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      const line = `import { appendFileSync } from 'node:fs'; it('x', () => { appendFileSync('ran', '.'); expect(1).toBe(2) })`
      await write(`${name}.test.mjs`, line)
    }
    expect(await runSuite('small', root, false)).toMatchObject({ passed: 0, failed: 4, flaky: [] })
    expect(await readFile(join(root, 'ran'), 'utf8')).toBe('....')
  })

  it('is red when no file matches', async () => {
    expect(await runSuite('small', root, false)).toMatchObject({ passed: 0, failed: 1 })
  })

  it('is red when one test is marked as the only one', async () => {
    await write('only.test.mjs', `it.only('runs alone', () => {}); it('is left out', () => {})`)
    const counted = await runSuite('small', root, false)
    expect(counted.failed).toBeGreaterThan(0)
  })
})
