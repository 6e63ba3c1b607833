import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

const PROGRAM = resolve(import.meta.dirname, '../helpers/plan-process.ts')
const answerSchema = z.object({
  state: z.string(),
  steps: z.array(z.string()),
  inForce: z.array(z.string()),
  writes: z.number(),
})

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'x0t-plan-crash-'))
})
afterEach(() => rm(dir, { recursive: true }))

const run = (name: string, dieAt: number) =>
  spawnSync(process.execPath, [PROGRAM, join(dir, `${name}.db`), join(dir, `${name}.world`), String(dieAt)], {
    encoding: 'utf8',
    timeout: 30_000,
  })

describe('a plan whose process is killed with SIGKILL', () => {
  // Before each of the 15 writes, with the action already done, and after it.
  it('is finished or taken back at the next start, whichever write of the journal it was', () => {
    const whole = run('whole', 0)
    const { writes, state } = answerSchema.parse(JSON.parse(whole.stdout))
    expect([state, writes]).toEqual(['rolled-back', 30])
    for (let dieAt = 1; dieAt <= writes; dieAt += 1) {
      const name = `kill-${dieAt}`
      expect([dieAt, run(name, dieAt).signal]).toEqual([dieAt, 'SIGKILL'])
      const answer = answerSchema.parse(JSON.parse(run(name, 0).stdout))
      expect([dieAt, answer.state, answer.inForce]).toEqual([dieAt, 'rolled-back', []])
      expect(answer.steps).toEqual(['a compensated', 'b compensated', 'c failed'])
    }
  }, 180_000)
})
