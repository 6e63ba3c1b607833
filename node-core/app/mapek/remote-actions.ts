import type { Stream } from '@libp2p/interface'
import { z } from 'zod'
import { type PeerId, parseIncidentId, parsePeerId, parsePlanId } from '../../domain/ids.ts'
import { STEP_ACTIONS } from '../../domain/plan.ts'
import type { ActionOrder, ActionReport } from '../../mapek/execute/ports.ts'
import { createMessageFrames, type MessageFrames } from '../../mesh/host/message-frames.ts'
import type { PeerStreams } from '../../mesh/host/peer-streams.ts'
import type { Membership } from '../../mesh/membership/membership.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { withTimeout } from '../../platform/wait.ts'
import { bytesOf, bytesUpTo, decodeStrict, encodeStrict, parsedText, timeMs } from '../../security/codec.ts'
import type { HybridKey, HybridPublicKey } from '../../security/hybrid-key.ts'
import { ed25519KeyOf } from '../../security/identity.ts'
import { decodeRecord, type RecordKind, signRecord, verifyRecord } from '../../security/signed-record.ts'
import { subjectSchema } from './subject-schema.ts'
import { type CarriedVote, provenApprovers } from './vote-proofs.ts'

/*
 * `/x0t/action/1`: the coordinator of a repair asks another member for one step. The target opens with its boot epoch
 * and a fresh nonce; the order is signed over both, the target, the arguments and an end at most 60 s away, so that it
 * can neither be replayed nor sent to another node or another life of this one. The target judges it by guards of its
 * own before it does anything.
 */
const ACTION_PROTOCOL = '/x0t/action/1'
const MAX_LIFE_MS = 60_000
const NONCE_BYTES = 16
const MAX_FRAME_BYTES = 64 * 1024
const MAX_VOTE_BYTES = 8 * 1024
/** One yes decides; a second may have crossed it. */
const MAX_VOTES = 2
const HELLO_MS = 5_000
/** An action may take as long as the steps of playbooks do. */
const SERVE_MS = 10 * 60_000

const peerId = parsedText(parsePeerId)
const orderSchema = z.strictObject({
  meshId: z.string(),
  target: peerId,
  epoch: timeMs,
  nonce: bytesOf(NONCE_BYTES),
  expiresAt: timeMs,
  plan: parsedText(parsePlanId),
  incident: parsedText(parseIncidentId),
  step: z.string().max(80),
  action: z.enum(STEP_ACTIONS),
  subject: subjectSchema,
  args: z.record(z.string().max(64), z.union([z.string().max(200), z.number(), z.boolean()])),
  key: z.string().max(200),
  isResumed: z.boolean(),
  /** Of people who agreed to the plan, each signed by the approver's own key: see vote-proofs.ts. */
  votes: z
    .array(
      z.strictObject({
        ...{ approver: peerId, action: bytesUpTo(MAX_VOTE_BYTES) },
        ...{ comment: z.string().max(500).nullable(), steps: z.array(z.string().max(500)).max(64) },
      }),
    )
    .max(MAX_VOTES),
})
type SignedOrder = z.infer<typeof orderSchema>

const ORDER: RecordKind<SignedOrder> = {
  context: 'x0t/action/1',
  schema: orderSchema,
  maxBytes: MAX_FRAME_BYTES,
}

const helloSchema = z.strictObject({ epoch: timeMs, nonce: bytesOf(NONCE_BYTES) })
const requestSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('act'), order: bytesUpTo(MAX_FRAME_BYTES) }),
  /** Measures the way to these members from there. */
  z.strictObject({ kind: z.literal('measure'), peers: z.array(peerId).min(1).max(8) }),
])
const measuredSchema = z.array(
  z.strictObject({
    peer: peerId,
    rttMs: z.number().nullable(),
    via: z.number(),
    detail: z.string().max(300),
  }),
)
const replySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('report'), changed: z.boolean(), text: z.string().max(1_000) }),
  z.strictObject({ kind: z.literal('refused'), why: z.string().max(500) }),
  z.strictObject({ kind: z.literal('measured'), ways: measuredSchema }),
])
type Reply = z.infer<typeof replySchema>
export type MeasuredWay = z.infer<typeof measuredSchema>[number]

export type RemoteFault =
  | { code: 'ACTION_REFUSED'; peer: PeerId; why: string }
  | { code: 'ACTION_BROKEN'; peer: PeerId }

