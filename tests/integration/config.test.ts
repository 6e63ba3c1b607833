import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMeshFixture, type MeshFixture, type RunningNode } from '../helpers/x0t.ts'

describe('the configuration of a real node', () => {
  let mesh: MeshFixture
  let node: RunningNode
  const file = (name: string): string => `${mesh.dir}/${name}`

  beforeAll(async () => {
    mesh = await createMeshFixture()
    await mesh.init('node')
    node = await mesh.up('node')
  })
  afterAll(async () => {
    await mesh.stop()
  })

  const services = async (): Promise<string[]> => {
    const { items } = await node.json<{ items: { name: string; target: string }[] }>(['services'])
    return items.map(({ name, target }) => `${name} ${target}`)
  }

  it('is exported, changed, imported as a whole, and taken back with one command', async () => {
    await node.json(['expose', 'web', '--to', '127.0.0.1:80'])
    await node.json(['config', 'export', '--file', file('out.yaml')])
    const text = await readFile(file('out.yaml'), 'utf8')
    expect(text).not.toMatch(/keystore|secret|private/i)
    const changed = text
      .replace('127.0.0.1:80', '127.0.0.1:81')
      .replace('settings: {}', 'settings: { links: { min: 2 } }')
    await writeFile(file('in.yaml'), changed)
    const { changes } = await node.json<{ changes: unknown[] }>([
      'config',
      'import',
      file('in.yaml'),
      '--dry-run',
    ])
    expect(changes).toHaveLength(2)
    expect(await services()).toEqual(['web 127.0.0.1:80'])

    await node.json(['config', 'import', file('in.yaml')])
    expect(await services()).toEqual(['web 127.0.0.1:81'])
    expect(await readFile(`${node.home}/x0t.yaml`, 'utf8')).toContain('min: 2')
    await node.json(['config', 'rollback', '1'])
    expect(await services()).toEqual(['web 127.0.0.1:80'])
    const { items } = await node.json<{ items: { action: string; current: boolean }[] }>([
      'config',
      'history',
    ])
    expect(items.map(({ action }) => action)).toEqual(['rollback to 1', 'import', 'seen'])
  })

  it('is left alone by a file that is wrong, which is told by its line', async () => {
    await writeFile(file('bad.json'), '{\n  "schema": 2,\n  "services": [],\n  "socks": [99999]\n}\n')
    const result = await node.x0t(['config', 'import', file('bad.json'), '--json'])
    expect(result.code).toBe(1)
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: {
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`${file('bad.json')}:4:13: socks[0]`),
      },
    })
    await writeFile(file('new.yaml'), 'schema: 9\n')
    const newer = await node.x0t(['config', 'import', file('new.yaml'), '--json'])
    expect(JSON.parse(newer.stdout)).toMatchObject({ error: { code: 'CONFIG_NEWER' } })
    expect(await services()).toEqual(['web 127.0.0.1:80'])
  })

  it('holds the keys only when a passphrase seals them', async () => {
    await writeFile(file('passphrase'), 'a long passphrase\n', { mode: 0o600 })
    const args = ['config', 'export', '--format', 'json', '--passphrase-file', file('passphrase')]
    const { text } = await node.json<{ text: string }>(args)
    const { keystore } = JSON.parse(text) as { keystore: { sealed: string } }
    const key = await readFile(`${node.home}/keystore.key`)
    expect(Buffer.from(keystore.sealed, 'base64').length).toBeGreaterThan(100)
    expect(Buffer.from(keystore.sealed, 'base64').includes(key)).toBe(false)
  })
})
