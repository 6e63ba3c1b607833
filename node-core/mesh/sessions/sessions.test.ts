import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { type SessionWays, startSessionWays } from '../../../tests/helpers/session-paths.ts'
import { hasCode } from '../../platform/error.ts'
import { areDisjoint } from './carrier-plan.ts'
import type { SessionsOptions } from './sessions.ts'

const MIB = 1024 * 1024
const limit = () => AbortSignal.timeout(10_000)

let world: SessionWays
afterEach(() => world.stop())

async function start(
  count: number,
  options?: SessionsOptions & { far?: SessionsOptions },
): Promise<SessionWays> {
  world = await startSessionWays(count, options)
  return world
}

async function flowPair(): Promise<{ near: Duplex; far: Duplex }> {
  const arrived = Promise.withResolvers<Duplex>()
  await world.far.handle(arrived.resolve)
  const near = await world.near.open(world.farPeer, limit())
  const far = await arrived.promise
  // What is still open when a test ends is reset by it.
  for (const flow of [near, far]) flow.on('error', () => {})
  return { near, far }
}

/** Collects what arrives and how it ends. */
function follow(flow: Duplex) {
  const seen = { parts: [] as Buffer[], bytes: 0, ended: false, error: undefined as unknown, closed: false }
  flow.on('data', (part: Buffer) => {
    seen.parts.push(part)
    seen.bytes += part.length
  })
  flow.on('end', () => {
    seen.ended = true
  })
  flow.on('error', (error) => {
    seen.error = error
  })
  flow.on('close', () => {
    seen.closed = true
  })
  return seen
}

const hasStandby = (): boolean => world.near.sessions()[0]?.standby !== undefined

