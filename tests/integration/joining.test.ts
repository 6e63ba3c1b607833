import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor, x0t } from '../helpers/x0t.ts'

interface ErrorDocument {
  schema: 1
  error: { code: string; message: string; hint: string }
}

describe('joining by invite', () => {
  let mesh: MeshFixture
  let founder: RunningNode

  beforeAll(async () => {
    mesh = await createMeshFixture()
    await mesh.init('founder')
    founder = await mesh.up('founder')
  })

  afterAll(async () => {
    await mesh?.stop()
  })

  const joinArgs = (name: string): string[] => ['--home', mesh.home(name), 'join', '--name', name, '--json']

  async function logOf(node: RunningNode): Promise<string> {
    const files = await readdir(join(node.home, 'logs'))
    const texts = await Promise.all(files.map((file) => readFile(join(node.home, 'logs', file), 'utf8')))
    return texts.join('')
  }

  it('refuses a token that somebody else has used, and the log of the issuer says so', async () => {
    const { token } = await founder.json<{ token: string }>(['invite'])
    expect((await x0t([...joinArgs('first'), token])).code).toBe(0)
    const thief = await x0t([...joinArgs('thief'), token])
    expect(thief.code).toBe(1)
    const { error } = JSON.parse(thief.stdout) as ErrorDocument
    expect(error.code).toBe('JOIN_INVITE_USED')
    expect(error.hint).not.toBe('')
    await waitFor('the refusal to be logged', async () => (await logOf(founder)).includes('invite-used'))
    expect(await logOf(founder)).not.toContain(token)
  })

  it('takes a token from a file and from standard input', async () => {
    const { token } = await founder.json<{ token: string }>(['invite'])
    const stdin = await x0t([...joinArgs('piped'), '--token-file', '-'], { input: `${token}\n` })
    expect(stdin.code).toBe(0)
    expect(JSON.parse(stdin.stdout)).toMatchObject({ name: 'piped' })
  })

  it('lets nobody in by an invite with approval until an operator says yes', async () => {
    const { token } = await founder.json<{ token: string }>(['invite', '--approve'])
    const waiting = x0t([...joinArgs('patient'), '--token-file', '-', '--timeout', '30s'], { input: token })
    let id = ''
    await waitFor('the request to be pending', async () => {
      const { items } = await founder.json<{ items: { id: string; name: string; state: string }[] }>([
        'approve',
      ])
      id = items.find((item) => item.name === 'patient' && item.state === 'pending')?.id ?? ''
      return id !== ''
    })
    const members = await founder.json<{ items: { name: string }[] }>(['peers'])
    expect(members.items.map((member) => member.name)).not.toContain('patient')
    expect((await founder.x0t(['approve', id])).code).toBe(0)
    expect((await waiting).code).toBe(0)
  })

  it('tells a rejected joiner so', async () => {
    const { token } = await founder.json<{ token: string }>(['invite', '--approve'])
    const waiting = x0t([...joinArgs('unwanted'), '--token-file', '-', '--timeout', '30s'], { input: token })
    let id = ''
    await waitFor('the request to be pending', async () => {
      const { items } = await founder.json<{ items: { id: string; name: string; state: string }[] }>([
        'approve',
      ])
      id = items.find((item) => item.name === 'unwanted' && item.state === 'pending')?.id ?? ''
      return id !== ''
    })
    expect((await founder.x0t(['reject', id])).code).toBe(0)
    const refused = await waiting
    expect(refused.code).toBe(1)
    expect((JSON.parse(refused.stdout) as ErrorDocument).error.code).toMatch(/REJECTED/)
  })

  it('never joins over a home that is a member already', async () => {
    const { token } = await founder.json<{ token: string }>(['invite'])
    const again = await x0t([...joinArgs('first'), token])
    expect(again.code).toBe(1)
    expect((JSON.parse(again.stdout) as ErrorDocument).error.hint).not.toBe('')
  })

  it('says what is wrong with a token that was cut or changed', async () => {
    const { token } = await founder.json<{ token: string }>(['invite'])
    for (const broken of [
      token.slice(0, -3),
      `${token.slice(0, 40)}${token[40] === 'a' ? 'b' : 'a'}${token.slice(41)}`,
    ]) {
      const result = await x0t([...joinArgs('broken'), broken])
      expect([1, 2]).toContain(result.code)
      expect((JSON.parse(result.stdout) as ErrorDocument).error.message).toMatch(/token|invite/i)
    }
  })
})
