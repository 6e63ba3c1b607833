import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { NOW_MS, securityWorld, seededRandom } from '../../../tests/helpers/security-world.ts'
import { startTestMember, type TestMember } from '../../../tests/helpers/test-members.ts'
import { encodeStrict } from '../../security/codec.ts'
import {
  createFloodCodec,
  digestMessages,
  type FloodMessage,
  MAX_FLOOD_FRAME_BYTES,
  summaryOf,
} from '../flood/flood-messages.ts'
import { createOutbox } from '../flood/flood-outbox.ts'
import { isNewer } from '../flood/replica.ts'
import { decodeJoinReply, encodeJoinReply } from './join-reply.ts'
import { decodeRenewReply } from './renewal.ts'
import { type DigestLine, ITEM_KINDS, type Item, type ItemKind } from './replica.ts'

const codec = createFloodCodec(ITEM_KINDS)
const world = securityWorld()
const clock = createManualClock(NOW_MS + 1_000)
const everything = (of: TestMember): Item[] =>
  of.membership.replica.digest().flatMap((line) => of.membership.replica.read(line) ?? [])

/** A founder that has seen something of every kind. */
async function busyFounder(): Promise<TestMember> {
  const founder = await startTestMember(world, world.founder, { clock, holdsAuthority: true })
  const members = [world.member(), world.member(), world.member('viewer', world.admin)]
  for (const { chain } of [world.admin, ...members]) {
    founder.membership.replica.accept({ kind: 'certificate', bytes: chain.bytes })
  }
  for (const member of members.slice(0, 2)) founder.membership.revoke(member.identity.peerId)
  founder.membership.publishOwnRecord({ addresses: ['/ip4/127.0.0.1/tcp/1'], services: [] })
  return founder
}

describe('the replicated state', () => {
  it('ends the same at everyone, in whatever order and however often the pieces come', async () => {
    const items = everything(await busyFounder())
    const own = world.member()
    const reader = await startTestMember(world, own, { clock })
    for (const item of items) reader.membership.replica.accept(item)
    for (const item of items) reader.membership.replica.accept(item)
    const expected = summaryOf(reader.membership.replica.digest())
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...items, ...items], { minLength: items.length * 2 }),
        async (order) => {
          const other = await startTestMember(world, own, { clock })
          // What has to wait for something else is asked for again, as neighbours do.
          for (let round = 0; round < 4; round++)
            for (const item of order) other.membership.replica.accept(item)
          expect(summaryOf(other.membership.replica.digest())).toBe(expected)
          await other.membership.stop()
        },
      ),
      { numRuns: 15 },
    )
  })

  it('takes no item of which any byte was changed, and convicts or ignores it without throwing', async () => {
    const items = everything(await busyFounder())
    const reader = await startTestMember(world, world.member(), { clock })
    for (const item of items) reader.membership.replica.accept(item)
    const before = summaryOf(reader.membership.replica.digest())
    fc.assert(
      fc.property(fc.constantFrom(...items), fc.nat(), fc.integer({ min: 1, max: 255 }), (item, at, flip) => {
        const bytes = Uint8Array.from(item.bytes)
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip
        expect(reader.membership.replica.accept({ ...item, bytes }).kind).not.toBe('kept')
      }),
      { numRuns: 300 },
    )
    expect(summaryOf(reader.membership.replica.digest())).toBe(before)
  })

  it('takes no noise for an item of any kind', async () => {
    const reader = await startTestMember(world, world.member(), { clock })
    fc.assert(
      fc.property(
        fc.constantFrom(...ITEM_KINDS),
        fc.uint8Array({ minLength: 1, maxLength: 2_000 }),
        (kind, bytes) => {
          expect(reader.membership.replica.accept({ kind, bytes }).kind).toBe('bad')
        },
      ),
    )
  })
})

