import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { serviceNameSchema } from '../../../node-core/contract/schemas.ts'
import type { NodeName } from '../../../node-core/domain/ids.ts'
import { homePaths } from '../../../node-core/platform/home.ts'
import { STARTING_POLICY } from '../../../node-core/security/policy-document.ts'
import { nodeName } from '../../helpers/lab.ts'
import { waitFor } from '../../helpers/x0t.ts'
import { openSite, type Site, type SiteJudge, siteJudge, streamJudge } from './judges.ts'
import type { Attend, HealRow, Seen } from './rows.ts'
import { GRID, RING, type Stage, TRIANGLE } from './stage.ts'

const BOTH = [RING, GRID]
const stream = { prepare: streamJudge, scenes: BOTH } as const

const once = (when: (seen: readonly Seen[], sinceMs: number) => boolean, what: () => unknown): Attend => {
  let isDone = false
  return async (seen, sinceMs) => {
    if (isDone || !when(seen, sinceMs)) return
    isDone = true
    await what()
  }
}

const sees =
  (...codes: readonly string[]) =>
  (seen: readonly Seen[]): boolean =>
    seen.some(({ code }) => codes.includes(code))

/** The sites of a run, and who asks for their page. */
const opened = new WeakMap<Stage, { readonly sites: readonly Site[]; readonly judge: SiteJudge }>()

/** `count` providers of one service: the far end of the judge's way, and a node aside. */
const sitesAt =
  (count: 1 | 2): HealRow['prepare'] =>
  async (stage) => {
    const providers = [stage.scene.to, stage.scene.aside].slice(0, count)
    const sites = await Promise.all(providers.map(openSite))
    for (const site of sites) stage.onEnd(() => site.stop())
    const judge = await siteJudge(stage, sites)
    opened.set(stage, { sites, judge })
    return judge
  }

/** The site whose page the judge gets. */
function usedSite(stage: Stage): Site {
  const found = opened.get(stage)
  const site = found?.sites.find(({ provider }) => provider === found.judge.provider())
  if (site === undefined) throw new Error('no site answers the judge')
  return site
}

const RESTART_FILE = 'restart-asked'
const POLL_MS = 50

/** Whatever keeps programs running on that machine, as systemd does with a path unit. */
async function superviseSite(stage: Stage, site: Site, file: string): Promise<void> {
  const ending = new AbortController()
  stage.onEnd(() => ending.abort())
  while (!ending.signal.aborted && !existsSync(file))
    await delay(POLL_MS, undefined, { signal: ending.signal }).catch(() => {})
  if (!ending.signal.aborted) await site.start()
}

async function stopSiteWithCommand(stage: Stage): Promise<undefined> {
  const site = usedSite(stage)
  const file = join(stage.lab.dir, RESTART_FILE)
  await stage.write(
    ...([site.provider, 'heal-commands.yaml'] as const),
    `commands:\n  restart-web:\n    run: /usr/bin/touch\n    args: [${file}]\n    service: web\n`,
  )
  await site.stop()
  void superviseSite(stage, site, file).catch(() => {})
}

const SLOW_SITE_MS = 1_500

/** Issuers and members renew every ten seconds, and have twenty more before the end. */
const SHORT_LIVES = ['certificates: { lifetime: 30s, renewAt: 0.34 }']

/** The only issuer is away until somebody has noticed; then the node has to get its certificate in time. */
async function loseTheIssuer({ lab }: Stage): Promise<Attend> {
  const issuer = lab.topology.nodes[0]
  await lab.act(issuer, 'stop')
  return once(sees('certificate-expiring', 'certificate-expired'), () => lab.act(issuer, 'cont'))
}

const NEWS_EVERY_MS = 800

/**
 * Its signatures no longer verify, and it has news to sign again and again. A person agrees to keep it away, and when it
 * behaves again takes that back.
 */
async function forge(stage: Stage): Promise<Attend> {
  const { lab, scene, misfit } = stage
  await misfit(scene.aside, 'forge')
  const name = serviceNameSchema.parse('forged')
  let turn = 0
  const news = everyMs(NEWS_EVERY_MS, () => {
    turn += 1
    const target = `127.0.0.1:${9_000 + turn}`
    return lab.client(scene.aside).services.expose({ name, target, check: null })
  })
  const approve = approveWhatWaits(stage)
  const release = once(resolvedOne('peer-misbehaving'), async () => {
    await misfit(scene.aside, 'forge', false)
    await takeBackWhatSucceeded(stage)
  })
  return async (seen, sinceMs) => {
    if (!seen.some(({ code }) => code === 'peer-misbehaving')) await news(seen, sinceMs)
    await approve(seen, sinceMs)
    await release(seen, sinceMs)
  }
}