export interface RemoteActionDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly streams: PeerStreams
  readonly membership: Pick<Membership, 'self' | 'meshId' | 'standing' | 'certificateOf'>
  readonly key: HybridKey
  /** What a member asks for, done here. */
  readonly perform: (from: PeerId, order: ActionOrder, signal: AbortSignal) => Promise<ActionReport>
  readonly measure: (peers: readonly PeerId[], signal: AbortSignal) => Promise<readonly MeasuredWay[]>
  /** This node's own guards; a reason refuses. `approvers` have proven by their own signatures that they agreed. */
  readonly judge: (from: PeerId, order: ActionOrder, approvers: readonly PeerId[]) => string | undefined
}

/** Steps that other members do, and what they measure. */
export interface RemoteActions extends Lifecycle {
  /** @throws FaultError ACTION_REFUSED, ACTION_BROKEN, and what opening a stream throws */
  perform(order: ActionOrder, votes: readonly CarriedVote[], signal: AbortSignal): Promise<ActionReport>
  /** @throws as `perform` */
  measure(at: PeerId, peers: readonly PeerId[], signal: AbortSignal): Promise<readonly MeasuredWay[]>
}

export function createRemoteActions(deps: RemoteActionDeps): RemoteActions {
  const { streams, clock } = deps
  const epoch = clock.now()
  const done = createDoneOrders()
  const logger = deps.logger.child({ component: 'actions' })
  return {
    async perform(order, votes, signal) {
      const reply = await ask(deps, order.target, signal, (hello) => ({
        kind: 'act',
        order: signOrder(deps, hello, order, votes),
      }))
      if (reply.kind === 'report') return { changed: reply.changed, text: reply.text }
      throw broken(order.target)
    },
    async measure(at, peers, signal) {
      const reply = await ask(deps, at, signal, () => ({ kind: 'measure', peers: [...peers] }))
      if (reply.kind === 'measured') return reply.ways
      throw broken(at)
    },
    async start() {
      await streams.handle(
        ACTION_PROTOCOL,
        (stream, peer) => {
          const frames = createMessageFrames(stream, { maxFrameBytes: MAX_FRAME_BYTES })
          withTimeout(clock, SERVE_MS, 'an action', (signal) =>
            serve(deps, { epoch, done }, frames, peer, signal),
          ).catch((error: unknown) => {
            logger.debug('an action came to nothing', { peer, error: messageOf(error) })
            frames.abort(error instanceof Error ? error : new Error(String(error)))
          })
        },
        { maxStreams: 8 },
      )
    },
    stop: () => streams.unhandle(ACTION_PROTOCOL),
  }
}

/** An order for one occasion: the hello of the target says for which. */
export function signOrder(
  {
    clock,
    membership,
    key,
  }: Pick<RemoteActionDeps, 'clock' | 'key'> & {
    readonly membership: Pick<Membership, 'meshId'>
  },
  { epoch, nonce }: z.infer<typeof helloSchema>,
  order: ActionOrder,
  votes: readonly CarriedVote[],
): Uint8Array {
  const value: SignedOrder = {
    ...{ ...order, args: { ...order.args } },
    ...{ meshId: membership.meshId, epoch, nonce, expiresAt: clock.now() + MAX_LIFE_MS },
    votes: votes.slice(0, MAX_VOTES).map((vote) => ({ ...vote, steps: [...vote.steps] })),
  }
  return signRecord(ORDER, key, value).bytes
}

const broken = (peer: PeerId): Error =>
  new FaultError<RemoteFault>(
    { code: 'ACTION_BROKEN', peer },
    `${peer} did not answer as the protocol has it`,
  )

