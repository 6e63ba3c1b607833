import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Status } from '../../node-core/contract/schemas.ts'
import { homePaths } from '../../node-core/platform/home.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { decodeToken } from '../../node-core/security/invite.ts'
import { createKeystore, type KeystoreLock } from '../../node-core/security/keystore.ts'
import { curl } from '../helpers/curl.ts'
import { freePort, type HttpSite, startHttpSite } from '../helpers/http-site.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor, x0t } from '../helpers/x0t.ts'

const PASSPHRASE = 'an unusual passphrase: 91-gravel-quince'

/** A secret in every form in which it could have been written down by mistake. */
function formsOf(name: string, secret: Uint8Array): readonly (readonly [string, Buffer])[] {
  const bytes = Buffer.from(secret)
  const texts = [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), bytes.toString('base64')]
  const unpadded = [bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')]
  const listed = `${[...bytes].join(',')}`
  return [
    [`${name} as bytes`, bytes],
    ...[...texts, ...unpadded, listed].map(
      (text) => [`${name} as ${text.slice(0, 4)}...`, Buffer.from(text)] as const,
    ),
  ]
}

async function filesUnder(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('the secrets of a mesh at work', () => {
  let mesh: MeshFixture
  let site: HttpSite
  let nodes: RunningNode[]
  const secrets: (readonly [string, Buffer])[] = []
  const outputs: string[] = []

  const keep = async (name: string, lock: KeystoreLock): Promise<void> => {
    const paths = homePaths(mesh.home(name))
    const { node, authority } = await createKeystore({ random: systemRandom }, paths).open(lock)
    for (const [what, seeds] of [['node', node] as const, ['authority', authority] as const]) {
      if (seeds === undefined) continue
      secrets.push(...formsOf(`${name}'s ${what} Ed25519 seed`, seeds.ed25519))
      secrets.push(...formsOf(`${name}'s ${what} ML-DSA seed`, seeds.mldsa))
    }
    if (lock.kind === 'keyfile') secrets.push(...formsOf(`${name}'s key file`, await readFile(paths.keyFile)))
  }

  beforeAll(async () => {
    mesh = await createMeshFixture()
    site = await startHttpSite(100_000)
    const passphraseFile = join(mesh.dir, 'passphrase')
    await writeFile(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 })
    const env = { X0T_PASSPHRASE_FILE: passphraseFile }
    await mesh.init('alpha', [], { env })
    const alpha = await mesh.up('alpha', [], { env })
    const { token } = await alpha.json<{ token: string }>(['invite'])
    const reading = decodeToken(token)
    if (reading.kind !== 'invite') throw new Error('the invite cannot be read')
    secrets.push(
      ['the token', Buffer.from(token)],
      ...formsOf('the secret of the token', reading.invite.secret),
    )
    secrets.push(['the passphrase', Buffer.from(PASSPHRASE)])
    const home = ['--home', mesh.home('beta')]
    for (const args of [
      ['--token-file', '-', '--name', 'beta'],
      ['--token-file', '-', '--name', 'again'],
    ]) {
      const said = await x0t([...home, 'join', ...args], { input: token })
      outputs.push(said.stdout, said.stderr)
    }
    const thief = await x0t(['--home', mesh.home('thief'), 'join', '-', '--name', 'thief'], { input: token })
    outputs.push(thief.stdout, thief.stderr)
    const beta = await mesh.up('beta')
    nodes = [alpha, beta]
    await exercise(alpha, beta)
    await keep('alpha', { kind: 'passphrase', passphrase: Buffer.from(PASSPHRASE) })
    await keep('beta', { kind: 'keyfile' })
  })

  async function exercise(alpha: RunningNode, beta: RunningNode): Promise<void> {
    const port = await freePort()
    await waitFor('the link', async () =>
      (await beta.json<Status>(['status'])).links.some((link) => link.state === 'up'),
    )
    await alpha.json(['expose', 'site', '--to', site.target])
    await beta.json(['forward', String(port), 'site@alpha'])
    await waitFor('the file', async () => (await curl(`http://127.0.0.1:${port}${site.path}`)).code === 0)
    for (const node of [alpha, beta]) {
      for (const command of ['status', 'peers', 'services', 'approve']) {
        const said = await node.x0t([command, '--json'])
        outputs.push(said.stdout, said.stderr)
      }
    }
  }

  afterAll(async () => {
    await mesh?.stop()
    await site?.close()
  })

  it('are found by this search where they are meant to be', async () => {
    const keyFile = await readFile(join(mesh.home('beta'), 'keystore.key'))
    expect(secrets.some(([name, form]) => name.startsWith("beta's key file") && keyFile.includes(form))).toBe(
      true,
    )
    expect(secrets.length).toBeGreaterThan(40)
  })

  it('are in no log, no database and no other file of any home', async () => {
    const found: string[] = []
    for (const name of ['alpha', 'beta', 'thief']) {
      for (const file of await filesUnder(mesh.home(name))) {
        if (file.endsWith('keystore.key')) continue
        const content = await readFile(file)
        for (const [what, form] of secrets) if (content.includes(form)) found.push(`${what} in ${file}`)
      }
    }
    expect(found).toEqual([])
  })

  it('are in nothing that a command or a node printed', () => {
    const printed = Buffer.from([...outputs, ...nodes.map((node) => node.stderr())].join('\n'))
    expect(secrets.filter(([, form]) => printed.includes(form)).map(([what]) => what)).toEqual([])
  })

  it('are not on the command line or in the environment of a node', async () => {
    for (const { pid } of nodes) {
      const [line, environment] = await Promise.all([
        readFile(`/proc/${pid}/cmdline`),
        readFile(`/proc/${pid}/environ`),
      ])
      for (const [what, form] of secrets) {
        expect(line.includes(form), `${what} on the command line`).toBe(false)
        expect(environment.includes(form), `${what} in the environment`).toBe(false)
      }
    }
  })
})
