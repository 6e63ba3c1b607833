import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../platform/clock.ts'
import { type OperatorCommand, readCommandFile, runOperatorCommand } from './operator-commands.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'x0t-commands-'))
})
afterEach(() => rm(dir, { recursive: true }))

const never = new AbortController().signal
const run = (given: Partial<OperatorCommand>, input = '') =>
  runOperatorCommand(
    systemClock,
    'test',
    { run: '/bin/sh', args: [], 'timeout-seconds': 5, ...given },
    input,
    never,
  )

describe('the commands of an operator', () => {
  it('come from a file that nobody else may read', async () => {
    const path = join(dir, 'heal-commands.yaml')
    expect(await readCommandFile(path)).toEqual({ commands: {} })
    await writeFile(path, 'commands:\n  restart:\n    run: /bin/true\n    service: web\n', { mode: 0o600 })
    expect((await readCommandFile(path)).commands['restart']).toMatchObject({ run: '/bin/true', args: [] })
    await chmod(path, 0o644)
    await expect(readCommandFile(path)).rejects.toMatchObject({ fault: { code: 'KEYSTORE_EXPOSED' } })
  })

  it('need an absolute path, and nothing else may stand there', async () => {
    const path = join(dir, 'heal-commands.yaml')
    for (const text of ['run: true', 'run: /bin/true\n    shell: true']) {
      await writeFile(path, `commands:\n  a:\n    ${text}\n`, { mode: 0o600 })
      await expect(readCommandFile(path)).rejects.toMatchObject({ fault: { code: 'COMMAND_FILE_INVALID' } })
    }
  })

  it('run without a shell, with an environment of their own', async () => {
    expect(await run({ run: '/bin/echo', args: ['$HOME; id', '`id`'] })).toBe('$HOME; id `id`')
    process.env['X0T_TEST_SECRET'] = 'secret'
    expect(await run({ run: '/usr/bin/env' })).not.toContain('secret')
    delete process.env['X0T_TEST_SECRET']
    expect(await run({ run: '/bin/cat' }, 'told on stdin')).toBe('told on stdin')
  })

  it('say how they failed', async () => {
    await expect(run({ args: ['-c', 'echo broken; exit 3'] })).rejects.toThrow('ended with 3: broken')
    await expect(run({ run: '/nowhere/at-all' })).rejects.toThrow('could not be started')
  })

  it('are ended with all that they started when they take too long', async () => {
    const pidFile = join(dir, 'pid')
    const script = `sleep 100 & echo $! > ${pidFile}; wait`
    await expect(run({ args: ['-c', script], 'timeout-seconds': 1 })).rejects.toThrow('took longer than 1 s')
    const pid = Number(await readFile(pidFile, 'utf8'))
    // Gone, or a corpse that whoever adopted it has not buried yet.
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).toBe('')
  })

  it('cannot fill the memory with what they print', async () => {
    const said = await run({ args: ['-c', 'head -c 5000000 /dev/zero | tr "\\0" x'] })
    expect(said.length).toBeLessThanOrEqual(300)
  })
})
