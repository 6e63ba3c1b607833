import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SCRIPT = fileURLToPath(new URL('./vectors.ts', import.meta.url))
const PUBLISHED = fileURLToPath(new URL('../vectors/noise-xxhfs-mlkem768.json', import.meta.url))

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })

describe('the vectors command', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'x0t-vectors-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const file = (name: string, content: unknown): string => {
    const path = join(directory, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  it('passes the published file', async () => {
    expect(await run(PUBLISHED)).toEqual({ code: 0, stdout: '1 passed, 0 failed\n', stderr: '' })
  })

  it('counts every vector of a file and exits 1 on a difference', async () => {
    const published = JSON.parse(readFileSync(PUBLISHED, 'utf8'))
    const [vector] = published.vectors
    const wrong = { ...vector, vector_index: 2, cs2_k: vector.cs1_k }
    const ran = await run(file('two.json', { ...published, vectors: [vector, wrong] }))
    expect([ran.code, ran.stdout]).toEqual([1, '1 passed, 1 failed\n'])
    expect(ran.stderr).toContain('vector 2, initiator, cs2_k')
    expect(ran.stderr).toContain('vector 2, responder, cs2_k')
  })

  it('says what is wrong with a file that it cannot use', async () => {
    const published = JSON.parse(readFileSync(PUBLISHED, 'utf8'))
    const [vector] = published.vectors
    const cases: [string, string][] = [
      [join(directory, 'missing.json'), 'ENOENT'],
      [file('text.json', 'no json'), 'not valid JSON'],
      [file('other.json', { protocol: 'Noise_XX', vectors: [] }), 'not a file of vectors'],
      [file('short.json', { ...published, vectors: [{ ...vector, msg_a: 'xyz' }] }), 'must be hex'],
    ]
    for (const [path, message] of cases) {
      const ran = await run(path)
      expect([ran.code, ran.stdout]).toEqual([2, ''])
      expect(ran.stderr).toContain(message)
    }
    expect((await run()).code).toBe(2)
  })
})
