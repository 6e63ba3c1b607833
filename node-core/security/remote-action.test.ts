import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../../tests/helpers/manual-clock.ts'
import { systemRandom } from '../platform/random.ts'
import { generateSeeds } from './hybrid-key.ts'
import { createIdentity, ed25519KeyOf, type NodeIdentity } from './identity.ts'
import {
  ACTION_LIFE_MS,
  type ActionJudge,
  createActionJudge,
  EPOCH_BYTES,
  hashArguments,
  signRemoteAction,
} from './remote-action.ts'

let clock: ManualClock
let anna: NodeIdentity
let boris: NodeIdentity
let judge: ActionJudge
const epoch = systemRandom.bytes(EPOCH_BYTES)

beforeEach(() => {
  clock = createManualClock()
  anna = createIdentity(generateSeeds(systemRandom))
  boris = createIdentity(generateSeeds(systemRandom))
  const keyOf = (peer: string) => {
    const identity = [anna, boris].find(({ peerId }) => peerId === peer)
    return identity?.key.publicKey
  }
  judge = createActionJudge({ clock, keyOf }, { self: boris.peerId, epoch })
})

const INPUT = { name: 'web', target: '127.0.0.1:80' }
const sign = (more: Partial<Parameters<typeof signRemoteAction>[2]> = {}, by = anna) =>
  signRemoteAction({ clock, random: systemRandom }, by, {
    ...{ target: boris.peerId, epoch, operation: 'services.expose', input: INPUT },
    ...more,
  })
const verdict = (bytes: Uint8Array, more: Partial<Parameters<ActionJudge['judge']>[1]> = {}) =>
  judge.judge(bytes, { approver: anna.peerId, operation: 'services.expose', input: INPUT, ...more })

describe('a change that one member asks of another', () => {
  it('counts once, for this node, this run of it, this call and these arguments', () => {
    expect(ed25519KeyOf(anna.peerId)).toBeDefined()
    const action = sign()
    expect(verdict(action, { input: { target: INPUT.target, name: INPUT.name } })).toBe('valid')
    expect(verdict(action)).toBe('replayed')
    expect(verdict(sign({ target: anna.peerId }))).toBe('other-node')
    expect(verdict(sign({ epoch: systemRandom.bytes(EPOCH_BYTES) }))).toBe('other-node')
    expect(verdict(sign({ operation: 'node.down' }))).toBe('other-call')
    expect(verdict(sign(), { input: { ...INPUT, target: '127.0.0.1:22' } })).toBe('other-call')
    expect(verdict(sign(), { approver: boris.peerId })).toBe('other-call')
  })

  it('counts for a minute, and not for longer by a clock that is ahead', () => {
    const action = sign()
    clock.advance(ACTION_LIFE_MS)
    expect(verdict(action)).toBe('expired')
    const late = sign()
    clock.setWall(clock.now() - 10_000)
    expect(verdict(late)).toBe('expired')
  })

  it('counts only with the signature of its approver', () => {
    const stranger = createIdentity(generateSeeds(systemRandom))
    expect(verdict(sign({}, stranger), { approver: stranger.peerId })).toBe('forged')
    const action = sign()
    for (const at of [action.length - 1, action.length >> 1]) {
      const bent = Uint8Array.from(action)
      bent[at] = (bent[at] ?? 0) ^ 1
      expect(['forged', 'malformed']).toContain(verdict(bent))
    }
    expect(verdict(action)).toBe('valid')
  })

  it('is told apart from every other text, and never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => verdict(bytes) === 'malformed'))
  })

  it('has one hash for what is the same as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(hashArguments(JSON.parse(JSON.stringify(value)))).toBe(hashArguments(value))
      }),
    )
    expect(hashArguments({ a: 1, b: undefined })).toBe(hashArguments({ a: 1 }))
    expect(hashArguments({ a: 1 })).not.toBe(hashArguments({ a: 2 }))
  })
})