describe('the messages of sync, renewal and carried joins', () => {
  const { bytes } = seededRandom(8)
  const line = (index: number): DigestLine => ({
    kind: 'certificate',
    name: `peer-${index}`,
    version: [index, 'x'],
  })
  const messages: FloodMessage<ItemKind>[] = [
    { kind: 'summary', hash: 'a'.repeat(64) },
    { kind: 'items', items: [{ kind: 'record', bytes: bytes(60_000) }] },
    { kind: 'digest', lines: [line(1), line(2)], last: true },
  ]

  it('are read back as they were written', () => {
    for (const message of messages) expect(codec.decode(codec.encode(message))).toEqual(message)
    const reply = { kind: 'joined', chain: bytes(16_384) } as const
    expect(decodeJoinReply(encodeJoinReply(reply))).toEqual(reply)
    expect(decodeRenewReply(encodeStrict({ kind: 'renewed', chain: reply.chain }))).toMatchObject({
      kind: 'renewed',
    })
  })

  it('cut a digest into frames that fit, and an empty one into one', () => {
    expect(digestMessages([])).toEqual([{ kind: 'digest', lines: [], last: true }])
    const lines = Array.from({ length: 1_000 }, (_, index) => ({
      ...line(index),
      name: `${index}-${'n'.repeat(140)}`,
      version: [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'f'.repeat(16)],
    }))
    const frames = digestMessages(lines)
    expect(frames.flatMap((frame) => (frame.kind === 'digest' ? frame.lines : []))).toEqual(lines)
    expect(frames.map((frame) => frame.kind === 'digest' && frame.last)).toEqual([false, false, false, true])
    for (const frame of frames) {
      expect(codec.encode(frame).length).toBeLessThanOrEqual(MAX_FLOOD_FRAME_BYTES)
      expect(codec.decode(codec.encode(frame))).toEqual(frame)
    }
  })

  it('are never read from noise, nor from a changed frame as anything but its own encoding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (noise) => {
        for (const decode of [codec.decode, decodeJoinReply, decodeRenewReply]) {
          const decoded = decode(noise)
          if (decoded !== undefined) expect(Buffer.from(encodeStrict(decoded))).toEqual(Buffer.from(noise))
        }
      }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...messages),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (message, at, flip) => {
          const changed = codec.encode(message)
          changed[(at % 96) % changed.length] = (changed[(at % 96) % changed.length] ?? 0) ^ flip
          const decoded = codec.decode(changed)
          if (decoded !== undefined) expect(Buffer.from(codec.encode(decoded))).toEqual(Buffer.from(changed))
        },
      ),
    )
  })
})

describe('an outbox', () => {
  const item = (name: string, size: number): Item => ({
    kind: 'record',
    bytes: new Uint8Array(size).fill(name.length),
  })
  function outboxOf(sizes: Record<string, number>) {
    const read: string[] = []
    const outbox = createOutbox<ItemKind>({
      digest: () => Object.keys(sizes).map((name) => ({ kind: 'record', name, version: [1] })),
      read: ({ name }) => {
        read.push(name)
        const size = sizes[name]
        return size === undefined ? undefined : item(name, size)
      },
    })
    return { outbox, read }
  }
  const drain = (outbox: ReturnType<typeof createOutbox<ItemKind>>): FloodMessage<ItemKind>[] => {
    const messages: FloodMessage<ItemKind>[] = []
    for (let message = outbox.next(); message !== undefined; message = outbox.next()) messages.push(message)
    return messages
  }

  it('sends a thing once however often it changed, and skips what is gone', () => {
    const { outbox } = outboxOf({ a: 10, b: 10 })
    for (let times = 0; times < 100; times++) outbox.add({ kind: 'record', name: 'a' })
    outbox.add({ kind: 'record', name: 'gone' })
    outbox.add({ kind: 'record', name: 'b' })
    expect(drain(outbox)).toMatchObject([{ kind: 'items', items: [{ kind: 'record' }, { kind: 'record' }] }])
    expect(outbox.next()).toBeUndefined()
  })

  it('puts small things together and large ones alone, all within a frame', () => {
    const sizes = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`n${index}`, index % 9 === 0 ? 48_000 : 900]),
    )
    const { outbox } = outboxOf(sizes)
    for (const name of Object.keys(sizes)) outbox.add({ kind: 'record', name })
    const messages = drain(outbox)
    for (const message of messages)
      expect(codec.encode(message).length).toBeLessThanOrEqual(MAX_FLOOD_FRAME_BYTES)
    const sent = messages.flatMap((message) => (message.kind === 'items' ? message.items : []))
    expect(sent).toHaveLength(200)
  })

  it('sends the digest before anything else and the summary last, and wakes who waits', async () => {
    const { outbox } = outboxOf({ a: 1 })
    const woken = outbox.filled(new AbortController().signal)
    outbox.addSummary()
    await woken
    outbox.add({ kind: 'record', name: 'a' })
    outbox.addDigest()
    expect(drain(outbox).map((message) => message.kind)).toEqual(['digest', 'items', 'summary'])
    const controller = new AbortController()
    const waiting = outbox.filled(controller.signal)
    controller.abort()
    await waiting
  })

  it('knows what is newer, number by number', () => {
    const version = (...parts: (number | string)[]): DigestLine => ({
      kind: 'head',
      name: 'x',
      version: parts,
    })
    expect(isNewer(version(2, 1), version(1, 9))).toBe(true)
    expect(isNewer(version(1, 9), version(2, 1))).toBe(false)
    expect(isNewer(version(1, 1), version(1, 1))).toBe(false)
    expect(isNewer(version(), version())).toBe(false)
    expect(isNewer(version(1), undefined)).toBe(true)
    expect(isNewer(version(1, 'b'), version(1, 'a'))).toBe(true)
  })
})