async function ask(
  { streams }: RemoteActionDeps,
  peer: PeerId,
  signal: AbortSignal,
  request: (hello: z.infer<typeof helloSchema>) => z.infer<typeof requestSchema>,
): Promise<Reply> {
  const stream: Stream = await streams.open(peer, ACTION_PROTOCOL, signal)
  const frames = createMessageFrames(stream, { maxFrameBytes: MAX_FRAME_BYTES })
  try {
    const first = await frames.read(signal)
    const hello = first && decodeStrict(helloSchema, first, MAX_FRAME_BYTES)
    if (hello === undefined) throw broken(peer)
    await frames.write(encodeStrict(request(hello)), signal)
    const answer = await frames.read(signal)
    const reply = answer && decodeStrict<Reply>(replySchema, answer, MAX_FRAME_BYTES)
    if (reply === undefined) throw broken(peer)
    await frames.end(signal)
    if (reply.kind === 'refused') {
      throw new FaultError<RemoteFault>(
        { code: 'ACTION_REFUSED', peer, why: reply.why },
        `${peer} refused: ${reply.why}`,
      )
    }
    return reply
  } catch (error) {
    frames.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

interface Serving {
  readonly epoch: number
  readonly done: DoneOrders
}

async function serve(
  deps: RemoteActionDeps,
  { epoch, done }: Serving,
  frames: MessageFrames,
  from: PeerId,
  signal: AbortSignal,
): Promise<void> {
  const nonce = deps.random.bytes(NONCE_BYTES)
  await frames.write(encodeStrict({ epoch, nonce }), signal)
  const bytes = await withTimeout(deps.clock, HELLO_MS, 'an order', (limit) => frames.read(limit), signal)
  const request = bytes && decodeStrict(requestSchema, bytes, MAX_FRAME_BYTES)
  const answer = async (reply: Reply): Promise<void> => {
    await frames.write(encodeStrict(reply), signal)
    await frames.end(signal)
  }
  if (request === undefined) return answer({ kind: 'refused', why: 'the request is malformed' })
  if (request.kind === 'measure') {
    return answer({ kind: 'measured', ways: [...(await deps.measure(request.peers, signal))] })
  }
  const order = readOrder(deps, { epoch, nonce, from }, request.order)
  if (typeof order === 'string') return answer({ kind: 'refused', why: order })
  // Asked again because the answer was lost: what was done is told, and not done again.
  const known = done.get(order.key)
  if (known !== undefined) return answer({ kind: 'report', ...known })
  const keys = { clock: deps.clock, keyOf: (peer: PeerId) => keyOf(deps.membership, peer) }
  const why = deps.judge(from, order, provenApprovers(keys, from, order, order.votes))
  if (why !== undefined) return answer({ kind: 'refused', why })
  try {
    const report = await deps.perform(from, order, signal)
    done.put(order.key, report)
    await answer({ kind: 'report', changed: report.changed, text: report.text.slice(0, 1_000) })
  } catch (error) {
    await answer({ kind: 'refused', why: messageOf(error).slice(0, 500) })
  }
}

/** The order, or why it is none. */
function readOrder(
  { membership, clock }: RemoteActionDeps,
  here: { readonly epoch: number; readonly nonce: Uint8Array; readonly from: PeerId },
  bytes: Uint8Array,
): SignedOrder | string {
  const record = decodeRecord(ORDER, bytes)
  if (record === undefined) return 'the order is malformed'
  const { value } = record
  const signer = keyOf(membership, here.from)
  if (signer === undefined) return 'the sender is no member in good standing'
  if (!verifyRecord(ORDER, record, signer)) return 'the signature does not verify'
  if (value.meshId !== membership.meshId || value.target !== membership.self)
    return 'the order is for another node'
  if (value.epoch !== here.epoch) return 'the order is for an earlier life of this node'
  if (!Buffer.from(here.nonce).equals(value.nonce)) return 'the order was given on another occasion'
  const leftMs = value.expiresAt - clock.now()
  // The clocks of two members may differ by as much again.
  if (leftMs <= -MAX_LIFE_MS || leftMs > 2 * MAX_LIFE_MS) return 'the order is too old or lasts too long'
  return value
}

function keyOf(membership: RemoteActionDeps['membership'], peer: PeerId): HybridPublicKey | undefined {
  const certificate = membership.standing(peer) === 'member' ? membership.certificateOf(peer) : undefined
  const ed25519 = ed25519KeyOf(peer)
  return certificate === undefined || ed25519 === undefined
    ? undefined
    : { ed25519, mldsa: certificate.mldsaPublicKey }
}

interface DoneOrders {
  get(key: string): ActionReport | undefined
  put(key: string, report: ActionReport): void
}

const MAX_DONE = 512

/** What was done under which key, the last ones. */
function createDoneOrders(): DoneOrders {
  const reports = new Map<string, ActionReport>()
  return {
    get: (key) => reports.get(key),
    put(key, report) {
      reports.set(key, { changed: report.changed, text: report.text.slice(0, 1_000) })
      const [oldest] = reports.keys()
      if (oldest !== undefined && reports.size > MAX_DONE) reports.delete(oldest)
    },
  }
}
