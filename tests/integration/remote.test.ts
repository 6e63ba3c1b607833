import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectWeb, signIn } from '../helpers/web-client.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor } from '../helpers/x0t.ts'

describe('steering another member', () => {
  let mesh: MeshFixture
  let anna: RunningNode
  let boris: RunningNode
  let clara: RunningNode

  beforeAll(async () => {
    mesh = await createMeshFixture()
    await mesh.init('anna')
    anna = await mesh.up('anna')
    await mesh.join('boris', anna, ['--role', 'operator'])
    boris = await mesh.up('boris')
    await mesh.join('clara', anna, ['--role', 'viewer'])
    clara = await mesh.up('clara')
    for (const node of [boris, clara]) {
      await waitFor(`${node.name} to reach all`, async () => {
        const { members } = await node.json<{ members: { reachable: boolean }[] }>(['status'])
        return members.length === 3 && members.every(({ reachable }) => reachable)
      })
    }
  })
  afterAll(async () => {
    await mesh.stop()
  })

  const codeOf = async (node: RunningNode, args: readonly string[]): Promise<unknown> => {
    const { stdout } = await node.x0t([...args, '--json'])
    return (JSON.parse(stdout) as { error?: { code: string } }).error?.code
  }

  it('does what the certificate of the asking node allows, and no more', async () => {
    const expose = ['expose', 'web', '--to', '127.0.0.1:80']
    expect(await codeOf(clara, ['--node', 'boris', ...expose])).toBe('FORBIDDEN')
    expect((await clara.json<{ node: { name: string } }>(['--node', 'boris', 'status'])).node.name).toBe(
      'boris',
    )
    expect(await codeOf(boris, ['--node', 'anna', ...expose])).toBeUndefined()
    const { items } = await anna.json<{ items: { name: string; local: boolean }[] }>(['services'])
    expect(items).toContainEqual(expect.objectContaining({ name: 'web', local: true }))
    expect(await codeOf(boris, ['--node', 'anna', 'config', 'rollback', '1'])).toBe('FORBIDDEN')
  })

  it('is entered at the node that was changed, and a member vouches for the log', async () => {
    const { items } = await anna.json<{ items: { operation: string; role: string; actor: object }[] }>([
      ...['audit', 'list', '--operation', 'services.'],
    ])
    expect(items).toMatchObject([
      {
        operation: 'services.expose',
        role: 'operator',
        actor: { kind: 'member', name: 'boris', via: 'mesh' },
      },
    ])
    await waitFor('clara to find the log of anna whole and vouched for', async () => {
      const verified = await clara.json<{ ok: boolean; entries: number; holders: object[] }>([
        ...['audit', 'verify', 'anna'],
      ])
      expect(verified.ok).toBe(true)
      return verified.entries >= 2 && verified.holders.length > 0
    })
  })

  it('says what is wrong with who was named', async () => {
    expect(await codeOf(anna, ['--node', 'nobody', 'status'])).toBe('UNKNOWN_NODE')
    expect(await codeOf(anna, ['--node', 'boris', 'down'])).toBe('USAGE')
  })

  it('lets a console follow another member live, until it is expelled', async () => {
    const { url } = await boris.json<{ url: string }>(['console', '--role', 'viewer'])
    const { origin, token } = await signIn(url)
    const { client, socket } = await connectWeb(origin, token, { 'x0t-node': 'anna' })
    expect((await client.node.status()).node.name).toBe('anna')
    await expect(client.services.unexpose({ name: 'web' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const seen: string[] = []
    const events = await client.events.subscribe({ topics: ['node', 'services'] })
    const followed = (async () => {
      for await (const event of events) seen.push(JSON.stringify(event))
      return 'ended'
    })().catch(() => 'ended')
    await waitFor('two snapshots', () => seen.length >= 2)
    expect(seen[0]).toContain('"name":"anna"')
    await anna.json(['expose', 'later', '--to', '127.0.0.1:81'])
    await waitFor('the change', () => seen.some((text) => text.includes('"later"')))
    await anna.json(['revoke', 'boris', '--yes'])
    expect(await followed).toBe('ended')
    socket.close()
  })
})
