import { expect, it } from 'vitest'
import { CHECKS, type Check, runChecks } from './checks.ts'

const check = (name: string, run: Check['run']): Check => ({ name, run })

it('prints one line for each check and the details of those that fail, and counts both', async () => {
  const lines: string[] = []
  const checks = [
    check('fine', async () => ({ ok: true, detail: 'noise that nobody needs' })),
    check('wrong', async () => ({ ok: false, detail: 'a.ts:1 is wrong\n' })),
    check('broken', async () => {
      throw new Error('the checker does not start')
    }),
  ]
  expect(await runChecks(checks, (line) => lines.push(line))).toEqual({ passed: 1, failed: 2 })
  expect(lines.map((line) => line.replace(/\d+\.\d s/, 'N s'))).toEqual([
    'ok      fine (N s)',
    'FAILED  wrong (N s)',
    'a.ts:1 is wrong',
    'FAILED  broken (N s)',
    'Error: the checker does not start',
  ])
})

it('has a check for types of both kinds, format, layers, their canary and dead code', () => {
  expect(CHECKS.map(({ name }) => name)).toEqual([
    'types',
    'types of the renderer',
    'format and lint',
    'layers',
    'layers canary',
    'dead code',
  ])
})
