import { afterEach, describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createMemoryIncidentStore } from '../../../tests/helpers/memory-incident-store.ts'
import { type PeerId, parsePeerId, type ServiceName } from '../../domain/ids.ts'
import type { LinkState } from '../../domain/link.ts'
import { createEmitter } from '../../platform/emitter.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createIncidentBook } from '../incidents/incident-book.ts'
import type { LinkFact, MemberFact, Picture, Signs } from '../monitor/picture.ts'
import { createAnalyzer } from './analyzer.ts'

const NAMES = ['ada', 'boris', 'clara', 'dora', 'emil', 'fritz']
const peers = NAMES.map((name): PeerId => {
  const peer = parsePeerId(`12D3KooW${name[0]?.toUpperCase()}${'1'.repeat(43)}`)
  if (peer === undefined) throw new Error(name)
  return peer
})
const peerOf = (name: string): PeerId => peers[NAMES.indexOf(name)] ?? ('' as PeerId)

const running: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

/** Ada in a ring of six: boris and fritz are her neighbours. Faults are made by hand, looks at the mesh are real. */
async function ringOfSix(isToldOneWay: (peer: PeerId) => boolean = () => false) {
  const clock = createManualClock()
  const signs = createEmitter<Signs>((error) => {
    throw error
  })
  const links = new Map<string, LinkFact>()
  const members = new Map<string, MemberFact>()
  const silent = new Set<string>()
  const signed = new Map<PeerId, number>()
  let over: Partial<Picture> = {}
  const link = (name: string, state: LinkState, more: Partial<LinkFact> = {}): void => {
    links.set(name, {
      ...{ peer: peerOf(name), state, sinceMs: 0, rttMs: 1, jitterMs: 0, lossEstimate: 0, clockOffsetMs: 0 },
      ...{ queuedBytes: 0, ...more },
    })
  }
  const ring = (name: string): PeerId[] => {
    const at = NAMES.indexOf(name)
    return [peers[(at + 1) % 6] ?? peerOf('ada'), peers[(at + 5) % 6] ?? peerOf('ada')]
  }
  for (const name of ['boris', 'fritz']) link(name, 'up')
  for (const name of NAMES.slice(1)) {
    members.set(name, {
      ...{ peer: peerOf(name), reachable: true, version: '1', policy: 1, neighbours: ring(name) },
    })
  }
  const nameOf = (peer: PeerId): string => NAMES[peers.indexOf(peer)] ?? peer
  const watch = {
    ...{ self: peerOf('ada'), signs, nameOf },
    signedMs: (peer: PeerId) => {
      const at = signed.get(peer)
      return at === undefined ? undefined : clock.monotonicMs() - at
    },
    picture: (): Picture => ({
      ...{ standing: 'member', links: [...links.values()], members: [...members.values()], services: [] },
      ...{
        certificate: undefined,
        renewables: [],
        version: '1',
        policy: 1,
        resources: undefined,
        storeFault: undefined,
        ...over,
      },
    }),
    echo: (peer: PeerId, signal: AbortSignal) =>
      new Promise<{ rttMs: number }>((resolve, reject) => {
        if (!silent.has(nameOf(peer))) resolve({ rttMs: 1 })
        else signal.addEventListener('abort', () => reject(new Error('no answer')))
      }),
  }
  const book = createIncidentBook(
    { clock, store: createMemoryIncidentStore(), logger: silentLogger },
    { self: peerOf('ada') },
  )
  const analyzer = createAnalyzer({ clock, logger: silentLogger, watch, book, isToldOneWay })
  running.push(analyzer)
  await analyzer.start()
  /** Moves on in small steps, and lets promises settle in between. */
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 50) {
      clock.advance(50)
      for (let turn = 0; turn < 6; turn += 1) await Promise.resolve()
    }
  }
  const breaks = (name: string, to: LinkState, more: Partial<Signs['link']> = {}): void => {
    link(name, to)
    const sign = { peer: peerOf(name), from: 'up', to, reason: 'nothing was heard' } as const
    signs.emit('link', { ...sign, silentSide: undefined, farewell: undefined, ...more })
  }
  const vanish = (...names: string[]): void => {
    for (const name of names) {
      const member = members.get(name)
      if (member !== undefined) members.set(name, { ...member, reachable: false })
      silent.add(name)
    }
    signs.emit('routes', {})
  }
  const comeBack = (name: string): void => {
    silent.delete(name)
    const member = members.get(name)
    if (member !== undefined) members.set(name, { ...member, reachable: true })
    if (links.has(name)) breaks(name, 'up')
    signs.emit('routes', {})
  }
  const open = (): string[] => book.list({ open: true }).map(({ title }) => title)
  await pass(2_000)
  return {
    clock,
    book,
    link,
    breaks,
    vanish,
    comeBack,
    silent,
    member: (name: string, more: Partial<MemberFact>) => {
      const known = members.get(name)
      if (known !== undefined) members.set(name, { ...known, ...more })
    },
    sign: (name: string) => signed.set(peerOf(name), clock.monotonicMs()),
    pass,
    open,
    signs,
    set: (p: Partial<Picture>) => {
      over = p
    },
  }
}

