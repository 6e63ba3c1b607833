import { streamPair } from '@libp2p/utils'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import { planOf, stepOf } from '../../../tests/helpers/plan-store.ts'
import {
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../../tests/helpers/security-world.ts'
import { type PeerId, parsePlanId } from '../../domain/ids.ts'
import { statementOf } from '../../domain/plan.ts'
import type { ActionOrder } from '../../mapek/execute/ports.ts'
import { createMessageFrames } from '../../mesh/host/message-frames.ts'
import type { PeerStreams } from '../../mesh/host/peer-streams.ts'
import { silentLogger } from '../../platform/logger.ts'
import { bytesOf, decodeStrict, encodeStrict } from '../../security/codec.ts'
import { signRemoteAction } from '../../security/remote-action.ts'
import { createRemoteActions, type RemoteActions, signOrder } from './remote-actions.ts'
import { type CarriedVote, carriedVotes, checkShown, keepForeignVote, proveOwnVote } from './vote-proofs.ts'

const MAX_FRAME = 64 * 1024
const helloSchema = z.strictObject({ epoch: z.number(), nonce: bytesOf(16) })
const replySchema = z.looseObject({ kind: z.string(), why: z.string().optional() })
type Hello = z.infer<typeof helloSchema>

let world: SecurityWorld
let clock: ManualClock
let coordinator: TestNode
let target: TestNode
let anna: TestNode
let viewer: TestNode
let bad: TestNode
let served: RemoteActions[]
/** What the target has done, and by whose proven word. */
let performed: ActionOrder[]
let approvers: (readonly PeerId[])[]
let standings: Map<PeerId, 'member' | 'revoked'>

const idOf = ({ identity }: TestNode): PeerId => identity.peerId
const all = (): readonly TestNode[] => [coordinator, target, anna, viewer, bad]

beforeEach(() => {
  world = securityWorld()
  clock = createManualClock(NOW_MS + 1_000)
  ;[coordinator, target, anna, bad] = [world.member(), world.member(), world.member(), world.member()]
  viewer = world.member('viewer')
  served = []
  performed = []
  approvers = []
  standings = new Map()
})

afterEach(async () => {
  await Promise.all(served.map((one) => one.stop()))
})

const membershipOf = (node: TestNode) => ({
  self: idOf(node),
  meshId: world.meshId,
  standing: (peer: PeerId) => standings.get(peer) ?? 'member',
  certificateOf: (peer: PeerId) => all().find((one) => idOf(one) === peer)?.chain.leaf,
})

/** Serves actions as the target, or as another node, and says how to open a stream to it. */
async function serve(node: TestNode = target) {
  let handler: Parameters<PeerStreams['handle']>[1] = () => expect.fail('nobody serves')
  const streams = {
    ...{ peers: () => [], onConnect: () => () => {}, onDisconnect: () => () => {} },
    open: () => Promise.reject(new Error('it only serves')),
    async handle(_protocol: string, serves: typeof handler) {
      handler = serves
    },
    async unhandle() {},
  }
  const remote = createRemoteActions({
    ...{ clock, random: world.random, logger: silentLogger, streams, key: node.identity.key },
    membership: membershipOf(node),
    async perform(_from, order) {
      performed.push(order)
      return { changed: true, text: 'done' }
    },
    measure: async () => [],
    judge(_from, _order, who) {
      approvers.push(who)
      return undefined
    },
  })
  await remote.start()
  served.push(remote)
  /** Says `order`, made for the hello of the target, over a stream that belongs to `from`. */
  return async (
    from: TestNode,
    order: (hello: Hello) => Uint8Array,
  ): Promise<z.infer<typeof replySchema>> => {
    const [near, far] = await streamPair()
    handler(far, idOf(from))
    const frames = createMessageFrames(near, { maxFrameBytes: MAX_FRAME })
    const hello = decodeStrict(helloSchema, (await frames.read()) ?? new Uint8Array(), MAX_FRAME)
    if (hello === undefined) return expect.fail('there was no hello')
    await frames.write(encodeStrict({ kind: 'act', order: order(hello) }))
    const reply = decodeStrict(replySchema, (await frames.read()) ?? new Uint8Array(), MAX_FRAME)
    frames.abort(new Error('done'))
    return reply ?? expect.fail('there was no answer')
  }
}

const quarantine = () =>
  stepOf({
    ...{ id: 'away', action: 'quarantine-peer', subject: { kind: 'node', peer: idOf(bad) } },
    ...{ target: idOf(target), args: { for: '1h' } },
  })
const plan = () => planOf({ steps: [quarantine()] })

const orderOf = (more: Partial<ActionOrder> = {}): ActionOrder => {
  const { id, incident } = plan()
  const { action, subject, args } = quarantine()
  return {
    ...{ plan: id, incident, step: 'away', action, subject, args, target: idOf(target), key: 'k' },
    ...{ isResumed: false, ...more },
  }
}

/** The vote of whoever sits at a node, as the plan keeps it. */
const voteOf = (node: TestNode, of = plan()): CarriedVote[] => {
  const proof = proveOwnVote({ clock, random: world.random }, node.identity, of, null)
  return carriedVotes([{ by: 'somebody', verdict: 'approve', at: clock.now(), comment: undefined, proof }])
}

const signed =
  (order = orderOf(), votes: readonly CarriedVote[] = [], by = coordinator) =>
  (hello: Hello): Uint8Array =>
    signOrder({ clock, key: by.identity.key, membership: membershipOf(by) }, hello, order, votes)

describe('orders of another member', () => {
  it('are done when they are for this node, now, and signed by who sends them', async () => {
    const say = await serve()
    expect(await say(coordinator, signed())).toMatchObject({ kind: 'report', text: 'done' })
    expect(performed).toMatchObject([{ action: 'quarantine-peer', args: { for: '1h' } }])
  })

  it('are told again and not done again when the answer was lost', async () => {
    const say = await serve()
    await say(coordinator, signed())
    expect(await say(coordinator, signed())).toMatchObject({ kind: 'report', text: 'done' })
    expect(performed).toHaveLength(1)
  })

  it.each<[string, RegExp, (say: Awaited<ReturnType<typeof serve>>) => ReturnType<typeof say>]>([
    [
      'signed by another key than the sender',
      /signature/,
      (say) => say(coordinator, signed(orderOf(), [], anna)),
    ],
    ['for another node', /another node/, (say) => say(coordinator, signed(orderOf({ target: idOf(anna) })))],
    [
      'of an earlier life of this node',
      /earlier life/,
      (say) => say(coordinator, (hello) => signed()({ ...hello, epoch: hello.epoch - 1 })),
    ],
    [
      'that is malformed',
      /malformed/,
      (say) => say(coordinator, (hello) => signed()(hello).map((byte, at) => (at === 0 ? byte ^ 1 : byte))),
    ],
    [
      'that was changed on its way',
      /signature|malformed/,
      (say) =>
        say(coordinator, (hello) =>
          signed()(hello).map((byte, at, { length }) => (at === length - 9 ? byte ^ 1 : byte)),
        ),
    ],
    [
      'whose time is up',
      /too old/,
      (say) =>
        say(coordinator, (hello) => {
          const bytes = signed()(hello)
          clock.setWall(clock.now() + 121_000)
          return bytes
        }),
    ],
    [
      'of a member that was revoked',
      /good standing/,
      (say) => {
        standings.set(idOf(coordinator), 'revoked')
        return say(coordinator, signed())
      },
    ],
  ])('are refused, and nothing is done, when it is one %s', async (_what, why, attack) => {
    const reply = await attack(await serve())
    expect(reply).toMatchObject({ kind: 'refused', why: expect.stringMatching(why) })
    expect(performed).toEqual([])
  })

  it('are good for one occasion', async () => {
    const say = await serve()
    let kept: Uint8Array | undefined
    await say(coordinator, (hello) => {
      kept = signed()(hello)
      return kept
    })
    const reply = await say(coordinator, () => kept ?? expect.fail('nothing was kept'))
    expect(reply).toMatchObject({ kind: 'refused', why: expect.stringMatching(/another occasion/) })
    expect(performed).toHaveLength(1)
  })
})

describe('the approval that an order carries', () => {
  const approversOf = async (order: ActionOrder, votes: readonly CarriedVote[]) => {
    const say = await serve()
    await say(coordinator, signed(order, votes))
    return approvers.at(-1)
  }

  it('counts by the signature of the approver, once for each certificate', async () => {
    expect(await approversOf(orderOf(), voteOf(coordinator))).toEqual([idOf(coordinator)])
    const twice = [...voteOf(coordinator), ...voteOf(coordinator)]
    expect(await approversOf(orderOf({ key: 'other' }), twice)).toEqual([idOf(coordinator)])
  })

  it('counts for a person at another node, by the call that this person signed', async () => {
    const of = plan()
    const steps = of.steps.map(statementOf)
    const call = (target: TestNode, operation = 'plans.approve'): Uint8Array =>
      signRemoteAction({ clock, random: world.random }, anna.identity, {
        ...{ target: idOf(target), epoch: world.random.bytes(16), operation },
        input: { id: of.id, comment: 'seen', steps },
      })
    const votes = (action: Uint8Array, shown: readonly string[] | undefined = steps): CarriedVote[] => {
      const proof = keepForeignVote({ approver: idOf(anna), action, steps: shown })
      const vote = { by: 'anna', verdict: 'approve', at: clock.now(), comment: 'seen' } as const
      return carriedVotes([proof === undefined ? vote : { ...vote, proof }])
    }
    expect(await approversOf(orderOf(), votes(call(coordinator)))).toEqual([idOf(anna)])
    expect(await approversOf(orderOf({ key: 'b' }), votes(call(target)))).toEqual([])
    expect(await approversOf(orderOf({ key: 'c' }), votes(call(coordinator, 'plans.reject')))).toEqual([])
    // A yes that does not say what for is one for the node that made the plan, and nothing to show to others.
    expect(
      keepForeignVote({ approver: idOf(anna), action: call(coordinator), steps: undefined }),
    ).toBeUndefined()
  })

  it('is not taken when the person was shown another plan', () => {
    const steps = plan().steps.map(statementOf)
    expect(() => checkShown(plan(), steps)).not.toThrow()
    for (const shown of [[], [...steps, ...steps], steps.map((step) => step.replace('1h', '24h'))])
      expect(() => checkShown(plan(), shown)).toThrow(expect.objectContaining({ code: 'PLAN_CHANGED' }))
  })

  it('counts for nothing that the person was not shown', async () => {
    const votes = voteOf(coordinator)
    for (const [at, other] of [
      { subject: { kind: 'node', peer: idOf(anna) } } as const,
      { args: { for: '24h' } },
      { action: 'release-peer' } as const,
      { plan: parsePlanId(`plan-${'2'.repeat(16)}`) ?? expect.fail('no plan id') },
    ].entries())
      expect(await approversOf(orderOf({ ...other, key: `k${at}` }), votes)).toEqual([])
  })

  it('counts for nothing when it was given to another node, or in the name of somebody else', async () => {
    expect(await approversOf(orderOf(), voteOf(anna))).toEqual([])
    const [own] = voteOf(coordinator)
    if (own === undefined) return expect.fail('there is a vote')
    expect(await approversOf(orderOf({ key: 'b' }), [{ ...own, approver: idOf(anna) }])).toEqual([])
    expect(await approversOf(orderOf({ key: 'c' }), [{ ...own, comment: 'something else' }])).toEqual([])
    const padded = { ...own, steps: [...own.steps, 'quarantine-peer of everybody'] }
    expect(await approversOf(orderOf({ key: 'd' }), [padded])).toEqual([])
  })

  it('counts for nothing once it is stale, or its giver is no member any more', async () => {
    const votes = voteOf(coordinator)
    clock.advance(31 * 60_000)
    expect(await approversOf(orderOf(), votes)).toEqual([])
    const fresh = voteOf(coordinator)
    standings.set(idOf(anna), 'revoked')
    const [own] = fresh
    if (own === undefined) return expect.fail('there is a vote')
    expect(await approversOf(orderOf({ key: 'b' }), [{ ...own, approver: idOf(anna) }])).toEqual([])
  })
})
