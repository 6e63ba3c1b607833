import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createMemoryIncidentStore } from '../../../tests/helpers/memory-incident-store.ts'
import { dialAddresses, startTestHost } from '../../../tests/helpers/mesh-hosts.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import { createIncidentBook } from '../../mapek/incidents/incident-book.ts'
import { createWitnessDesk } from '../../mapek/incidents/witness-desk.ts'
import { reportOf } from '../../mapek/incidents/witness-report.ts'
import { createMessageFrames } from '../../mesh/host/message-frames.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { encodeStrict } from '../../security/codec.ts'
import { createIncidentExchange } from './incident-exchange.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

async function startWitness() {
  const { host } = await startTestHost()
  const self = host.peerId
  const book = createIncidentBook(
    { clock: systemClock, store: createMemoryIncidentStore(), logger: silentLogger },
    { self },
  )
  const desk = createWitnessDesk({ clock: systemClock, self, book, nameOf: (peer) => peer.slice(-4) })
  const exchange = createIncidentExchange({
    ...{ clock: systemClock, logger: silentLogger, self, streams: host, book, desk },
  })
  await exchange.start()
  stops.push(async () => {
    await exchange.stop()
    await host.stop()
  })
  return { host, self, book }
}
type Witness = Awaited<ReturnType<typeof startWitness>>

/** The same dead node, seen by one of its neighbours at some time. */
function sees({ book, self }: Witness, gone: PeerId, at: number, others: readonly PeerId[]): Incident {
  const incident = book.observe({
    root: {
      ...{ code: 'node-down', subject: { kind: 'node', peer: gone }, severity: 'critical', confidence: 0.9 },
      ...{ impactsConnectivity: true, firstSeenAt: at, lastSeenAt: at },
      evidence: [{ text: `seen by ${self}`, at, witness: self }],
    },
    ...{ title: 'A node is down', consequences: [], diagnosis: 'It answers nobody.' },
  })
  if (incident === undefined) throw new Error('not opened')
  const [coordinator = self] = [self, ...others].sort()
  return book.setWitnesses(incident.id, [self, ...others], coordinator)
}

describe('witnesses of one incident', () => {
  it('come to one name, with the evidence of both and what the coordinator did', async () => {
    const [one, two, { host: dead }] = [await startWitness(), await startWitness(), await startTestHost()]
    const gone = dead.peerId
    await dead.stop()
    await one.host.dial(dialAddresses(two.host), AbortSignal.timeout(10_000))
    await eventually('both ends are connected', () => two.host.peers().includes(one.self), 10_000)
    const [lower, higher] = one.self < two.self ? [one, two] : [two, one]
    const at = systemClock.now()
    // On both sides of a boundary of the epochs: without a word they would keep two names.
    const named = sees(lower, gone, at - 20_000, [higher.self])
    const other = sees(higher, gone, at, [lower.self])
    expect(other.id).not.toBe(named.id)
    lower.book.append(named.id, { at, kind: 'step', text: 'The path was changed.' })
    await eventually('one name', () => higher.book.get(other.id)?.id === named.id, 10_000)
    const seen = (witness: Witness) =>
      witness.book
        .get(named.id)
        ?.evidence.map((one) => one.witness)
        .sort()
    await eventually(
      'both evidences at both',
      () => [lower, higher].every((w) => seen(w)?.length === 2),
      10_000,
    )
    expect(seen(lower)).toEqual([lower.self, higher.self].sort())
    const told = (): string[] => (higher.book.get(named.id)?.timeline ?? []).map(({ text }) => text)
    await eventually('what was done', () => told().includes('The path was changed.'), 10_000)
    expect(higher.book.list({ open: true })).toHaveLength(1)
    expect(lower.book.get(named.id)?.state).toBe('diagnosed')
  }, 40_000)

  it('take nothing that is malformed, and open nothing on the word of others', async () => {
    const [one, two] = [await startWitness(), await startWitness()]
    await one.host.dial(dialAddresses(two.host), AbortSignal.timeout(10_000))
    await eventually('both ends are connected', () => two.host.peers().includes(one.self), 10_000)
    const claimed = reportOf(sees(one, two.self, systemClock.now(), []), one.self)
    const send = async (frame: Uint8Array): Promise<'taken' | 'refused'> => {
      const signal = AbortSignal.timeout(10_000)
      const frames = createMessageFrames(await one.host.open(two.self, '/x0t/incident/1', signal), {
        maxFrameBytes: 64 * 1_024,
      })
      try {
        await frames.write(frame, signal)
        await frames.end(signal)
        return (await frames.read(signal)) === undefined ? 'taken' : 'refused'
      } catch {
        return 'refused'
      }
    }
    expect(await send(encodeStrict({ ...claimed, state: 'resolved' }))).toBe('refused')
    expect(await send(encodeStrict({ ...claimed, evidence: Array(5).fill({ at: 1, text: 'x' }) }))).toBe(
      'refused',
    )
    expect(await send(encodeStrict({ ...claimed, code: 'x'.repeat(40_000) }))).toBe('refused')
    expect(await send(encodeStrict(claimed))).toBe('taken')
    expect(two.book.list()).toEqual([])
  }, 40_000)
})
