import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LabStatus } from '../../node-core/contract/lab.ts'
import { checkAdmission } from '../../node-core/lab/invariants/admission.ts'
import { probeThroughMesh, transferThroughMesh } from '../../node-core/lab/invariants/through-mesh.ts'
import { createInvariantWatch, type InvariantWatch } from '../../node-core/lab/invariants/watch.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { makeLab, nodeName, PROGRAMS_DIR, processesWith } from '../helpers/lab.ts'
import { waitFor, X0T, x0t } from '../helpers/x0t.ts'

const [n1, n2, n3] = [nodeName('n1'), nodeName('n2'), nodeName('n3')]
/** An idle peer that vanishes is to be suspected within 3 s; this machine may be busy. */
const NOTICE_MS = 10_000
const LAB_PROGRAMS = join(PROGRAMS_DIR, 'lab-')

type LinkSeen = Pick<LabStatus['links'][number], 'seenByA' | 'seenByB'>

async function waitForLink(
  lab: Lab,
  a: string,
  b: string,
  what: string,
  isSo: (link: LinkSeen) => boolean,
): Promise<void> {
  await waitFor(
    `${a}-${b} to be ${what}`,
    async () => {
      const link = (await lab.status()).links.find((one) => one.a === a && one.b === b)
      return link !== undefined && isSo(link)
    },
    NOTICE_MS,
  )
}

const lost = ({ seenByA, seenByB }: LinkSeen): boolean => seenByA !== 'up' && seenByB !== 'up'

