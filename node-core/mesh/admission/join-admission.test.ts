import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import { NOW_MS, type SecurityWorld, securityWorld } from '../../../tests/helpers/security-world.ts'
import {
  end,
  exchange,
  startTestMember,
  TEST_SUITES,
  type TestMember,
} from '../../../tests/helpers/test-members.ts'
import type { JoinId, NodeName } from '../../domain/ids.ts'
import type { Admission } from '../../noise-hfs/admission-port.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import { decodeToken, deriveInviteKey, type Invite } from '../../security/invite.ts'
import { issueCertificate } from '../../security/issue.ts'
import { signJoinRequest } from '../../security/join-request.ts'
import type { InviteInput } from '../membership/invite-desk.ts'
import { createJoinAdmission, type JoinAnswer } from './join-admission.ts'
import { decodeResponderMessage, encodeResponderMessage } from './messages.ts'
import { RESPONDER_CONTEXT, transcriptBytes } from './transcript.ts'

const HOUR_MS = 3_600_000

function readToken(token: string): Invite {
  const reading = decodeToken(token)
  if (reading.kind !== 'invite') throw new Error(`the token of the test is ${reading.kind}`)
  return reading.invite
}

describe('joining inside the handshake', () => {
  let world: SecurityWorld
  let clock: ManualClock
  let founder: TestMember

  beforeEach(async () => {
    world = securityWorld()
    clock = createManualClock(NOW_MS + 1_000)
    founder = await startTestMember(world, world.founder, { clock, holdsAuthority: true, meshName: 'home' })
  })

  const invite = (over: Partial<InviteInput> = {}): string =>
    founder.membership.createInvite({ role: 'operator', expiresInMs: HOUR_MS, addresses: [], ...over }).token

  interface Joiner {
    readonly identity: NodeIdentity
    readonly admission: Admission
    readonly answers: JoinAnswer[]
  }
  function joiner(token: string, name = 'laptop', identity = world.identity(), now = clock): Joiner {
    const content = readToken(token)
    const key = deriveInviteKey(content.secret)
    const request = signJoinRequest(content, key, {
      peerId: identity.peerId,
      key: identity.key,
      name: name as NodeName,
    })
    const answers: JoinAnswer[] = []
    const onAnswer = (answer: JoinAnswer): void => void answers.push(answer)
    const nowMs = (): number => now.now()
    return {
      identity,
      answers,
      admission: createJoinAdmission({ identity, invite: content, request, nowMs, onAnswer }),
    }
  }
  const ask = async (who: Joiner, at: TestMember = founder): Promise<JoinAnswer> => {
    await exchange({ admission: who.admission, peer: who.identity.peerId }, end(at))
    const answer = who.answers.at(-1)
    if (answer === undefined) throw new Error('nothing was answered')
    return answer
  }

  it('gives a certificate for the keys, the name and the role asked for, and ends the connection', async () => {
    const who = joiner(invite({ labels: ['gpu'], transit: false }))
    const { judgement, verdict } = await exchange(
      { admission: who.admission, peer: who.identity.peerId },
      end(founder),
    )
    expect([judgement.kind, verdict.kind]).toEqual(['end', 'end'])
    const [answer] = who.answers
    expect(answer).toMatchObject({
      kind: 'joined',
      meshName: 'home',
      authority: world.authority.key.publicKey,
      chain: {
        leaf: {
          peerId: who.identity.peerId,
          ...{
            name: 'laptop',
            role: 'operator',
            labels: ['gpu'],
            transit: false,
            issuing: false,
            generation: 1,
          },
          issuer: founder.identity.peerId,
        },
        issuer: { peerId: founder.identity.peerId },
      },
    })
    expect(founder.membership.standing(who.identity.peerId)).toBe('member')
  })

  it('gives the same certificate to the same keys however often they ask', async () => {
    const token = invite()
    const who = joiner(token)
    const first = await ask(who)
    clock.advance(1_000)
    const again = await ask(joiner(token, 'another-name', who.identity))
    expect(first.kind === 'joined' && again.kind === 'joined' && first.chain.hash === again.chain.hash).toBe(
      true,
    )
    clock.advance(2 * HOUR_MS)
    expect(await ask(who)).toMatchObject({ kind: 'joined' })
  })

  it('refuses a stolen token that was used, proves who says so, and counts it', async () => {
    const token = invite()
    await ask(joiner(token))
    expect(await ask(joiner(token, 'thief'))).toMatchObject({
      kind: 'refused',
      code: 'invite-used',
      proven: true,
    })
    expect(founder.refusals).toMatchObject([{ code: 'invite-used' }])
    expect(founder.membership.counters()).toMatchObject({ 'refused.invite-used': 1 })
  })

  it('lets exactly one of two win who redeem one token at the same time', async () => {
    const token = invite()
    const many = await Promise.all(
      Array.from({ length: 8 }, (_, index) => ask(joiner(token, `node${index}`))),
    )
    expect(many.filter((answer) => answer.kind === 'joined')).toHaveLength(1)
    expect(many.filter((answer) => answer.kind === 'refused' && answer.code === 'invite-used')).toHaveLength(
      7,
    )
    expect(founder.membership.members()).toHaveLength(2)
  })

  it('leaves it to the store who of two was first, whatever was read before', async () => {
    const token = invite()
    await ask(joiner(token))
    const { store } = founder
    await founder.membership.stop()
    // Reads as it was a moment ago, as two requests do that overtake each other.
    const get: typeof store.invites.get = (id) => {
      const row = store.invites.get(id)
      if (row === undefined) return undefined
      const { use: _use, chain: _chain, ...unused } = row
      return { ...unused, use: undefined, chain: undefined }
    }
    const late = { ...store, invites: { ...store.invites, get } }
    const again = await startTestMember(world, world.founder, { clock, holdsAuthority: true, store: late })
    const second = joiner(token, 'second')
    expect(await ask(second, again)).toMatchObject({ kind: 'refused', code: 'invite-used', proven: true })
    expect(again.membership.standing(second.identity.peerId)).toBe('unknown')
  })

  it('refuses an expired token', async () => {
    const who = joiner(invite())
    clock.advance(HOUR_MS)
    expect(await ask(who)).toMatchObject({ kind: 'refused', code: 'invite-expired', proven: true })
  })

  it('refuses a token that was withdrawn, without saying who it is', async () => {
    const who = joiner(invite())
    const [row] = founder.membership.invites()
    if (row !== undefined) founder.membership.withdrawInvite(row.id)
    expect(await ask(who)).toMatchObject({ kind: 'refused', code: 'unknown-invite', proven: false })
  })

  it('refuses a request of a node that does not hold the token', async () => {
    const content = readToken(invite())
    const identity = world.identity()
    const wrongKey = deriveInviteKey(new Uint8Array(32).fill(7))
    const node = { peerId: identity.peerId, key: identity.key, name: 'x' as NodeName }
    const request = signJoinRequest(content, wrongKey, node)
    const answers: JoinAnswer[] = []
    const onAnswer = (answer: JoinAnswer): void => void answers.push(answer)
    const admission = createJoinAdmission({ identity, invite: content, request, nowMs: clock.now, onAnswer })
    await exchange({ admission, peer: identity.peerId }, end(founder))
    expect(answers).toMatchObject([{ kind: 'refused', code: 'request-altered', proven: false }])
  })

  it('refuses a request that somebody else brings as its own', async () => {
    const who = joiner(invite())
    await exchange({ admission: who.admission, peer: alicePeer() }, end(founder))
    expect(who.answers).toMatchObject([{ kind: 'refused', code: 'wrong-peer' }])
    expect(founder.membership.members()).toHaveLength(1)
  })
  const alicePeer = () => world.identity().peerId

  it('refuses a request with any byte changed on its way', async () => {
    const token = invite()
    const who = joiner(token)
    const proof = await who.admission.prove(
      {
        remotePeer: founder.identity.peerId,
        selectedSuite: 'x',
        localSuites: ['x'],
        initiatorHash: new Uint8Array(32),
        remoteAddress: '',
      },
      new AbortController().signal,
    )
    for (let at = 0; at < proof.length; at += 97) {
      const changed = (bytes: Uint8Array): Uint8Array => {
        const copy = Uint8Array.from(bytes)
        copy[at] = (copy[at] ?? 0) ^ 0x20
        return copy
      }
      const { judgement } = await exchange(
        { admission: who.admission, peer: who.identity.peerId },
        end(founder),
        { proof: changed },
      )
      expect(judgement.kind).toBe('refuse')
    }
    expect(founder.membership.invites()[0]?.use).toBeUndefined()
  })

  it('refuses a name that another member has, and the invite stays good', async () => {
    await ask(joiner(invite(), 'printer'))
    const token = invite()
    const identity = world.identity()
    expect(await ask(joiner(token, 'printer', identity))).toMatchObject({
      kind: 'refused',
      code: 'name-taken',
    })
    expect(await ask(joiner(token, 'scanner', identity))).toMatchObject({ kind: 'joined' })
  })

  it('does not let a revoked node come back with a new invite', async () => {
    const who = joiner(invite())
    await ask(who)
    founder.membership.revoke(who.identity.peerId)
    expect(await ask(who)).toMatchObject({ kind: 'refused', code: 'revoked' })
    expect(await ask(joiner(invite(), 'new-name', who.identity))).toMatchObject({ code: 'revoked' })
  })

  it('issues nothing while the clock is behind a time it has seen, and the invite stays good', async () => {
    const who = joiner(invite())
    clock.setWall(NOW_MS - 3 * HOUR_MS)
    expect(await ask(who)).toMatchObject({ kind: 'refused', code: 'clock-behind' })
    expect(() => invite()).toThrow(/clock/)
    clock.setWall(NOW_MS + 60_000)
    expect(await ask(who)).toMatchObject({ kind: 'joined' })
  })

  describe('with an operator who approves', () => {
    it('waits, and is let in after the approval', async () => {
      const who = joiner(invite({ needsApproval: true }))
      const first = await ask(who)
      expect(first).toMatchObject({ kind: 'pending', joinId: expect.stringMatching(/^join-[0-9a-f]{16}$/) })
      expect(await ask(who)).toEqual(first)
      expect(founder.membership.standing(who.identity.peerId)).toBe('unknown')
      const [pending] = founder.membership.pendingJoins()
      expect(pending).toMatchObject({ peer: who.identity.peerId, name: 'laptop', role: 'operator' })
      if (pending !== undefined) founder.membership.approve(pending.id)
      expect(founder.membership.pendingJoins()).toEqual([])
      expect(await ask(who)).toMatchObject({ kind: 'joined' })
    })

    it('is refused for good after a rejection', async () => {
      const who = joiner(invite({ needsApproval: true }))
      await ask(who)
      const [pending] = founder.membership.pendingJoins()
      if (pending === undefined) throw new Error('nothing is pending')
      founder.membership.reject(pending.id)
      expect(await ask(who)).toMatchObject({ kind: 'refused', code: 'join-rejected', proven: true })
      expect(() => founder.membership.approve(pending.id)).toThrow(/rejected/)
    })

    it('is denied when nobody decides in time', async () => {
      const who = joiner(invite({ needsApproval: true, expiresInMs: 48 * HOUR_MS }))
      await ask(who)
      const [pending] = founder.membership.pendingJoins()
      if (pending === undefined) throw new Error('nothing is pending')
      clock.advance(24 * HOUR_MS + 60_000)
      expect(founder.store.joins.get(pending.id)?.state).toBe('expired')
      expect(() => founder.membership.approve(pending.id)).toThrow(/expired/)
      expect(await ask(who)).toMatchObject({ kind: 'refused', code: 'join-expired' })
    })

    it('still waits after the issuer restarted, and goes to the first who asked', async () => {
      const token = invite({ needsApproval: true })
      const who = joiner(token)
      const first = await ask(who)
      await founder.membership.stop()
      const again = await startTestMember(world, world.founder, {
        clock,
        holdsAuthority: true,
        store: founder.store,
      })
      expect(await ask(who, again)).toEqual(first)
      expect(await ask(joiner(token, 'thief'), again)).toMatchObject({ code: 'invite-used' })
      if (first.kind === 'pending') again.membership.approve(first.joinId)
      expect(await ask(who, again)).toMatchObject({ kind: 'joined' })
    })
  })

  describe('as the joiner judges it', () => {
    it('believes no certificate of another mesh', async () => {
      const other = securityWorld(2)
      const liar = await startTestMember(other, other.founder, { clock, holdsAuthority: true })
      const token = invite()
      const who = joiner(token)
      const theirs = other.member('operator').chain
      const reply = (): Uint8Array =>
        encodeResponderMessage({
          kind: 'joined',
          chain: theirs.bytes,
          authority: other.authority.key.publicKey,
          meshName: '',
        })
      await exchange({ admission: who.admission, peer: who.identity.peerId }, end(liar), { reply })
      expect(who.answers).toMatchObject([{ kind: 'refused', code: 'wrong-mesh', proven: false }])
    })

    it('believes no certificate for another node, nor one from another issuer than the invite names', async () => {
      const who = joiner(invite())
      const answerWith = async (chain: { bytes: Uint8Array }): Promise<JoinAnswer | undefined> => {
        const authority = world.authority.key.publicKey
        const reply = encodeResponderMessage({ kind: 'joined', chain: chain.bytes, authority, meshName: '' })
        await exchange({ admission: who.admission, peer: who.identity.peerId }, end(founder), {
          reply: () => reply,
        })
        return who.answers.at(-1)
      }
      expect(await answerWith(world.member().chain)).toMatchObject({ code: 'wrong-peer' })
      const { peerId, key } = who.identity
      const byAdmin = world.member('viewer', world.admin, { peerId, mldsaPublicKey: key.publicKey.mldsa })
      expect(await answerWith(byAdmin.chain)).toMatchObject({ code: 'forged' })
    })

    it('believes a refusal only from a member', async () => {
      const token = invite()
      await ask(joiner(token))
      const thief = joiner(token, 'thief')
      const strip = (bytes: Uint8Array): Uint8Array => {
        const message = decodeResponderMessage(bytes)
        if (message?.kind !== 'refused') throw new Error('it was not refused')
        return encodeResponderMessage({ kind: 'refused', code: message.code, reason: message.reason })
      }
      await exchange({ admission: thief.admission, peer: thief.identity.peerId }, end(founder), {
        reply: strip,
      })
      expect(thief.answers).toMatchObject([{ code: 'invite-used', proven: false }])
      await exchange({ admission: thief.admission, peer: thief.identity.peerId }, end(founder), {
        finalHash: 7,
      })
      expect(thief.answers.at(-1)).toMatchObject({ code: 'invite-used', proven: false })
    })

    it('believes a pending answer only from a member', async () => {
      const who = joiner(invite({ needsApproval: true }))
      await exchange({ admission: who.admission, peer: who.identity.peerId }, end(founder), { finalHash: 7 })
      expect(who.answers).toMatchObject([{ kind: 'refused', code: 'bad-signature' }])
    })

    it('believes no proof of a member that is not the one it is connected to', async () => {
      const who = joiner(invite({ needsApproval: true }))
      const other = await startTestMember(world, world.member(), { clock })
      // The other member signs for this very connection: it would have to be in league with whoever answers.
      const inLeague = { admission: founder.admission, peer: other.identity.peerId }
      await exchange({ admission: who.admission, peer: who.identity.peerId }, inLeague)
      expect(who.answers).toMatchObject([{ kind: 'refused', code: 'wrong-peer', proven: false }])
    })

    it('believes no answer of whoever made up an authority of his own', async () => {
      const who = joiner(invite({ needsApproval: true }))
      const other = securityWorld(2)
      const liar = other.identity()
      const issuer = { kind: 'authority', key: other.authority.key } as const
      const chain = issueCertificate(other, issuer, other.grant(liar, { meshId: world.meshId }))
      const signed = transcriptBytes({
        ...{ meshId: world.meshId, handshakeHash: new Uint8Array(32).fill(2), chainHash: chain.hash },
        ...{ offered: TEST_SUITES, supported: TEST_SUITES, selected: TEST_SUITES[0] },
      })
      const proof = {
        authority: other.authority.key.publicKey,
        chain: chain.bytes,
        signature: await liar.key.signMldsa(RESPONDER_CONTEXT, signed),
        supported: TEST_SUITES,
      }
      const reply = encodeResponderMessage({
        kind: 'pending',
        joinId: 'join-0123456789abcdef' as JoinId,
        proof,
      })
      const at = { admission: founder.admission, peer: liar.peerId }
      await exchange({ admission: who.admission, peer: who.identity.peerId }, at, { reply: () => reply })
      expect(who.answers).toMatchObject([{ kind: 'refused', code: 'wrong-mesh', proven: false }])
    })

    it('lets nobody in itself', async () => {
      const who = joiner(invite())
      const { judgement } = await exchange(end(founder), {
        admission: who.admission,
        peer: who.identity.peerId,
      })
      expect(judgement).toMatchObject({ kind: 'refuse', code: 'not-a-join' })
      expect(judgement.reply).toHaveLength(0)
    })
  })
})
