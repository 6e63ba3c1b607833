import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parseTar } from 'nanotar'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { type CliHome, createCliHome, documentOf } from '../../../tests/helpers/cli-process.ts'
import { LAPTOP, SERVER } from '../../../tests/helpers/fake-node-api.ts'

const answer = z.object({
  file: z.string(),
  anonymised: z.boolean(),
  items: z.array(z.object({ name: z.string() })),
})

let home: CliHome
let file: string

beforeEach(() => {
  home = createCliHome()
  file = join(dirname(home.paths.root), 'report.tar.gz')
  mkdirSync(home.paths.logs)
  const line = {
    level: 'warn',
    peer: SERVER,
    reason: 'connect ECONNREFUSED 192.168.7.9:80',
    msg: 'laptop lost server',
  }
  writeFileSync(
    join(home.paths.logs, 'x0t.log'),
    `${JSON.stringify(line)}\n{"msg":"cut off by a crash of laptop\n`,
  )
})
afterEach(() => home.stop())

/** What is in the report by the name of its file, as any program that knows tar reads it. */
function contents(): Map<string, string> {
  const items = parseTar(gunzipSync(readFileSync(file)))
  return new Map(items.map(({ name, text }) => [name.replace('x0t-bugreport/', ''), text]))
}

it('is one file that lists what is in it, and names nobody', async () => {
  await home.serve()
  const run = await home.run(['bugreport', file, '--json'])
  expect(run.code).toBe(0)
  const { items, anonymised } = documentOf(answer, run)
  const found = contents()
  expect(anonymised).toBe(true)
  expect([...found.keys()].sort()).toEqual(['README.txt', ...items.map(({ name }) => name)].sort())
  for (const { name } of items) expect(found.get('README.txt')).toContain(`${name}: `)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const all = [...found].filter(([name]) => name !== 'README.txt').map(([, text]) => text)
  for (const secret of [LAPTOP, SERVER, 'ab'.repeat(32), '192.168.7.9', home.paths.root, 'phone', 'laptop'])
    expect(all.filter((text) => text.includes(secret))).toEqual([])
  expect(found.get('x0t.log')).toMatch(/"msg":"node-\d lost node-\d"/)
  expect(found.get('x0t.log')).toContain('cut off by a crash of node-')
  expect(found.get('metrics.txt')).toMatch(/x0t_link_up\{peer="node-\d"\} 1/)
  expect(found.has('missing.txt')).toBe(false)
})

it('is written without a node as well, says what is missing, and overwrites nothing', async () => {
  const run = await home.run(['bugreport', file, '--with-names'])
  expect(run).toMatchObject({ code: 0, stderr: 'Names, addresses and ids are in it.\n' })
  const found = contents()
  expect([...found.keys()].sort()).toEqual(['README.txt', 'missing.txt', 'system.json', 'x0t.log'])
  expect(found.get('missing.txt')).toMatch(/^status: no node runs/m)
  expect(found.get('x0t.log')).toContain('laptop lost server')
  const again = await home.run(['bugreport', file])
  expect(again.code).toBe(1)
  expect(again.stderr).toMatch(/cannot be written/)
})
