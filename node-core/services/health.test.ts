import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { freePort } from '../../tests/helpers/http-site.ts'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { systemClock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import { type CheckResult, parseCheck, runCheck } from './health-check.ts'
import { createHealthMonitor, type Health, judgeHealth } from './health-monitor.ts'
import { createTargetDialer } from './target.ts'

const random: Random = { bytes: (length) => new Uint8Array(length), unit: () => 0 }
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

describe('check text', () => {
  it('reads tcp and http with a path', () => {
    expect(parseCheck('tcp')).toEqual({ kind: 'tcp' })
    expect(parseCheck('http:/')).toEqual({ kind: 'http', path: '/' })
    expect(parseCheck('http:/health?full=1')).toEqual({ kind: 'http', path: '/health?full=1' })
  })

  it.each([
    '',
    'TCP',
    'http',
    'http:',
    'http:health',
    'http:/a b',
    'http:/a\r\nX: y',
    `http:/${'x'.repeat(2000)}`,
  ])('refuses %j', (raw) => expect(parseCheck(raw)).toBeUndefined())
})

describe('a check', () => {
  const deps = {
    clock: systemClock,
    dialer: createTargetDialer({ clock: systemClock, ownPorts: { ports: () => [] } }),
  }
  const never = new AbortController().signal
  const site = async (answer: (response: ServerResponse, path: string | undefined) => void) => {
    const seen: { path: string | undefined; host: string | undefined }[] = []
    const server = createServer((request, response) => {
      seen.push({ path: request.url, host: request.headers.host })
      answer(response, request.url)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return { target: { host: '127.0.0.1', port }, seen }
  }
  const http = { kind: 'http', path: '/health?x=1' } as const

  it.each([
    [200, true],
    [204, true],
    [302, true],
    [404, false],
    [500, false],
    [503, false],
  ])('takes an answer of %i as healthy: %s', async (status, ok) => {
    const { target, seen } = await site((response) => response.writeHead(status).end('x'.repeat(100_000)))
    const result = await runCheck(deps, { check: http, target, timeoutMs: 2_000 }, never)
    expect(result.ok).toBe(ok)
    if (!result.ok) expect(result.reason).toContain(String(status))
    expect(seen).toEqual([{ path: '/health?x=1', host: `127.0.0.1:${target.port}` }])
  })

  it('fails on a target that takes the connection and says nothing, within its time', async () => {
    const { target } = await site(() => {})
    const result = await runCheck(deps, { check: http, target, timeoutMs: 50 }, never)
    expect(result).toMatchObject({ ok: false, reason: expect.stringContaining('50 ms') })
  })

  it('fails on a target that speaks something else', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => {}).end('220 mail ready\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const target = { host: '127.0.0.1', port }
    expect((await runCheck(deps, { check: http, target, timeoutMs: 2_000 }, never)).ok).toBe(false)
    expect(await runCheck(deps, { check: { kind: 'tcp' }, target, timeoutMs: 2_000 }, never)).toEqual({
      ok: true,
    })
  })

  it('fails on a target that is not there', async () => {
    const target = { host: '127.0.0.1', port: await freePort() }
    for (const check of [http, { kind: 'tcp' } as const]) {
      const result = await runCheck(deps, { check, target, timeoutMs: 2_000 }, never)
      expect(result).toMatchObject({ ok: false, reason: expect.stringContaining('ECONNREFUSED') })
    }
  })
})

describe('the verdict on health', () => {
  const good: CheckResult = { ok: true }
  const bad: CheckResult = { ok: false, reason: 'down' }

  it('follows the first result at once', () => {
    const unknown = { health: { kind: 'unknown' }, against: 0 } as const
    expect(judgeHealth(unknown, good, 3).health.kind).toBe('healthy')
    expect(judgeHealth(unknown, bad, 3).health.kind).toBe('unhealthy')
  })

  it('changes exactly after so many results in a row that contradict it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        (results, changeAfter) => {
          let state: { health: Health; against: number } = { health: { kind: 'healthy' }, against: 0 }
          let streak = 0
          for (const ok of results) {
            const before = state.health.kind
            state = judgeHealth(state, ok ? good : bad, changeAfter)
            streak = ok === (before === 'healthy') ? 0 : streak + 1
            const changed = state.health.kind !== before
            expect(changed).toBe(streak === changeAfter)
            if (changed) streak = 0
          }
        },
      ),
    )
  })
})

describe('health monitor', () => {
  const options = { intervalMs: 10_000, recheckMs: 1_000, changeAfter: 2 }
  const setUp = () => {
    const clock = createManualClock()
    const world = { ok: true, checks: 0, changes: [] as string[], pending: [] as (() => void)[], hold: false }
    const monitor = createHealthMonitor(
      {
        clock,
        random,
        check: async () => {
          world.checks += 1
          if (world.hold) await new Promise<void>((resolve) => world.pending.push(resolve))
          return world.ok ? { ok: true } : { ok: false, reason: 'down' }
        },
        onChange: (health) => world.changes.push(health.kind),
      },
      options,
    )
    const advance = async (ms: number): Promise<void> => {
      clock.advance(ms)
      await new Promise(setImmediate)
    }
    return { clock, world, monitor, advance }
  }

  it('checks at once, then at its interval, and sooner while it is in doubt', async () => {
    const { world, monitor, advance } = setUp()
    monitor.start()
    await advance(0)
    expect(world).toMatchObject({ checks: 1, changes: ['healthy'] })
    await advance(9_999)
    expect(world.checks).toBe(1)
    world.ok = false
    await advance(1)
    expect(world).toMatchObject({ checks: 2, changes: ['healthy'] })
    await advance(1_000)
    expect(world).toMatchObject({ checks: 3, changes: ['healthy', 'unhealthy'] })
    expect(monitor.health).toEqual({ kind: 'unhealthy', reason: 'down' })
    world.ok = true
    await advance(1_000)
    await advance(1_000)
    expect(world.changes).toEqual(['healthy', 'unhealthy', 'healthy'])
    monitor.stop()
  })

  it('is not moved by a single failure', async () => {
    const { world, monitor, advance } = setUp()
    monitor.start()
    await advance(0)
    world.ok = false
    await advance(10_000)
    world.ok = true
    await advance(1_000)
    world.ok = false
    await advance(10_000)
    expect(world).toMatchObject({ checks: 4, changes: ['healthy'] })
    monitor.stop()
  })

  it('checks sooner when it is told to hurry, also while a check is on its way', async () => {
    const { world, monitor, advance } = setUp()
    monitor.start()
    await advance(0)
    monitor.hurry()
    await advance(0)
    expect(world.checks).toBe(2)
    world.hold = true
    await advance(10_000)
    expect(world.checks).toBe(3)
    monitor.hurry()
    world.hold = false
    world.pending.shift()?.()
    await advance(0)
    await advance(1_000)
    expect(world.checks).toBe(4)
    monitor.stop()
  })

  it('runs nothing and tells nothing after it was stopped', async () => {
    const { clock, world, monitor, advance } = setUp()
    world.hold = true
    monitor.start()
    await eventually('the check runs', () => world.pending.length === 1)
    monitor.stop()
    world.pending.shift()?.()
    await advance(60_000)
    expect(world).toMatchObject({ checks: 1, changes: [] })
    expect(clock.timers).toBe(0)
    monitor.hurry()
    await advance(60_000)
    expect(world.checks).toBe(1)
  })
})