const resolvedOne =
  (code: string) =>
  (seen: readonly Seen[]): boolean =>
    seen.some((one) => one.code === code && one.state === 'resolved')

function everyMs(ms: number, what: () => Promise<unknown>): Attend {
  let dueMs = 0
  return async (_seen, sinceMs) => {
    if (sinceMs < dueMs) return
    dueMs = sinceMs + ms
    await what()
  }
}

async function takeBackWhatSucceeded({ lab }: Stage): Promise<void> {
  for (const node of lab.topology.nodes) {
    const { plans } = lab.client(node)
    const { items } = await plans.list({ waiting: false })
    for (const { id, playbook, state } of items)
      if (playbook === 'quarantine-a-peer' && state === 'succeeded') await plans.undo({ id })
  }
}

/** Nobody is kept away, and who was is back. */
async function isLetInAgain({ lab, scene: { aside } }: Stage): Promise<boolean> {
  const held = await Promise.all(
    lab.topology.nodes.map(async (node) => (await lab.client(node).heal.status()).quarantined),
  )
  const { links } = await lab.client(aside).node.status()
  return held.flat().length === 0 && links.some(({ state }) => state === 'up')
}

/** A person at the node that made the plan says yes to whatever waits. */
function approveWhatWaits({ lab }: Stage): Attend {
  return async () => {
    for (const node of lab.topology.nodes) {
      const { plans } = lab.client(node, 3_000)
      const { items } = await plans.list({ waiting: true }).catch(() => ({ items: [] }))
      for (const { id } of items)
        await plans.approve({ id, comment: 'seen by the evaluation' }).catch(() => {})
    }
  }
}

/** A node dials an address at which another node answers, with a key that is not the one it looks for. */
async function dialAWrongKey(stage: Stage): Promise<undefined> {
  const { lab, scene } = stage
  const dialler = outermost(stage)
  const path = homePaths(lab.home(dialler)).config
  const settings = await readFile(path, 'utf8')
  const [address = ''] = /\/ip4\/127\.0\.0\.1\/tcp\/\d+(?=\/p2p\/)/.exec(settings) ?? []
  const [link] = lab.topology.links.filter(({ b }) => b === dialler)
  if (address === '' || link === undefined) throw new Error(`${dialler} dials nobody`)
  await lab.impair(link.a, link.b, { kind: 'cut' })
  const other = `/ip4/127.0.0.1/tcp/${lab.port(scene.from)}`
  await writeFile(path, settings.replace(address, other), { mode: 0o600 })
  await lab.act(dialler, 'restart')
}

async function lockTheStore({ lab, scene, onEnd }: Stage): Promise<Attend> {
  const store = new Database(homePaths(lab.home(scene.between)).database)
  onEnd(() => store.close())
  store.exec('BEGIN IMMEDIATE')
  return once(sees('store-fault'), () => store.exec('ROLLBACK'))
}

const AWAY_MS = 3_000

/** The policy becomes another one while a member is away, which comes back with the old one. */
async function missAPolicy({ lab, scene: { aside } }: Stage): Promise<Attend> {
  const links = lab.topology.links.filter(({ a, b }) => a === aside || b === aside)
  await Promise.all(links.map(({ a, b }) => lab.impair(a, b, { kind: 'cut' })))
  const founder = lab.client(lab.topology.nodes[0])
  await founder.policy.apply({ document: `${STARTING_POLICY}# changed\n`, basedOn: null })
  return once(
    (_seen, sinceMs) => sinceMs > AWAY_MS,
    () => lab.heal(),
  )
}

async function hasThePolicy({ lab, scene: { aside } }: Stage): Promise<boolean> {
  const [here, there] = await Promise.all(
    [lab.topology.nodes[0], aside].map((node) => lab.client(node).policy.show({ number: null })),
  )
  return here?.policy?.number !== undefined && here.policy.number === there?.policy?.number
}

const LAST_RESORT_MS = 12_000