describe('a session over several paths', () => {
  it('opens over the best one and gets a standby that shares nothing with it', async () => {
    await start(3)
    await flowPair()
    expect(world.near.sessions()[0]?.path).toEqual(world.ways[0]?.path)
    await eventually('there is a standby', hasStandby)
    const [view] = world.near.sessions()
    expect(areDisjoint(view?.path ?? [], view?.standby ?? [])).toBe(true)
    expect(world.far.sessions()[0]?.standby).toBeDefined()
  })

  it.each([
    ['is cut', (way: number) => world.ways[way]?.proxy.cut()],
    ['goes silent both ways', (way: number) => world.ways[way]?.proxy.hold()],
    ['goes silent one way', (way: number) => world.ways[way]?.proxy.hold('there')],
    ['goes silent on the way back', (way: number) => world.ways[way]?.proxy.hold('back')],
  ])('carries every byte once and in order when the path in use %s', async (_name, strike) => {
    await start(3)
    const { near, far } = await flowPair()
    await eventually('there is a standby', hasStandby)
    const [there, back] = [randomBytes(24 * MIB), randomBytes(16 * MIB)]
    const [atNear, atFar] = [follow(near), follow(far)]
    near.end(there)
    far.end(back)
    await eventually('bytes flow', () => atFar.bytes > 2 * MIB && atNear.bytes > 2 * MIB)
    strike(0)
    await eventually('both directions end', () => atNear.ended && atFar.ended, 15_000)
    expect(Buffer.concat(atFar.parts).equals(there)).toBe(true)
    expect(Buffer.concat(atNear.parts).equals(back)).toBe(true)
    await eventually('both ends close', () => atNear.closed && atFar.closed)
    expect([atNear.error, atFar.error]).toEqual([undefined, undefined])
  })

  it('resumes over the only path when it comes back', async () => {
    await start(1)
    const { near, far } = await flowPair()
    const atFar = follow(far)
    near.write('before ')
    await eventually('it arrives', () => atFar.bytes === 7)
    world.ways[0]?.proxy.cut()
    await eventually('the link is gone', () => world.ways[0]?.isConnected === false)
    near.write('during ')
    await world.ways[0]?.reconnect()
    near.end('after')
    await eventually('all arrives', () => atFar.ended)
    expect(Buffer.concat(atFar.parts).toString()).toBe('before during after')
    expect(world.near.counters().resumes).toBe(1)
  })

  it('lets the end that did not open it find a path again, too', async () => {
    await start(1)
    const { near, far } = await flowPair()
    const atNear = follow(near)
    far.write('before ')
    await eventually('it arrives', () => atNear.bytes === 7)
    // Only the far end is offered the way that comes back.
    world.ways[0]?.offer(false)
    world.ways[0]?.proxy.cut()
    await eventually('the link is gone', () => world.ways[0]?.isConnected === false)
    far.end('after')
    await world.ways[0]?.reconnect()
    world.ways[0]?.offer(true)
    await eventually('all arrives', () => atNear.ended)
    expect(Buffer.concat(atNear.parts).toString()).toBe('before after')
  })

  it('takes a long way for what it is, and not for a stall', async () => {
    await start(2)
    for (const { proxy } of world.ways) proxy.delay(100)
    const { near, far } = await flowPair()
    const atFar = follow(far)
    for (let count = 1; count <= 5; count++) {
      near.write('x'.repeat(100))
      await eventually('it arrives', () => atFar.bytes === count * 100)
    }
    near.end()
    await eventually('the end arrives', () => atFar.ended)
    expect(world.near.sessions()[0]?.rttMs).toBeGreaterThan(150)
    expect(world.near.counters().stalls).toBe(0)
  })

  it('replaces a standby that dies', async () => {
    await start(3)
    await flowPair()
    await eventually('there is a standby', hasStandby)
    const first = world.near.sessions()[0]?.standby
    const way = world.ways.find(({ path }) => path.join() === first?.join())
    way?.proxy.cut()
    await eventually('there is another one', () => {
      const now = world.near.sessions()[0]?.standby
      return now !== undefined && now.join() !== first?.join()
    })
  })

  it('survives one fault after another, each on the path in use', async () => {
    await start(4)
    const { near, far } = await flowPair()
    const payload = randomBytes(60 * MIB)
    const atFar = follow(far)
    near.end(payload)
    for (let fault = 0; fault < 3; fault++) {
      const seen = atFar.bytes
      await eventually('bytes flow', () => atFar.bytes > seen + MIB, 10_000)
      const path = world.near.sessions()[0]?.path?.join()
      const way = world.ways.find((candidate) => candidate.path.join() === path)
      if (fault === 1) way?.proxy.hold()
      else way?.proxy.cut()
    }
    await eventually('the end arrives', () => atFar.ended, 15_000)
    expect(Buffer.concat(atFar.parts).equals(payload)).toBe(true)
  })

  it('moves to its standby when it is told to leave what its path crosses, and loses nothing', async () => {
    await start(2)
    const { near, far } = await flowPair()
    await eventually('there is a standby', hasStandby)
    const atFar = follow(far)
    const payload = randomBytes(8 * MIB)
    near.end(payload)
    await eventually('bytes flow', () => atFar.bytes > MIB)
    const before = world.near.sessions()[0]?.path?.join()
    expect(world.near.leave((path) => path.join() !== before)).toBe(0)
    expect(world.near.leave((path) => path.join() === before)).toBe(1)
    expect(world.near.sessions()[0]?.path?.join()).not.toBe(before)
    await eventually('the end arrives', () => atFar.ended)
    expect(Buffer.concat(atFar.parts).equals(payload)).toBe(true)
  })

  it('makes its carriers anew when it is restarted, and loses nothing', async () => {
    await start(2)
    const { near, far } = await flowPair()
    const atFar = follow(far)
    const payload = randomBytes(8 * MIB)
    near.end(payload)
    await eventually('bytes flow', () => atFar.bytes > MIB)
    expect(world.near.restart(world.farPeer)).toBe(1)
    expect(world.near.sessions()[0]?.path).toBeUndefined()
    await eventually('the end arrives', () => atFar.ended)
    expect(Buffer.concat(atFar.parts).equals(payload)).toBe(true)
    expect(world.near.restart(world.nearPeer)).toBe(0)
  })

  it('goes back to a cheaper path only after a while, and closes what is surplus', async () => {
    await start(2)
    await flowPair()
    await eventually('there is a standby', hasStandby)
    world.ways[0]?.proxy.cut()
    await eventually('the other path is in use', () => {
      const [view] = world.near.sessions()
      return view?.path?.join() === world.ways[1]?.path.join() && view?.standby === undefined
    })
    await world.ways[0]?.reconnect()
    await eventually('the first path is back', () => hasStandby())
    expect(world.near.sessions()[0]?.path).toEqual(world.ways[1]?.path)
  })
})

