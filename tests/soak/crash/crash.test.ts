import { expect, it } from 'vitest'
import { runCrash } from './run-crash.ts'

it('loses no incident, plan, step, revocation or sample that was said to be written, in thirty kills', async () => {
  const { records, samples } = await runCrash(30, Date.now() % 1_000_000, () => {})
  expect(records).toBeGreaterThanOrEqual(30)
  expect(samples).toBeGreaterThanOrEqual(300)
}, 180_000)
