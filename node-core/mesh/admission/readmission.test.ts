import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import {
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../../tests/helpers/security-world.ts'
import {
  type Exchange,
  end,
  exchange,
  startTestMember,
  TEST_SUITES,
  type TestMember,
} from '../../../tests/helpers/test-members.ts'
import { issueCertificate } from '../../security/issue.ts'
import { decodeInitiatorMessage, decodeResponderMessage } from './messages.ts'
import { encodeTicketMessage } from './ticket-messages.ts'

const HOUR_MS = 3_600_000
const [AES, CHACHA] = TEST_SUITES

/** C and D, and E and F, by what they are. */
const kinds = ({ messages }: Exchange): (string | undefined)[] =>
  messages.map((bytes, at) =>
    at % 2 === 0 ? decodeInitiatorMessage(bytes)?.kind : decodeResponderMessage(bytes)?.kind,
  )
const FULL = ['member', 'member']
const BY_TICKET = ['ticket', 'readmitted']
const AFTER_ALL_FULL = ['ticket', 'again', 'member', 'member']

describe('a member that comes again', () => {
  let world: SecurityWorld
  let clock: ManualClock
  let alice: TestMember
  let bob: TestMember
  /** ML-DSA signatures that members of the test have made. */
  let signatures: number

  /** A member whose signatures are counted. */
  async function start(node: TestNode, options = {}): Promise<TestMember> {
    const { key } = node.identity
    const counting: typeof key = {
      ...key,
      signMldsa(context, message) {
        signatures += 1
        return key.signMldsa(context, message)
      },
    }
    const identity = { ...node.identity, key: counting }
    return await startTestMember(world, { ...node, identity }, { clock, ...options })
  }

  beforeEach(async () => {
    world = securityWorld()
    clock = createManualClock(NOW_MS + 1_000)
    signatures = 0
    alice = await start(world.member())
    bob = await start(world.member())
  })

  const meet = (tampering?: Parameters<typeof exchange>[2]): Promise<Exchange> =>
    exchange(end(alice), end(bob), tampering)
  const ticketIds = (of: TestMember, at: TestMember): string | undefined =>
    at.tickets.offer(of.identity.peerId)?.ticket.id
  const counted = ({ membership }: TestMember): unknown[] => {
    const { admitted = 0, readmitted = 0 } = membership.counters()
    return [admitted, readmitted]
  }

  it('is admitted in full once, and then without a signature or a certificate, from either end', async () => {
    expect(kinds(await meet())).toEqual(FULL)
    const made = signatures
    for (let times = 0; times < 3; times++) {
      const again = await meet()
      expect([kinds(again), again.verdict]).toEqual([BY_TICKET, { kind: 'admitted' }])
      expect(Math.max(...again.messages.map(({ length }) => length))).toBeLessThan(200)
    }
    expect(kinds(await exchange(end(bob), end(alice)))).toEqual(BY_TICKET)
    expect(signatures).toBe(made)
    expect([counted(alice), counted(bob)]).toEqual([
      [1, 4],
      [1, 4],
    ])
  })

  it('uses another secret each time, and one that was used twice ago is worth nothing', async () => {
    await meet()
    const stolen = alice.tickets.offer(bob.identity.peerId)
    if (stolen === undefined) throw new Error('a full admission leaves a ticket')
    const ids = [stolen.ticket.id]
    for (let times = 0; times < 2; times++) {
      await meet()
      ids.push(ticketIds(bob, alice) ?? 'none')
    }
    expect(new Set(ids).size).toBe(3)
    expect(ids.at(-1)).toBe(ticketIds(alice, bob))
    expect(bob.tickets.find(alice.identity.peerId, stolen.ticket.id)).toBeUndefined()
    expect(stolen.ticket.proofKey).toEqual(new Uint8Array(32))
  })

  it('is admitted in full in the same handshake when the other end has lost its secret, and by ticket after that', async () => {
    await meet()
    bob.tickets.forget(alice.identity.peerId)
    const restarted = await meet()
    expect([kinds(restarted), restarted.verdict]).toEqual([AFTER_ALL_FULL, { kind: 'admitted' }])
    alice.tickets.forget(bob.identity.peerId)
    expect(kinds(await meet())).toEqual(FULL)
    expect(kinds(await meet())).toEqual(BY_TICKET)
  })

  it('comes by ticket although the answer to its last ticket was lost', async () => {
    await meet()
    const lost = meet({
      reply: () => {
        throw new Error('the connection ends')
      },
    })
    await expect(lost).rejects.toThrow('the connection ends')
    expect(kinds(await meet())).toEqual(BY_TICKET)
  })

  it('comes by ticket when both ends dial at once and over many connections in parallel', async () => {
    await meet()
    const crossing = await Promise.all([meet(), exchange(end(bob), end(alice))])
    const parallel = await Promise.all(Array.from({ length: 3 }, () => meet()))
    for (const each of [...crossing, ...parallel]) {
      expect([kinds(each), each.verdict.kind]).toEqual([BY_TICKET, 'admitted'])
    }
    expect(kinds(await exchange(end(bob), end(alice)))).toEqual(BY_TICKET)
    expect(kinds(await meet())).toEqual(BY_TICKET)
  })

  it('is admitted in full again an hour after the last full admission, however often it came in between', async () => {
    await meet()
    clock.advance(HOUR_MS - 1_000)
    expect(kinds(await meet())).toEqual(BY_TICKET)
    clock.advance(1_000)
    expect(kinds(await meet())).toEqual(FULL)
  })

  it('gets no ticket beyond the end of a certificate', async () => {
    const brief = await start(world.member('operator', world.founder, { expiresAt: NOW_MS + 60_000 }))
    await exchange(end(brief), end(bob))
    const until = (at: TestMember, of: TestMember) => at.tickets.offer(of.identity.peerId)?.expiresAtMs
    expect([until(bob, brief), until(brief, bob)]).toEqual([59_000, 59_000])
    clock.advance(58_999)
    expect([alice, bob].map((each) => each.tickets.size())).toEqual([0, 1])
    clock.advance(1_000)
    expect([brief.tickets.size(), bob.tickets.size()]).toEqual([0, 0])
  })

  /** Gives a member a certificate of the next generation, here and there. */
  function renew(member: TestMember, ...at: TestMember[]): void {
    const issuer = { kind: 'node', key: world.founder.identity.key, chain: world.founder.chain } as const
    const { name } = member.chain.leaf
    const next = issueCertificate(world, issuer, world.grant(member.identity, { name, generation: 2 }))
    for (const { membership } of at) membership.keepChain(next)
  }

  it('is admitted in full with another certificate than the ticket was made for', async () => {
    await meet()
    renew(alice, alice)
    expect(kinds(await meet())).toEqual(FULL)
    renew(bob, bob)
    expect(kinds(await meet())).toEqual(AFTER_ALL_FULL)
    expect(kinds(await meet())).toEqual(BY_TICKET)
  })

  it('is refused with a certificate that a newer one has replaced since', async () => {
    await meet()
    renew(alice, bob)
    const { verdict, judgement } = await meet()
    expect([judgement, verdict]).toMatchObject([
      { kind: 'refuse', code: 'older-generation' },
      { kind: 'refused' },
    ])
  })

  it('is refused once it is revoked, and no ticket of it is left', async () => {
    const founder = await start(world.founder, { holdsAuthority: true })
    await exchange(end(alice), end(founder))
    const kept = founder.tickets.offer(alice.identity.peerId)
    if (kept === undefined) throw new Error('a full admission leaves a ticket')
    const copy = { ...kept, ticket: structuredClone(kept.ticket) }
    founder.membership.revoke(alice.identity.peerId)
    expect([founder.tickets.size(), kept.ticket.proofKey]).toEqual([0, new Uint8Array(32)])
    // Even a ticket that outlived the revocation would admit nobody.
    founder.tickets.add(alice.identity.peerId, copy)
    const { judgement, verdict } = await exchange(end(alice), end(founder))
    expect([judgement, verdict]).toMatchObject([
      { kind: 'refuse', code: 'revoked' },
      { kind: 'refused', code: 'revoked' },
    ])
  })

  it('does not admit whom it hears to be revoked while the answer is on its way, nor gives it a ticket', async () => {
    const founder = await start(world.founder, { holdsAuthority: true })
    await exchange(end(founder), end(bob))
    const revoke = (at: 'C' | 'D'): void => {
      if (at === 'D') founder.membership.revoke(bob.identity.peerId)
    }
    const byTicket = await exchange(end(founder), end(bob), { meanwhile: revoke })
    expect([kinds(byTicket), byTicket.verdict.kind]).toEqual([BY_TICKET, 'refused'])
    expect(founder.tickets.size()).toBe(0)
  })

  it('makes no ticket of a handshake that is over', async () => {
    const { signal } = new AbortController()
    const base = { selectedSuite: AES, localSuites: TEST_SUITES, remoteAddress: '/ip4/127.0.0.1/tcp/4001' }
    const binding = { ...base, initiatorHash: new Uint8Array(32), remotePeer: bob.identity.peerId }
    const proof = await alice.admission.prove(binding, signal)
    const over = { finalHash: new Uint8Array(32), exportSecret: () => undefined, attempt: 1 } as const
    const judgement = await bob.admission.judge(
      { ...binding, ...over, remotePeer: alice.identity.peerId },
      proof,
      signal,
    )
    expect([judgement.kind, bob.tickets.size()]).toEqual(['admit', 0])
  })

  describe('under attack', () => {
    beforeEach(async () => {
      await meet()
      signatures = 0
    })

    /** What a stranger gets for this C, and what it cost. */
    async function answerTo(proof: Uint8Array, from: TestNode = alice, attempt: 1 | 2 = 1) {
      const before = bob.membership.counters()['chains-verified']
      const judgement = await bob.admission.judge(
        {
          ...{ selectedSuite: AES, localSuites: TEST_SUITES, remoteAddress: '/ip4/192.0.2.1/tcp/1' },
          ...{ remotePeer: from.identity.peerId, exportSecret: () => new Uint8Array(32).fill(1), attempt },
          ...{ initiatorHash: new Uint8Array(32).fill(8), finalHash: new Uint8Array(32).fill(9) },
        },
        proof,
        new AbortController().signal,
      )
      expect([signatures, bob.membership.counters()['chains-verified']]).toEqual([0, before])
      return judgement
    }
    const forged = (ticket: string): Uint8Array =>
      encodeTicketMessage({
        kind: 'ticket',
        proof: new Uint8Array(32).fill(7),
        ...{ ticket, offered: TEST_SUITES, selected: AES },
      })

    it('says the same to a ticket that never was and to a wrong proof of a real one, and signs and keeps all', async () => {
      const real = ticketIds(alice, bob) ?? ''
      const answers = [await answerTo(forged('00'.repeat(16))), await answerTo(forged(real))]
      for (const answer of answers) {
        expect(answer).toEqual({ kind: 'again', reply: Uint8Array.of(3) })
      }
      expect(ticketIds(alice, bob)).toBe(real)
      expect(kinds(await meet())).toEqual(BY_TICKET)
    })

    it('signs nothing for a certificate that it does not hold before the proof of its key has verified', async () => {
      const unknown = await start(world.member())
      const wrongProof = (code: string, from: TestMember) =>
        expect(exchange(end(from), end(bob), { responderHash: 9 })).resolves.toMatchObject({
          judgement: { kind: 'refuse', code },
        })
      await wrongProof('bad-signature', unknown)
      expect(signatures).toBe(1)
      const known = await start(world.member())
      await exchange(end(known), end(bob))
      known.tickets.forget(bob.identity.peerId)
      signatures = 0
      // Its PeerId is proven and a member's: this one is worth a signature that may be for nothing.
      await wrongProof('bad-signature', known)
      expect(signatures).toBe(2)
    })

    it('lets nobody in by a second ticket, nor by garbage, after the first did not hold', async () => {
      expect(await answerTo(forged('00'.repeat(16)), alice, 2)).toMatchObject({
        kind: 'refuse',
        code: 'bad-ticket',
      })
      bob.tickets.forget(alice.identity.peerId)
      const { judgement, verdict } = await meet({ secondProof: () => Uint8Array.of(1, 2, 3) })
      expect([judgement, verdict]).toMatchObject([{ kind: 'refuse', code: 'malformed' }, { kind: 'refused' }])
    })

    it('takes no proof that was made for another handshake, in either direction', async () => {
      const recorded = await meet()
      expect(await answerTo(recorded.proof)).toMatchObject({ kind: 'again' })
      const replayed = await meet({ reply: () => recorded.messages[1] ?? recorded.proof })
      expect(replayed.verdict).toMatchObject({ kind: 'refused', by: 'local', code: 'bad-ticket' })
    })

    it('takes its own proof back from nobody', async () => {
      const { proof } = await meet()
      const mine = decodeInitiatorMessage(proof)
      if (mine?.kind !== 'ticket') throw new Error('it came by ticket')
      const reflected = await meet({
        reply: () => {
          const { ticket, offered: supported, selected } = mine
          return encodeTicketMessage({ kind: 'readmitted', ticket, proof: mine.proof, supported, selected })
        },
      })
      expect(reflected.verdict).toMatchObject({ kind: 'refused', code: 'bad-ticket' })
    })

    it('takes the ticket of one peer from no other', async () => {
      const eve = await start(world.member())
      await exchange(end(eve), end(bob))
      await exchange(end(alice), end(eve))
      signatures = 0
      const { proof } = await meet()
      expect(await answerTo(proof, eve)).toMatchObject({ kind: 'again' })
    })

    it.each(['ticket', 'proof', 'offered', 'selected'] as const)(
      'does not admit by a C whose %s was changed',
      async (what) => {
        const { judgement, messages } = await meet({
          proof: (bytes) => {
            const message = decodeInitiatorMessage(bytes)
            if (message?.kind !== 'ticket') throw new Error('it came by ticket')
            const changes = {
              ticket: 'ff'.repeat(16),
              proof: message.proof.map((byte) => byte ^ 1),
              offered: [AES],
              selected: CHACHA,
            }
            return encodeTicketMessage({ ...message, [what]: changes[what] })
          },
        })
        const first = decodeResponderMessage(messages[1] ?? new Uint8Array(0))?.kind
        expect(first).toBe(what === 'selected' ? 'refused' : 'again')
        // The honest end then shows more, not less.
        if (first === 'again') expect([judgement.kind, messages.length]).toEqual(['admit', 4])
      },
    )

    it.each(['ticket', 'proof', 'supported', 'selected'] as const)(
      'does not believe a D whose %s was changed, keeps its ticket, and shows everything next time',
      async (what) => {
        const { verdict } = await meet({
          reply: (bytes) => {
            const message = decodeResponderMessage(bytes)
            if (message?.kind !== 'readmitted') throw new Error('it came by ticket')
            const changes = {
              ticket: 'ff'.repeat(16),
              proof: message.proof.map((byte) => byte ^ 1),
              supported: [AES],
              selected: CHACHA,
            }
            return encodeTicketMessage({ ...message, [what]: changes[what] })
          },
        })
        const code = what === 'selected' ? 'suite-downgrade' : 'bad-ticket'
        expect(verdict).toMatchObject({ kind: 'refused', code })
        expect(alice.refusals).toMatchObject([{ code }])
        expect(kinds(await meet())).toEqual(FULL)
        expect(kinds(await meet())).toEqual(BY_TICKET)
      },
    )

    it('shows the full proof once more at most, whatever the responder asks for', async () => {
      bob.tickets.forget(alice.identity.peerId)
      const { verdict } = await meet({ secondReply: () => Uint8Array.of(3) })
      expect(verdict).toMatchObject({ kind: 'refused', code: 'malformed' })
    })

    it('refuses when the first suite that both offer was stripped from the negotiation', async () => {
      const { judgement } = await meet({ selected: CHACHA })
      expect(judgement).toMatchObject({ kind: 'refuse', code: 'suite-downgrade' })
    })
  })
})