describe('a session that cannot be resumed', () => {
  it('fails at both ends with a reason and never looks complete', async () => {
    await start(1, { resumeWindowMs: 200 })
    const { near, far } = await flowPair()
    const [atNear, atFar] = [follow(near), follow(far)]
    near.write('half of')
    await eventually('it arrives', () => atFar.bytes > 0)
    world.ways[0]?.proxy.cut()
    await eventually('both ends close', () => atNear.closed && atFar.closed)
    for (const seen of [atNear, atFar]) {
      expect(seen.ended).toBe(false)
      expect(hasCode(seen.error, 'SESSION_RESET')).toBe(true)
    }
    expect(world.near.counters()).toMatchObject({ reset: 1, heldBytes: 0 })
    expect(world.far.counters()).toMatchObject({ reset: 1, heldBytes: 0 })
  })

  it('is also given up when a path stands but nothing moves', async () => {
    await start(1, { resumeWindowMs: 400 })
    const { near, far } = await flowPair()
    const [atNear, atFar] = [follow(near), follow(far)]
    world.ways[0]?.proxy.hold()
    near.write('into the hole')
    await eventually('the near end fails', () => atNear.closed)
    expect(hasCode(atNear.error, 'SESSION_RESET')).toBe(true)
    world.ways[0]?.proxy.release()
    await eventually('the far end hears of it', () => atFar.closed)
    expect(atFar.ended).toBe(false)
  })

  it('is refused to a member that lost its rights meanwhile', async () => {
    await start(1)
    const { near, far } = await flowPair()
    const [atNear] = [follow(near), follow(far)]
    world.ways[0]?.proxy.cut()
    await eventually('the link is gone', () => world.ways[0]?.isConnected === false)
    world.admit(false)
    await world.ways[0]?.reconnect()
    await eventually('the near end fails', () => atNear.closed)
    expect(atNear.error).toMatchObject({ fault: { code: 'SESSION_RESET', reason: 'denied' } })
  })

  it('is reset at the other end as soon as a path is there, when one end gave it up meanwhile', async () => {
    await start(1)
    const { near, far } = await flowPair()
    const atFar = follow(far)
    follow(near)
    world.ways[0]?.proxy.cut()
    await eventually('the link is gone', () => world.ways[0]?.isConnected === false)
    near.destroy()
    await world.ways[0]?.reconnect()
    await eventually('the other end closes', () => atFar.closed)
    expect(atFar).toMatchObject({ ended: false })
    expect(hasCode(atFar.error, 'SESSION_RESET')).toBe(true)
  })
})

describe('the end of a session', () => {
  it('is clean at both ends when the last acknowledgement is lost', async () => {
    await start(1)
    const { near, far } = await flowPair()
    const [atNear, atFar] = [follow(near), follow(far)]
    far.end('answer')
    await eventually('the answer ends', () => atNear.ended)
    // What the far end says from now on is lost with the connection.
    world.ways[0]?.proxy.hold('back')
    near.end('question')
    await eventually('the far end is done', () => atFar.closed)
    world.ways[0]?.proxy.cut()
    await eventually('the link is gone', () => world.ways[0]?.isConnected === false)
    world.ways[0]?.proxy.release()
    await world.ways[0]?.reconnect()
    await eventually('the near end is done', () => atNear.closed)
    expect([atNear.error, atFar.error]).toEqual([undefined, undefined])
    expect(world.near.counters()).toMatchObject({ finished: 1, reset: 0, heldBytes: 0 })
    expect(world.far.counters()).toMatchObject({ finished: 1, reset: 0, heldBytes: 0 })
  })

  it('leaves nothing behind: no memory, no carrier', async () => {
    await start(2)
    const { near, far } = await flowPair()
    await eventually('there is a standby', hasStandby)
    await Promise.all([pipeline(far, far), once(near, 'close'), near.end('x'), once(near.resume(), 'end')])
    expect(world.near.sessions()).toEqual([])
    await eventually('the far end is done, too', () => world.far.sessions().length === 0)
    expect([world.near.counters().heldBytes, world.far.counters().heldBytes]).toEqual([0, 0])
  })
})

describe('opening a session', () => {
  it('goes by another path when the best one is silent', async () => {
    await start(2)
    world.ways[0]?.proxy.hold()
    await flowPair()
    expect(world.near.sessions()[0]?.path).toEqual(world.ways[1]?.path)
    expect(world.far.counters().accepted).toBe(1)
  })

  it('opens one session when the slow path answers after all', async () => {
    await start(2)
    world.ways[0]?.proxy.delay(400)
    const { near, far } = await flowPair()
    const atFar = follow(far)
    near.end('once')
    await eventually('it arrives', () => atFar.ended)
    expect(Buffer.concat(atFar.parts).toString()).toBe('once')
    expect(world.far.counters().accepted).toBe(1)
  })

  it('rejects when no path takes it, and when the other end has no use for it', async () => {
    await start(1, { resumeWindowMs: 500 })
    await expect(world.near.open(world.farPeer, limit())).rejects.toMatchObject({ code: 'SESSION_REFUSED' })
    world.ways[0]?.offer(false)
    await expect(world.near.open(world.farPeer, limit())).rejects.toMatchObject({ code: 'NO_PATH' })
    expect(world.near.counters().heldBytes).toBe(0)
  })

  it('leaves no session behind when it is given up', async () => {
    await start(1)
    const accepted: Duplex[] = []
    await world.far.handle((flow) => {
      flow.on('error', () => {})
      accepted.push(flow)
    })
    world.ways[0]?.proxy.delay(150)
    const signal = AbortSignal.timeout(100)
    await expect(world.near.open(world.farPeer, signal)).rejects.toThrow()
    expect(world.near.sessions()).toEqual([])
    await eventually('what the far end took is reset', () => accepted.every(({ destroyed }) => destroyed))
    await eventually('nothing is left there', () => world.far.sessions().length === 0)
  })
})