describe('a lab of real nodes', () => {
  let lab: Lab
  let watch: InvariantWatch

  beforeAll(async () => {
    lab = await makeLab('chain:3')
    await lab.start()
    await lab.linked()
    watch = createInvariantWatch({ clock: systemClock, random: systemRandom }, lab, { everyMs: 500 })
    await watch.start()
  })

  afterAll(async () => {
    const { dir } = lab
    // How much got through beside the faults is chance; that it goes on once the lab is whole is not.
    const before = watch.answered()
    await waitFor('requests to be answered again', () => watch.answered() > before + 20, NOTICE_MS * 2)
    await watch.stop()
    await lab.stop()
    // Through all that the tests below do to the lab.
    expect(watch.violations()).toEqual([])
    expect(watch.checks()).toBeGreaterThan(3)
    expect(existsSync(dir)).toBe(false)
    expect(processesWith(dir)).toEqual([])
    expect(processesWith(LAB_PROGRAMS)).toEqual([])
  })

  afterEach(async () => {
    await lab.heal()
    await lab.linked()
  })

  it('links neighbours and nobody else', async () => {
    const linksOf = async (node: typeof n1) =>
      (await lab.client(node).links.list()).items.map(({ name }) => name)
    expect(await linksOf(n1)).toEqual(['n2'])
    expect((await linksOf(n2)).sort()).toEqual(['n1', 'n3'])
    expect(await linksOf(n3)).toEqual(['n2'])
    expect(await checkAdmission(lab, lab.topology.nodes)).toEqual([])
    const { items } = await lab.client(n3).members.list()
    expect(items.map(({ name }) => name).sort()).toEqual(['n1', 'n2', 'n3'])
  })

  it('shows a cut at both ends at once, and the link comes back when it is healed', async () => {
    await lab.impair(n1, n2, { kind: 'cut' })
    await waitForLink(lab, n1, n2, 'down', ({ seenByA, seenByB }) => seenByA === 'down' && seenByB === 'down')
    expect((await lab.status()).links[1]).toMatchObject({ seenByA: 'up', seenByB: 'up' })
    await lab.heal(n1, n2)
    await waitForLink(lab, n1, n2, 'up', ({ seenByA, seenByB }) => seenByA === 'up' && seenByB === 'up')
  })

  it.each([['blackhole'], ['oneway']] as const)('shows a %s at both ends', async (kind) => {
    await lab.impair(n2, n1, { kind })
    await waitForLink(lab, n1, n2, 'lost', lost)
  })

  it('shows a delay in the round trip', async () => {
    await lab.impair(n2, n3, { kind: 'delay', ms: 60, jitterMs: 0 })
    const { rttMs } = await lab.client(n2).node.ping({ node: n3, timeoutMs: 5_000 })
    expect(rttMs).toBeGreaterThanOrEqual(119)
  })

  it('shows a flapping link as one that comes and goes', async () => {
    await lab.impair(n1, n2, { kind: 'flap', downMs: 500, upMs: 2_000 })
    for (let turn = 0; turn < 2; turn++) {
      await waitForLink(lab, n1, n2, 'down', lost)
      await waitForLink(lab, n1, n2, 'up', ({ seenByA }) => seenByA === 'up')
    }
  })

  it('shows a node that hangs, and that it goes on', async () => {
    await lab.act(n3, 'stop')
    expect((await lab.status()).nodes[2]).toMatchObject({ state: 'stopped', ready: null })
    await waitForLink(lab, n2, n3, 'lost', ({ seenByA }) => seenByA !== 'up')
    await expect(lab.act(n3, 'restart').then(() => lab.act(n3, 'cont'))).resolves.toBeUndefined()
  })

  it('shows a dead node, and takes it back as the same member', async () => {
    const before = (await lab.status()).nodes[2]
    await lab.act(n3, 'kill')
    expect((await lab.status()).nodes[2]).toMatchObject({ state: 'dead', pid: null })
    await waitForLink(lab, n2, n3, 'down', ({ seenByA }) => seenByA === 'down')
    await expect(lab.act(n3, 'stop')).rejects.toMatchObject({ code: 'LAB_NODE_STATE' })
    await lab.act(n3, 'restart')
    const after = (await lab.status()).nodes[2]
    expect(after?.peer).toBe(before?.peer)
    expect(after?.pid).not.toBe(before?.pid)
  })

  it('says which node or link is not there', async () => {
    await expect(lab.impair(n1, n3, { kind: 'cut' })).rejects.toMatchObject({ code: 'LAB_UNKNOWN_LINK' })
    await expect(lab.act(nodeName('n9'), 'kill')).rejects.toMatchObject({ code: 'LAB_UNKNOWN_NODE' })
  })

  it('carries services over links that lose, delay and throttle, and every byte arrives once and in order', async () => {
    const deps = { clock: systemClock, random: systemRandom }
    const probe = await probeThroughMesh(deps, lab, n1, n2)
    try {
      await lab.impair(n1, n2, { kind: 'delay', ms: 10, jitterMs: 5 })
      await lab.impair(n1, n2, { kind: 'loss', rate: 0.01 })
      await lab.impair(n1, n2, { kind: 'throttle', bytesPerSecond: 2_000_000 })
      const transfer = await transferThroughMesh(deps, lab, n1, n2, {
        ...{ sizeBytes: 3_000_000, seed: 3, signal: AbortSignal.timeout(30_000) },
      })
      expect(transfer.violations).toEqual([])
      expect(transfer.durationMs).toBeGreaterThan(1_000)
      await lab.heal()
      const probed = await probe.finish()
      expect(probed.violations).toEqual([])
      expect(probed.answered).toBeGreaterThan(20)
      expect(probe.accepted()).toBe(1)
    } finally {
      await probe.close()
    }
  })

  it('stops all nodes and starts them again in the same homes', async () => {
    const before = (await lab.status()).nodes.map(({ peer }) => peer)
    await lab.halt()
    expect((await lab.status()).nodes.map(({ state }) => state)).toEqual(['dead', 'dead', 'dead'])
    await lab.up()
    expect((await lab.status()).nodes.map(({ peer }) => peer)).toEqual(before)
  })
})

describe('without proxies', () => {
  it('a lab has the same shape, and no link that could be impaired', async () => {
    const lab = await makeLab('ring:4', { proxied: false })
    try {
      await lab.start()
      await lab.linked()
      expect(await checkAdmission(lab, lab.topology.nodes)).toEqual([])
      expect(processesWith(`${LAB_PROGRAMS}proxy`)).toEqual([])
      await expect(lab.impair(n1, n2, { kind: 'cut' })).rejects.toMatchObject({ code: 'LAB_NO_PROXY' })
    } finally {
      await lab.stop()
    }
  })
})