/** All that its settings name is dead, and so is all that it knows, until the mesh can be reached again where it was. */
async function loseAllAddresses(stage: Stage): Promise<Attend> {
  const { lab } = stage
  const node = outermost(stage)
  const path = homePaths(lab.home(node)).config
  const settings = await readFile(path, 'utf8')
  const links = lab.topology.links.filter(({ a, b }) => a === node || b === node)
  await Promise.all(links.map(({ a, b }) => lab.impair(a, b, { kind: 'cut' })))
  // Port 9 is that of "discard", on which nothing listens.
  await writeFile(
    path,
    settings.replaceAll(/(peers:\n(?:\s+- .*\n)*)/g, (text) => text.replaceAll(/\/tcp\/\d+/g, '/tcp/9')),
    {
      mode: 0o600,
    },
  )
  await lab.act(node, 'restart')
  return once(
    (seen, sinceMs) => sees('isolated')(seen) || sinceMs > LAST_RESORT_MS,
    () => lab.heal(),
  )
}

/** It dials all of its links itself. */
const outermost = ({ lab }: Stage): NodeName => lab.topology.nodes.at(-1) ?? nodeName('n1')

const hasALink = async (stage: Stage): Promise<boolean> =>
  (await stage.lab.client(outermost(stage)).node.status()).links.some(({ state }) => state === 'up')

/** From then on whoever makes a plan fails at it; a service that is down needs one. */
async function breakTheLoop(stage: Stage): Promise<undefined> {
  for (const node of stage.lab.topology.nodes) await stage.misfit(node, 'loop')
  await waitFor('the fault to be in', () => delay(300).then(() => true))
  await usedSite(stage).stop()
}

const misfitAt =
  (fault: 'clock' | 'burn'): HealRow['inject'] =>
  async (stage) => {
    await stage.misfit(stage.scene.between, fault)
    return undefined
  }

const services = { scenes: BOTH, healable: true } as const
const MINUTE_MS = 60_000

/** What a lab cannot make by itself. */
export const FIXTURE_ROWS: readonly HealRow[] = [
  {
    ...{ row: 12, name: 'service down, two providers', roots: ['service-down'], ...services },
    ...{ prepare: sitesAt(2), limitMs: 45_000 },
    async inject(stage) {
      await usedSite(stage).stop()
      return undefined
    },
  },
  {
    ...{ row: 12, name: 'service down, one provider', roots: ['service-down'], ...services },
    ...{ prepare: sitesAt(1), inject: stopSiteWithCommand, limitMs: 90_000 },
  },
  {
    ...{ row: 13, name: 'service slow', roots: ['service-slow'], ...services },
    ...{ prepare: sitesAt(2), limitMs: MINUTE_MS, goodRttMs: SLOW_SITE_MS / 3 },
    async inject(stage) {
      usedSite(stage).slow(SLOW_SITE_MS)
      return undefined
    },
  },
  {
    ...{ row: 14, name: 'certificate ends', roots: ['certificate-expiring', 'certificate-expired'] },
    ...{ ...stream, scenes: [TRIANGLE], settings: SHORT_LIVES, healable: true, limitMs: MINUTE_MS },
    inject: loseTheIssuer,
  },
  {
    ...{ row: 15, name: 'misbehaving peer', roots: ['peer-misbehaving'], ...stream },
    ...{ healable: false, inject: forge, limitMs: 90_000 },
    isWhole: isLetInAgain,
  },
  {
    ...{ row: 16, name: 'wrong key', roots: ['handshake-failing'], ...stream },
    ...{ healable: false, prepare: streamJudge, inject: dialAWrongKey, limitMs: MINUTE_MS },
  },
  {
    ...{ row: 17, name: 'clock skew', roots: ['clock-skew'], ...stream },
    ...{ healable: false, inject: misfitAt('clock'), limitMs: 45_000 },
  },
  {
    ...{ row: 18, name: 'overload', roots: ['node-overloaded'], ...stream },
    ...{ healable: false, inject: misfitAt('burn'), limitMs: MINUTE_MS },
  },
  {
    ...{ row: 19, name: 'store locked', roots: ['store-fault'], ...stream },
    ...{ healable: false, inject: lockTheStore, limitMs: MINUTE_MS },
  },
  {
    ...{ row: 20, name: 'policy missed', roots: ['config-drift'], ...stream },
    ...{ healable: true, mayGoUnseen: true, inject: missAPolicy, limitMs: 30_000 },
    isWhole: hasThePolicy,
  },
  {
    ...{ row: 21, name: 'all addresses dead', roots: ['isolated'], ...stream },
    ...{ healable: true, inject: loseAllAddresses, limitMs: MINUTE_MS },
    isWhole: hasALink,
  },
  {
    ...{ row: 23, name: 'loop fails', roots: ['loop-fault'], scenes: BOTH },
    ...{ healable: false, endsDelivery: true, prepare: sitesAt(1), inject: breakTheLoop, limitMs: 45_000 },
  },
]
