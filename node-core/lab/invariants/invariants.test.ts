import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { systemClock } from '../../platform/clock.ts'
import { systemRandom } from '../../platform/random.ts'
import { createGapMeter } from './gap-meter.ts'
import { type RequestProber, startRequestProber } from './request-prober.ts'
import { type JudgeTarget, startEchoTarget, startTransferTarget } from './targets.ts'
import { checkTransfer } from './transfer.ts'

const deps = { clock: systemClock, random: systemRandom }
const closers: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A way to a target that does to the bytes that come back what a bad product would. */
async function tamper(
  target: JudgeTarget,
  change: (bytes: Buffer, client: Socket) => Buffer[],
): Promise<number> {
  const server = createServer((client) => {
    const onward = connect(target.port, '127.0.0.1')
    client.on('error', () => {})
    onward.on('error', () => {})
    client.pipe(onward)
    onward.on('data', (bytes: Buffer) => {
      for (const piece of change(bytes, client)) client.write(piece)
    })
    onward.on('close', () => client.end())
    client.on('close', () => onward.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function probe(port: number, maxGapMs?: number): Promise<RequestProber> {
  const prober = await startRequestProber(deps, {
    port,
    intervalMs: 5,
    ...(maxGapMs === undefined ? {} : { maxGapMs }),
  })
  closers.push(() => prober.finish(0))
  return prober
}

async function echo(): Promise<JudgeTarget> {
  const target = await startEchoTarget()
  closers.push(() => target.close())
  return target
}

/** Runs a prober until it finds something, or long enough. */
async function verdictOn(
  change: (bytes: Buffer, count: number, client: Socket) => Buffer[],
  enough = 1,
): Promise<string[]> {
  let count = 0
  const port = await tamper(await echo(), (bytes, client) => change(bytes, ++count, client))
  const prober = await probe(port)
  await eventually(
    'it is judged',
    () => prober.report().violations.length >= enough || prober.report().answered > 50,
  )
  return prober.report().violations.map(({ kind }) => kind)
}

describe('the request prober', () => {
  it('finds nothing wrong with a plain echo, and measures it', async () => {
    const target = await echo()
    const prober = await probe(target.port)
    await eventually('a hundred answers', () => prober.report().answered >= 100)
    const report = await prober.finish()
    expect(report.violations).toEqual([])
    expect(report.answered).toBe(report.sent)
    expect(report.roundTripsMs).toHaveLength(report.answered)
    expect(report.longestGapMs).toBeLessThan(report.ownStallMs + 500)
    expect(target.accepted).toBe(1)
  })

  it('sees a lost answer', async () => {
    expect(await verdictOn((bytes, count) => (count === 10 ? [] : [bytes]))).toContain('lost')
  })

  it('sees a repeated answer', async () => {
    expect(await verdictOn((bytes, count) => (count === 10 ? [bytes, bytes] : [bytes]))).toContain('repeated')
  })

  it('sees answers in another order', async () => {
    let kept: Buffer | undefined
    const kinds = await verdictOn((bytes, count) => {
      if (count === 10) kept = bytes
      return count === 10 ? [] : count === 11 && kept !== undefined ? [bytes, kept] : [bytes]
    }, 2)
    expect(kinds).toEqual(['lost', 'reordered'])
  })

  it('sees a flipped bit', async () => {
    const kinds = await verdictOn((bytes, count) => {
      const copy = Buffer.from(bytes)
      if (count === 10) copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
      return [copy]
    })
    expect(kinds).toEqual(['corrupt'])
  })

  it('sees a missing byte', async () => {
    expect(await verdictOn((bytes, count) => [count === 10 ? bytes.subarray(1) : bytes])).toContain('corrupt')
  })

  it('sees a reset and an end', async () => {
    for (const end of [(s: Socket) => void s.resetAndDestroy(), (s: Socket) => void s.end()]) {
      const kinds = await verdictOn((bytes, count, client) => {
        if (count === 10) end(client)
        return count < 10 ? [bytes] : []
      })
      expect(kinds).toEqual(['connection-lost'])
    }
  })

  it('sees a gap that is too long, and how long it was', async () => {
    let isSilent = false
    const held: Buffer[] = []
    const port = await tamper(await echo(), (bytes) => {
      if (isSilent) held.push(bytes)
      return isSilent ? [] : [...held.splice(0), bytes]
    })
    const prober = await probe(port, 100)
    await eventually('ten answers', () => prober.report().answered >= 10)
    const sinceMs = systemClock.monotonicMs()
    isSilent = true
    await eventually('it is called too slow', () => prober.report().violations.length > 0)
    const { answered } = prober.report()
    isSilent = false
    await eventually('answers come again', () => prober.report().answered > answered)
    expect(prober.longestGapMs(sinceMs)).toBeGreaterThan(100)
    const { violations, longestGapMs } = await prober.finish()
    expect(violations.map(({ kind }) => kind)).toEqual(['too-slow'])
    expect(longestGapMs).toBeGreaterThan(100)
  })

  it('counts what is missing at the end', async () => {
    let count = 0
    const port = await tamper(await echo(), (bytes) => (++count > 5 ? [] : [bytes]))
    const prober = await probe(port)
    await eventually('some are sent', () => prober.report().sent >= 10)
    const { violations } = await prober.finish(50)
    expect(violations.map(({ kind }) => kind)).toEqual(['unanswered'])
  })
})

describe('the transfer checker', () => {
  const SIZE = 3_000_000

  async function transfer(
    change: (bytes: Buffer, before: number, client: Socket) => Buffer[],
    limitMs = 10_000,
  ) {
    const target = await startTransferTarget()
    closers.push(() => target.close())
    let before = 0
    const port = await tamper(target, (bytes, client) => {
      const pieces = change(bytes, before, client)
      before += bytes.length
      return pieces
    })
    return checkTransfer(deps, { port, sizeBytes: SIZE, seed: 7, signal: AbortSignal.timeout(limitMs) })
  }

  it('finds nothing wrong with what arrives whole, and gives the same checksum for the same seed', async () => {
    const [one, two] = [await transfer((bytes) => [bytes]), await transfer((bytes) => [bytes])]
    expect(one).toMatchObject({ violations: [], receivedBytes: SIZE, sha256: two.sha256 })
  })

  it.each([
    ['a flipped bit', 'corrupt', (bytes: Buffer) => [Buffer.from(bytes.map((byte) => byte ^ 1))]],
    ['a lost chunk', 'corrupt', (bytes: Buffer, before: number) => (before === 0 ? [] : [bytes])],
    [
      'a repeated chunk',
      'corrupt',
      (bytes: Buffer, before: number) => (before === 0 ? [bytes, bytes] : [bytes]),
    ],
    [
      'a reset',
      'connection-lost',
      (bytes: Buffer, before: number, client: Socket) => {
        if (before > SIZE / 2) client.resetAndDestroy()
        return before > SIZE / 2 ? [] : [bytes]
      },
    ],
    [
      'an end that looks normal',
      'lost',
      (bytes: Buffer, before: number, client: Socket) => {
        if (before > SIZE / 2 && !client.writableEnded) client.end()
        return before > SIZE / 2 ? [] : [bytes]
      },
    ],
  ] as const)('sees %s', async (_what, kind, change) => {
    expect((await transfer(change)).violations.map((violation) => violation.kind)).toEqual([kind])
  })

  it('gives up with its signal', async () => {
    const mute = createServer(() => {}).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    closers.push(() => mute.close())
    const address = mute.address()
    const report = await checkTransfer(deps, {
      ...{ sizeBytes: SIZE, seed: 7, signal: AbortSignal.timeout(50) },
      port: typeof address === 'object' && address !== null ? address.port : 0,
    })
    expect(report.violations.map(({ kind }) => kind)).toEqual(['unanswered'])
  })
})

describe('the gap meter', () => {
  it('finds the longest gap, whole or since a moment, and the one that goes on', () => {
    const clock = createManualClock()
    const meter = createGapMeter(() => clock.monotonicMs())
    for (const waitMs of [10, 300, 10, 40]) {
      clock.advance(waitMs)
      meter.mark()
    }
    expect(meter.longestMs()).toBe(300)
    expect(meter.longestMs({ sinceMs: 315 })).toBe(40)
    clock.advance(70)
    expect(meter.longestMs({ sinceMs: 315 })).toBe(40)
    expect(meter.longestMs({ sinceMs: 315, isWaiting: true })).toBe(70)
  })

  it('stays right when it forgets', () => {
    const clock = createManualClock()
    const meter = createGapMeter(() => clock.monotonicMs())
    clock.advance(500)
    meter.mark()
    for (let index = 0; index < 200_001; index++) {
      clock.advance(1)
      meter.mark()
    }
    expect(meter.longestMs()).toBe(500)
    expect(meter.longestMs({ sinceMs: 600 })).toBe(1)
  })
})