describe('nothing is left of a lab', () => {
  let folder: string
  const children: ChildProcess[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'x0t-labs-'))
  })

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await nothingLeft()
    await rm(folder, { recursive: true, force: true })
  })

  const nothingLeft = (): Promise<void> =>
    waitFor(
      'every process and folder to be gone',
      () =>
        processesWith(folder).length === 0 &&
        processesWith(LAB_PROGRAMS).length === 0 &&
        !existsSync(join(folder, 'x0t-labs', 'default')) &&
        !existsSync(join(folder, 'lab')),
    )

  const env = () => ({ XDG_DATA_HOME: folder })
  const cli = (args: readonly string[]) => x0t(['lab', ...args], { env: env(), timeoutMs: 60_000 })
  const cliJson = async <T>(args: readonly string[]): Promise<T> => {
    const { stdout } = await cli([...args, '--json'])
    return JSON.parse(stdout) as T
  }

  it('after x0t lab down, and its nodes could be used like any other until then', async () => {
    const file = join(folder, 'pair.json')
    await writeFile(
      file,
      JSON.stringify({
        type: 'NetworkGraph',
        label: 'pair',
        nodes: [
          { id: 'a', label: 'anna' },
          { id: 'b', label: 'bert' },
        ],
        links: [{ source: 'a', target: 'b', cost: 1 }],
      }),
    )
    const up = await cliJson<LabStatus & { name: string }>(['up', '--topology', file, '--seed', '7'])
    expect(up).toMatchObject({ schema: 1, name: 'default', lab: { topology: 'pair', seed: 7 } })
    expect(up.links).toMatchObject([{ a: 'anna', b: 'bert', seenByA: 'up', seenByB: 'up' }])
    const ping = await x0t(['--home', up.nodes[0]?.home ?? '', 'ping', 'bert'])
    expect(ping.code).toBe(0)
    expect(await cli(['cut', 'anna', 'bert'])).toMatchObject({ code: 0 })
    const status = await cliJson<LabStatus>(['status'])
    expect(status.links[0]?.impairments).toMatchObject([{ impairment: { kind: 'cut' } }])
    expect(status.invariants?.violations).toEqual([])
    expect(await cli(['cut', 'anna', 'carl'])).toMatchObject({ code: 1 })
    expect(await cli(['up', '--topology', 'chain:2'])).toMatchObject({ code: 1 })
    expect(await cli(['down'])).toMatchObject({ code: 0 })
    expect(processesWith(folder)).toEqual([])
    expect(existsSync(up.lab.dir)).toBe(false)
    expect((await cli(['status'])).stderr).toContain("no lab called 'default' runs")
  })

  it('after the SIGKILL of the process that owns it, whatever state its nodes are in', async () => {
    const up = await cliJson<LabStatus>(['up', '--topology', 'chain:3'])
    expect(await cli(['stop', 'n2'])).toMatchObject({ code: 0 })
    process.kill(up.lab.pid, 'SIGKILL')
    await nothingLeft()
  })

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'after the %s of the command that is starting it',
    async (signal) => {
      const child = spawn(X0T, ['lab', 'up', '--topology', 'ring:4'], {
        env: { ...process.env, ...env() },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      children.push(child)
      const exited = once(child, 'exit')
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      await waitFor('the second node to join', () => said.includes('joins'))
      child.kill(signal)
      await exited
      await nothingLeft()
    },
  )

  it('after the SIGKILL of a program that made it in its own process', async () => {
    const source = resolve(import.meta.dirname, '../helpers/lab.ts')
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { makeLab } from ${JSON.stringify(source)}
         const lab = await makeLab('chain:3', { dir: ${JSON.stringify(join(folder, 'lab'))} })
         await lab.start()
         await lab.act('n3', 'stop')
         console.log('up')
         setInterval(() => {}, 1e6)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.push(child)
    await once(child.stdout, 'data')
    expect(processesWith(folder).length).toBeGreaterThanOrEqual(3)
    child.kill('SIGKILL')
    await nothingLeft()
  })
})
