import { z } from 'zod'
import { type PeerId, parseIncidentId, parsePlanId } from '../../domain/ids.ts'
import { type Incident, isOver } from '../../domain/incident.ts'
import type { IncidentBook } from '../../mapek/incidents/incident-book.ts'
import { topicOf } from '../../mapek/incidents/incident-id.ts'
import type { WitnessDesk } from '../../mapek/incidents/witness-desk.ts'
import {
  MAX_TOLD,
  PROGRESS_KINDS,
  reportOf,
  type WitnessReport,
} from '../../mapek/incidents/witness-report.ts'
import { exchange } from '../../mesh/host/exchange.ts'
import { createMessageFrames } from '../../mesh/host/message-frames.ts'
import type { PeerStreams } from '../../mesh/host/peer-streams.ts'
import { forgetOldest } from '../../platform/bounded.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { withTimeout } from '../../platform/wait.ts'
import { decodeStrict, encodeStrict, parsedText, sha256Hex, timeMs } from '../../security/codec.ts'
import { subjectSchema } from './subject-schema.ts'

/*
 * `/x0t/incident/1`: witnesses of one incident tell each other what each saw itself, and its coordinator what it did.
 * One report per stream. The stream is encrypted end to end and opened by an admitted member, so that the connection
 * says whose word it is; nothing is passed on, and so nothing needs a signature that outlives it.
 */
const INCIDENT_PROTOCOL = '/x0t/incident/1'
const MAX_FRAME_BYTES = 32 * 1_024
const LIMIT_MS = 3_000
const MAX_STREAMS = 4
/** What changes together is told together. */
const GATHER_MS = 250
const RETRY_MS = 5_000
const MAX_RETRIES = 3
/** Of a mesh of hundreds all see a partition; the lowest ones are those that may have to coordinate. */
const MAX_TOLD_PEERS = 16
const MAX_REMEMBERED = 2_048

const text = z.string().max(MAX_TOLD.text)
const reportSchema: z.ZodType<WitnessReport> = z.strictObject({
  id: parsedText(parseIncidentId),
  code: z.string().max(64),
  subject: subjectSchema,
  firstEvidenceAt: timeMs,
  evidence: z.array(z.strictObject({ at: timeMs, text })).max(MAX_TOLD.evidence),
  progress: z
    .array(
      z.strictObject({
        ...{ at: timeMs, kind: z.enum(PROGRESS_KINDS), text },
        planId: parsedText(parsePlanId).optional(),
      }),
    )
    .max(MAX_TOLD.progress),
})

export interface IncidentExchangeDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly self: PeerId
  readonly streams: Pick<PeerStreams, 'open' | 'handle' | 'unhandle'>
  readonly book: Pick<IncidentBook, 'events' | 'get' | 'openOn'>
  readonly desk: Pick<WitnessDesk, 'take'>
}

/** Tells the other witnesses of each incident of this node, and takes what they tell. */
export function createIncidentExchange(deps: IncidentExchangeDeps): Lifecycle {
  const { clock, self, streams, book, desk } = deps
  const logger = deps.logger.child({ component: 'witnesses' })
  const due = new Map<string, { readonly incident: Incident; retries: number }>()
  /** What each witness was told last of each incident, as a digest. */
  const told = new Map<string, string>()
  const offs: (() => void)[] = []
  let stopping = new AbortController()
  let cancel: (() => void) | undefined

  const gather = (delayMs: number): void => {
    cancel ??= clock.after(delayMs, () => {
      cancel = undefined
      tellAll()
    })
  }
  const note = (incident: Incident, retries: number): void => {
    if (isOver(incident.state) || incident.witnesses.length < 2) return
    due.set(topicOf(incident.code, incident.subject), { incident, retries })
    gather(retries === 0 ? GATHER_MS : RETRY_MS)
  }
  const remember = (key: string, digest: string): void => {
    told.delete(key)
    told.set(key, digest)
    forgetOldest(told, MAX_REMEMBERED)
  }

  const tellAll = (): void => {
    for (const [topic, { incident, retries }] of [...due]) {
      due.delete(topic)
      const latest = book.get(incident.id)
      if (latest === undefined || isOver(latest.state)) continue
      const frame = encodeStrict(reportOf(latest, self))
      const digest = sha256Hex(frame)
      for (const peer of listenersOf(latest, self)) {
        const key = `${peer} ${topic}`
        if (told.get(key) === digest) continue
        remember(key, digest)
        tell(deps, peer, frame, stopping.signal).catch((error: unknown) => {
          if (told.get(key) === digest) told.delete(key)
          logger.debug('a witness was not told', { peer, error: messageOf(error) })
          if (retries < MAX_RETRIES && !stopping.signal.aborted) note(latest, retries + 1)
        })
      }
    }
  }

  const take = (from: PeerId, report: WitnessReport): void => {
    const verdict = desk.take(from, report)
    if (verdict !== 'taken') logger.debug('a report was not taken', { from, verdict, code: report.code })
    const incident = book.openOn(report.code, report.subject)
    // It has another name for it, as after a restart: whatever it was told before, it does not know it.
    if (incident === undefined || incident.id === report.id) return
    told.delete(`${from} ${topicOf(report.code, report.subject)}`)
    note(incident, 0)
  }

  return {
    async start() {
      stopping = new AbortController()
      offs.push(book.events.on('changed', ({ after }) => note(after, 0)))
      await streams.handle(
        INCIDENT_PROTOCOL,
        (stream, peer) => {
          const frames = createMessageFrames(stream, { maxFrameBytes: MAX_FRAME_BYTES })
          withTimeout(clock, LIMIT_MS, 'a report', async (signal) => {
            const bytes = await frames.read(signal)
            const report = bytes && decodeStrict(reportSchema, bytes, MAX_FRAME_BYTES)
            if (report === undefined) throw new Error('the report is malformed')
            take(peer, report)
            await frames.end(signal)
          }).catch((error: unknown) => {
            logger.debug('a report came to nothing', { peer, error: messageOf(error) })
            frames.abort(error instanceof Error ? error : new Error(String(error)))
          })
        },
        { maxStreams: MAX_STREAMS },
      )
    },
    async stop() {
      stopping.abort()
      cancel?.()
      cancel = undefined
      due.clear()
      for (const off of offs.splice(0)) off()
      await streams.unhandle(INCIDENT_PROTOCOL)
    },
  }
}

/** The coordinator first, then the lowest: who may have to take over. */
const listenersOf = ({ coordinator, witnesses }: Incident, self: PeerId): readonly PeerId[] =>
  [...new Set([coordinator, ...witnesses])].filter((peer) => peer !== self).slice(0, MAX_TOLD_PEERS)

async function tell(
  { streams, clock }: IncidentExchangeDeps,
  peer: PeerId,
  frame: Uint8Array,
  stopping: AbortSignal,
): Promise<void> {
  await exchange(
    { clock, streams },
    {
      peer,
      protocol: INCIDENT_PROTOCOL,
      what: 'telling a witness',
      limitMs: LIMIT_MS,
      maxFrameBytes: MAX_FRAME_BYTES,
      signal: stopping,
    },
    async (frames, signal) => {
      await frames.write(frame, signal)
      await frames.end(signal)
      // Its close says that it has taken it.
      if ((await frames.read(signal)) !== undefined) throw new Error('more than the end of the stream came')
    },
  )
}
