import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { processMark } from './process-table.ts'
import { startReaper } from './reaper.ts'

const PROGRAM = fileURLToPath(new URL('./entries/reaper.ts', import.meta.url))
const STARTER = fileURLToPath(new URL('./reaper.ts', import.meta.url))

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process that does nothing, and says when it has begun to. */
async function idler(script = ''): Promise<{ pid: number; ended: Promise<string | number | null> }> {
  const child = spawn(process.execPath, ['-e', `${script};console.log('x');setInterval(() => {}, 1e6)`])
  children.push(child)
  const ended = new Promise<string | number | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code)),
  )
  await once(child.stdout, 'data')
  return { pid: child.pid as number, ended }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'x0t-reaper-'))
  writeFileSync(join(path, 'file'), 'something')
  return path
}

describe('the reaper', () => {
  it('ends what it watches and removes what it was told to, and then itself', async () => {
    const reaper = startReaper(PROGRAM)
    const [idle, path] = [await idler(), folder()]
    reaper.watch(idle.pid)
    reaper.remove(path)
    await reaper.finish()
    expect(await idle.ended).toBe('SIGTERM')
    expect(existsSync(path)).toBe(false)
    expect(processMark(reaper.pid)).toBeUndefined()
  })

  it('ends a process that is stopped, and one that ignores SIGTERM', async () => {
    const reaper = startReaper(PROGRAM)
    const stopped = await idler()
    const stubborn = await idler(`process.on('SIGTERM', () => {})`)
    process.kill(stopped.pid, 'SIGSTOP')
    reaper.watch(stopped.pid)
    reaper.watch(stubborn.pid)
    await reaper.finish()
    expect(await stopped.ended).toBe('SIGTERM')
    expect(await stubborn.ended).toBe('SIGKILL')
  })

  it('leaves alone what it was told to forget', async () => {
    const reaper = startReaper(PROGRAM)
    const idle = await idler()
    reaper.watch(idle.pid)
    reaper.forget(idle.pid)
    await reaper.finish()
    expect(processMark(idle.pid)).toBeDefined()
  })

  it('cleans up after a starter that was killed', async () => {
    const [idle, path] = [await idler(), folder()]
    const starter = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { startReaper } from ${JSON.stringify(STARTER)}
       const reaper = startReaper(${JSON.stringify(PROGRAM)})
       reaper.watch(${idle.pid})
       reaper.remove(${JSON.stringify(path)})
       setTimeout(() => console.log(reaper.pid), 200)
       setInterval(() => {}, 1e6)`,
    ])
    children.push(starter)
    const [pid] = (await once(starter.stdout, 'data')) as [Buffer]
    starter.kill('SIGKILL')
    expect(await idle.ended).toBe('SIGTERM')
    await eventually('the folder is gone', () => !existsSync(path))
    await eventually('the reaper is gone', () => processMark(Number(pid.toString())) === undefined)
  })
})

describe('the mark of a process', () => {
  it('stays the same while it runs, and is gone when it is', async () => {
    const idle = await idler()
    const mark = processMark(idle.pid)
    expect(mark).toBeDefined()
    expect(processMark(idle.pid)).toBe(mark)
    process.kill(idle.pid, 'SIGKILL')
    await idle.ended
    expect(processMark(idle.pid)).toBeUndefined()
  })
})