describe('the analysis of a ring of six', () => {
  it('finds nothing where nothing is', async () => {
    const { pass, open } = await ringOfSix()
    await pass(60_000)
    expect(open()).toEqual([])
  })

  it('calls a dead neighbour one node that is down, within a second, and explains the link by it', async () => {
    const { breaks, silent, pass, open, book } = await ringOfSix()
    silent.add('boris')
    breaks('boris', 'suspect', { silentSide: 'here' })
    await pass(1_000)
    expect(open()).toEqual(['boris is down'])
    breaks('boris', 'down')
    await pass(5_000)
    expect(open()).toEqual(['boris is down'])
    const [incident] = book.list()
    expect(incident?.consequences.map(({ code }) => code)).toEqual(['link-down'])
    expect(incident?.evidence[0]?.text).toContain('boris')
    expect(incident?.witnesses).toEqual([peerOf('ada'), peerOf('clara')])
    expect(incident?.coordinator).toBe(peerOf('ada'))
  })

  it('calls a link down whose other end still answers, and closes it once it is back', async () => {
    const { breaks, pass, open, book, comeBack } = await ringOfSix()
    breaks('boris', 'down')
    await pass(500)
    expect(open()).toEqual(['The link between ada and boris is down'])
    comeBack('boris')
    await pass(4_000)
    expect(open()).toEqual([])
    expect(book.list()[0]).toMatchObject({ state: 'resolved', code: 'link-down' })
    expect(book.list()[0]?.resolvedAt).toBeDefined()
  })

  it('does not call dead who signs new adverts, when a busy machine answers no echo in time', async () => {
    const { breaks, silent, pass, open, sign } = await ringOfSix()
    silent.add('boris')
    breaks('boris', 'down')
    await pass(200)
    sign('boris')
    await pass(400)
    expect(open()).toEqual(['The link between ada and boris is down'])
    await pass(3_000)
    // Once is once: a node that died afterwards is dead.
    expect(open()).toEqual(['boris is down'])
  })

  it('calls a service slow that takes several times what it took at this hour of other days', async () => {
    const { pass, book, set, clock } = await ringOfSix()
    const check = async (tookMs: number, pastMs: readonly number[] | undefined): Promise<void> => {
      const service = {
        name: 'web' as ServiceName,
        provider: peerOf('ada'),
        detail: undefined,
        concerns: true,
      }
      set({ services: [{ ...service, state: 'healthy', check: { at: clock.now(), tookMs, pastMs } }] })
      await pass(1_100)
    }
    const codes = (): string[] => book.list({ open: true }).map(({ code }) => code)
    // Slow from the first day on is how it is; slow against nothing known is unknown.
    for (let turn = 0; turn < 3; turn += 1) await check(400, undefined)
    expect(codes()).toEqual([])
    await check(400, [10, 12, 9, 11, 10, 14])
    expect(codes()).toEqual([])
    await check(400, [])
    await pass(1_000)
    expect(codes()).toEqual(['service-slow'])
    expect(book.list({ open: true })[0]?.evidence[0]?.text).toContain('usually it takes 11 ms')
    for (let turn = 0; turn < 4; turn += 1) await check(12, [])
    await pass(3_000)
    expect(codes()).toEqual([])
  })

  it('calls drift what lasts, by the older policy, and nothing that nobody says', async () => {
    const { pass, open, member, set } = await ringOfSix()
    member('clara', { policy: undefined })
    member('boris', { policy: 1 })
    set({ policy: 2 })
    for (const name of ['dora', 'emil', 'fritz']) member(name, { policy: 2 })
    await pass(20_000)
    expect(open()).toEqual([])
    await pass(15_000)
    expect(open()).toEqual([expect.stringContaining('boris')])
    member('boris', { policy: 2 })
    await pass(5_000)
    expect(open()).toEqual([])
  })

  it('names the direction that is lost', async () => {
    const { breaks, pass, open } = await ringOfSix()
    breaks('boris', 'suspect', { silentSide: 'there' })
    await pass(400)
    expect(open()).toEqual([])
    await pass(400)
    breaks('boris', 'down', { silentSide: 'here' })
    await pass(400)
    expect(open()).toEqual(['The link between ada and boris carries one direction only'])
  })

  it('takes the name of the end that hears more for a link of which one direction is lost', async () => {
    const told = new Set<PeerId>()
    const { breaks, pass, open, book } = await ringOfSix((peer) => told.has(peer))
    breaks('boris', 'down', { silentSide: 'here' })
    await pass(500)
    expect(open()).toEqual(['The link between ada and boris is down'])
    told.add(peerOf('boris'))
    await pass(500)
    expect(open()).toEqual(['The link between ada and boris carries one direction only'])
    expect(book.list({ open: true })[0]?.consequences.map(({ code }) => code)).toEqual(['link-down'])
  })

  it('blames its own network when all links go at once, and nobody else', async () => {
    const { breaks, vanish, pass, open } = await ringOfSix()
    breaks('boris', 'suspect')
    breaks('fritz', 'suspect')
    vanish(...NAMES.slice(1))
    await pass(3_000)
    expect(open()).toEqual(['ada has lost its network'])
  })

  it('calls members that had links among themselves a partition, not many dead nodes', async () => {
    const { breaks, vanish, pass, open, book } = await ringOfSix()
    breaks('boris', 'down')
    vanish('boris', 'clara', 'dora')
    await pass(3_000)
    expect(open()).toEqual(['The mesh is partitioned'])
    expect(book.list({ open: true })[0]?.consequences.length).toBeGreaterThanOrEqual(3)
  })

  it('calls several dead nodes within seconds one storm', async () => {
    const { breaks, vanish, pass, open, book } = await ringOfSix()
    breaks('boris', 'down')
    vanish('boris')
    await pass(2_000)
    vanish('dora')
    await pass(2_000)
    expect(open()).toEqual(['The mesh has several faults at once'])
    const absorbed = book.list().find(({ code }) => code === 'node-down')
    expect(absorbed).toMatchObject({ state: 'resolved', resolvedAt: undefined })
  })

  it('says again of certificates that nobody renews when time runs out, and stops when somebody can', async () => {
    const { clock, book, member, set, pass } = await ringOfSix()
    const HOUR_MS = 3_600_000
    const endsIn = (hours: number): void => {
      const lives = { role: 'none', issuing: false, issuedAt: clock.now() - 1_000 * HOUR_MS } as const
      const [expiresAt, later] = [clock.now() + hours * HOUR_MS, clock.now() + 2_000 * HOUR_MS]
      const issuer = { ...lives, name: 'clara', role: 'owner', issuing: true, expiresAt: later } as const
      set({
        renewables: [
          { ...issuer, peer: peerOf('clara') },
          { ...lives, peer: peerOf('boris'), name: 'boris', expiresAt },
          { ...lives, peer: peerOf('dora'), name: 'dora', expiresAt: expiresAt + 1 },
        ],
      })
    }
    const told: string[] = []
    book.events.on('changed', ({ before, after }) => {
      if (before?.severity !== after.severity)
        told.push(`${after.code} ${after.severity}: ${after.diagnosis}`)
    })
    const open = () => book.list({ open: true }).filter(({ code }) => code === 'renewal-ending')
    member('clara', { reachable: false })
    for (const hours of [71, 23, 0.9]) {
      endsIn(hours)
      await pass(62_000)
      expect(open()).toHaveLength(1)
    }
    expect(told.filter((text) => text.startsWith('renewal-ending'))).toEqual([
      expect.stringMatching(/info: .*71 h: boris, dora; clara could renew them/),
      expect.stringMatching(/warning: .*23 h/),
      expect.stringMatching(/critical: .*5\d min/),
    ])
    member('clara', { reachable: true })
    await pass(3_000)
    expect(open()).toEqual([])
  })

  it('takes a goodbye for what it is', async () => {
    const { breaks, vanish, pass, open } = await ringOfSix()
    breaks('boris', 'down', { farewell: 'stopped' })
    vanish('boris')
    await pass(3_000)
    expect(open()).toEqual(['boris has stopped'])
  })

  it('says nothing of a link that was given up because there were too many', async () => {
    const { breaks, pass, open } = await ringOfSix()
    breaks('boris', 'down', { farewell: 'full' })
    await pass(3_000)
    expect(open()).toEqual([])
  })

  it('tells a lossy link from a slow one, and both from a bad network of its own', async () => {
    const { breaks, link, pass, open, signs } = await ringOfSix()
    breaks('boris', 'degraded')
    link('boris', 'degraded', { lossEstimate: 0.2 })
    await pass(1_000)
    expect(open()).toEqual(['The link between ada and boris loses packets'])
    link('fritz', 'degraded', { rttMs: 300 })
    signs.emit('routes', {})
    await pass(1_000)
    expect(open()).toEqual(['ada has a bad network'])
  })

  it('calls a link that comes and goes restless', async () => {
    const { breaks, pass, open } = await ringOfSix()
    for (let n = 0; n < 4; n += 1) {
      breaks('boris', 'down')
      await pass(2_000)
      breaks('boris', 'up')
      await pass(1_000)
    }
    expect(open()).toEqual(['The link between ada and boris comes and goes'])
  })

  it('does not open again what was closed while it goes on', async () => {
    const { breaks, pass, open, book } = await ringOfSix()
    breaks('boris', 'down')
    await pass(500)
    const [incident] = book.list()
    if (incident !== undefined) book.resolve(incident.id, 'ada', 'known')
    await pass(5_000)
    expect(open()).toEqual([])
  })

  it('says of itself that it is broken, and goes on when it is not any more', async () => {
    const { set, pass, open } = await ringOfSix()
    set({
      get links(): never {
        throw new Error('a bug')
      },
    })
    await pass(5_000)
    expect(open()).toEqual(['ada watches and repairs nothing now'])
    set({})
    await pass(10_000)
    expect(open()).toEqual([])
  })

  it('counts what a peer does wrong and believes it more the more there is', async () => {
    const { signs, pass, book, set } = await ringOfSix()
    for (let n = 0; n < 5; n += 1) signs.emit('misbehaved', { peer: peerOf('emil'), what: 'a forged advert' })
    for (let n = 0; n < 4; n += 1) signs.emit('handshakeFailed', { peer: peerOf('dora'), why: 'WRONG_KEY' })
    set({ storeFault: 'disk full' })
    await pass(1_000)
    const codes = book.list({ open: true }).map(({ code }) => code)
    expect(codes.sort()).toEqual(['handshake-failing', 'peer-misbehaving', 'store-fault'])
    set({})
    await pass(70_000)
    expect(book.list({ open: true })).toEqual([])
  })
})
