import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import {
  DAY_MS,
  NOW_MS,
  type SecurityWorld,
  securityWorld,
  type TestNode,
} from '../../../tests/helpers/security-world.ts'
import {
  end,
  exchange,
  startTestMember,
  type Tampering,
  TEST_SUITES,
  type TestMember,
} from '../../../tests/helpers/test-members.ts'
import type { Admission } from '../../noise-hfs/admission-port.ts'
import { MAX_PROOF_BYTES } from '../../noise-hfs/admission-port.ts'
import { CERTIFICATE, certificateOf } from '../../security/certificate.ts'
import { type CertificateChain, makeChain } from '../../security/chain.ts'
import { issueCertificate } from '../../security/issue.ts'
import { signRevocation } from '../../security/revocation.ts'
import { signRecord } from '../../security/signed-record.ts'
import type { RefusalCode } from '../membership/events.ts'
import { createMemberAdmission } from './member-admission.ts'
import {
  decodeInitiatorMessage,
  decodeResponderMessage,
  encodeInitiatorMessage,
  encodeResponderMessage,
  type InitiatorMessage,
} from './messages.ts'

const [AES, CHACHA] = TEST_SUITES
const carry = async () => ({ kind: 'refused', code: 'busy', genuine: false }) as const

describe('admission between members', () => {
  let world: SecurityWorld
  let clock: ManualClock
  let alice: TestMember
  let bob: TestMember

  beforeEach(async () => {
    world = securityWorld()
    clock = createManualClock(NOW_MS + 1_000)
    alice = await startTestMember(world, world.member(), { clock })
    bob = await startTestMember(world, world.member(), { clock })
  })

  /** The responder said no, for this reason, as an event and as a counter, and showed nothing of itself. */
  function expectRefused(
    { judgement, verdict }: Awaited<ReturnType<typeof exchange>>,
    code: RefusalCode,
    by: TestMember = bob,
  ): void {
    expect(judgement).toMatchObject({ kind: 'refuse', code })
    expect(verdict).toMatchObject({ kind: 'refused', code })
    expect(by.refusals).toMatchObject([{ code, remoteAddress: '/ip4/127.0.0.1/tcp/4001' }])
    expect(by.membership.counters()).toMatchObject({ [`refused.${code}`]: 1 })
    expect(decodeResponderMessage(judgement.reply)).toEqual({
      kind: 'refused',
      code,
      reason: expect.any(String),
    })
  }

  /** An admission that shows this chain and signs with this node's key. */
  function showing(chain: CertificateChain, node: TestNode): Admission {
    const shown = { ...alice.membership, ownChain: () => chain }
    return {
      ...alice.admission,
      prove: async (binding, signal) => {
        const { tickets } = await startTestMember(world, node, { clock })
        const deps = { clock, identity: node.identity, membership: shown, tickets, carry }
        return createMemberAdmission(deps).prove(binding, signal)
      },
    }
  }
  const exchangeShowing = (chain: CertificateChain, node: TestNode, tampering?: Tampering) =>
    exchange({ admission: showing(chain, node), peer: node.identity.peerId }, end(bob), tampering)

  it('admits two members of one mesh to each other, and both then know the other', async () => {
    const { judgement, verdict } = await exchange(end(alice), end(bob))
    expect(judgement.kind).toBe('admit')
    expect(verdict).toEqual({ kind: 'admitted' })
    expect(bob.membership.standing(alice.identity.peerId)).toBe('member')
    expect(alice.membership.certificateOf(bob.identity.peerId)?.name).toBe(bob.chain.leaf.name)
    expect([alice.membership.counters()['admitted'], bob.membership.counters()['admitted']]).toEqual([1, 1])
    expect([...alice.refusals, ...bob.refusals]).toEqual([])
  })

  it('keeps C and D within their bounds, with the longest chain', async () => {
    const { judgement, proof } = await exchange(end(alice), end(bob))
    expect(proof.length).toBeLessThan(MAX_PROOF_BYTES)
    expect(judgement.reply.length).toBeLessThan(MAX_PROOF_BYTES)
  })

  it('verifies the certificates of a peer once, however often it reconnects', async () => {
    await exchange(end(alice), end(bob))
    const before = bob.membership.counters()['chains-verified']
    for (let times = 0; times < 5; times++) await exchange(end(alice), end(bob))
    expect(bob.membership.counters()['chains-verified']).toBe(before)
  })

  it('refuses a certificate that another key signed', async () => {
    const other = securityWorld(2)
    const node = world.identity()
    const grant = world.grant(node, {})
    const forged = issueCertificate(world, { kind: 'authority', key: other.authority.key }, grant)
    expectRefused(await exchangeShowing(forged, { identity: node, chain: forged }), 'forged')
  })

  it('admits an owner to a node that knows of it only what an admin made up and revoked', async () => {
    const owner = world.member('owner', 'authority')
    const { peerId, mldsaPublicKey } = owner.chain.leaf
    const madeUp = world.member('viewer', world.admin, { peerId, mldsaPublicKey })
    const signer = {
      meshId: world.meshId,
      issuer: world.admin.identity.peerId,
      key: world.admin.identity.key,
    }
    const entry = signRevocation(signer, undefined, { subject: peerId, reason: '', at: NOW_MS })
    const { replica } = bob.membership
    for (const chain of [world.admin.chain, madeUp.chain])
      replica.accept({ kind: 'certificate', bytes: chain.bytes })
    replica.accept({ kind: 'revocation', bytes: entry.bytes })
    expect(bob.membership.standing(peerId)).toBe('revoked')
    const { judgement } = await exchangeShowing(owner.chain, owner)
    expect(judgement.kind).toBe('admit')
    expect(bob.membership.standing(peerId)).toBe('member')
  })

  it('refuses a member of another mesh', async () => {
    const other = securityWorld(2)
    const stranger = other.member()
    expectRefused(await exchangeShowing(stranger.chain, stranger), 'wrong-mesh')
  })

  it('refuses a certificate of another PeerId than the one that connected', async () => {
    const thief = world.member()
    expectRefused(await exchangeShowing(alice.chain, thief), 'wrong-peer')
  })

  it('refuses whoever has the certificate and not its ML-DSA key', async () => {
    const thief = world.member()
    const admission = showing(alice.chain, thief)
    expectRefused(await exchange({ admission, peer: alice.identity.peerId }, end(bob)), 'bad-signature')
  })

  it('refuses a proof that was made for another handshake', async () => {
    expectRefused(await exchange(end(alice), end(bob), { responderHash: 9 }), 'bad-signature')
  })

  it('refuses an older generation than it has seen', async () => {
    const { identity } = alice
    const next = issueCertificate(
      world,
      { kind: 'node', key: world.founder.identity.key, chain: world.founder.chain },
      world.grant(identity, { name: alice.chain.leaf.name, generation: 2 }),
    )
    expect((await exchangeShowing(next, { identity, chain: next })).judgement.kind).toBe('admit')
    expectRefused(await exchange(end(alice), end(bob)), 'older-generation')
  })

  it('refuses an expired certificate', async () => {
    const old = world.member('operator', world.founder, { expiresAt: NOW_MS + 10_000 })
    clock.advance(20_000)
    expectRefused(await exchangeShowing(old.chain, old), 'expired')
  })

  it('refuses a certificate from the future', async () => {
    const early = world.member('operator', 'authority', { issuedAt: NOW_MS + DAY_MS })
    expectRefused(await exchangeShowing(early.chain, early), 'not-yet-valid')
  })

  it('refuses a revoked node', async () => {
    const founder = await startTestMember(world, world.founder, { clock, holdsAuthority: true })
    await exchange(end(alice), end(founder))
    founder.membership.revoke(alice.identity.peerId)
    expect(founder.expelled).toEqual([alice.identity.peerId])
    expectRefused(await exchange(end(alice), end(founder)), 'revoked', founder)
  })

  it('refuses an owner whom an admin has minted', async () => {
    const node = world.identity()
    const { leaf } = world.admin.chain
    const body = {
      ...world.member('operator', world.admin).chain.leaf.record.value,
      peerId: node.peerId,
      mldsaPublicKey: node.key.publicKey.mldsa,
      role: 'owner' as const,
    }
    const certificate = certificateOf(signRecord(CERTIFICATE, world.admin.identity.key, body))
    if (certificate === undefined) throw new Error('the certificate of the test has no key')
    const chain = makeChain(certificate, leaf)
    expectRefused(await exchangeShowing(chain, { identity: node, chain }), 'overreach')
  })

  it('refuses when the first suite that both offer was stripped from the negotiation', async () => {
    expectRefused(await exchange(end(alice), end(bob), { selected: CHACHA }), 'suite-downgrade')
  })

  it('admits over the second suite when one end has no other', async () => {
    const { verdict } = await exchange(end(alice), end(bob), { selected: CHACHA, supported: [CHACHA] })
    expect(verdict).toEqual({ kind: 'admitted' })
  })

  it('refuses an offer that was changed after it was signed', async () => {
    const strip = (bytes: Uint8Array): Uint8Array => {
      const message = decodeInitiatorMessage(bytes) as InitiatorMessage
      return encodeInitiatorMessage({ ...message, offered: [CHACHA] })
    }
    const result = await exchange(end(alice), end(bob), { selected: CHACHA, proof: strip })
    expectRefused(result, 'bad-signature')
  })

  it('does not believe a responder that hides what it supports', async () => {
    const { verdict } = await exchange(end(alice), end(bob), {
      selected: CHACHA,
      offered: [AES, CHACHA],
      supported: [CHACHA],
      reply: (bytes) => {
        const message = decodeResponderMessage(bytes)
        if (message?.kind !== 'member') throw new Error('the responder did not admit')
        return encodeResponderMessage({ ...message, supported: [AES, CHACHA] })
      },
    })
    expect(verdict).toMatchObject({ kind: 'refused', code: 'suite-downgrade' })
    expect(alice.refusals).toMatchObject([{ code: 'suite-downgrade' }])
  })

  it('does not believe a responder that is no member, nor keep its certificate', async () => {
    const other = securityWorld(2)
    const stranger = await startTestMember(other, other.member(), { clock })
    const lying: Admission = {
      ...stranger.admission,
      judge: async (binding) => {
        const membership = {
          ...stranger.membership,
          judgeChain: () => 'valid' as const,
          meshId: world.meshId,
        }
        const proof = await alice.admission.prove(binding, new AbortController().signal)
        const { identity, tickets } = stranger
        return createMemberAdmission({ clock, identity, membership, tickets, carry }).judge(
          binding,
          proof,
          new AbortController().signal,
        )
      },
    }
    const { verdict } = await exchange(end(alice), { admission: lying, peer: stranger.identity.peerId })
    expect(verdict).toMatchObject({ kind: 'refused', code: 'wrong-mesh' })
    expect(alice.membership.standing(stranger.identity.peerId)).toBe('unknown')
  })

  it('refuses a D that was made for another handshake', async () => {
    const carol = await startTestMember(world, world.member(), { clock })
    const first = await exchange(end(carol), end(bob), { finalHash: 9 })
    const replayed = await exchange(end(alice), end(bob), { reply: () => first.judgement.reply })
    expect(replayed.verdict).toMatchObject({ kind: 'refused', code: 'bad-signature' })
    const swapped = await exchange(end(alice), end(carol), { reply: () => first.judgement.reply })
    expect(swapped.verdict).toMatchObject({ kind: 'refused', code: 'wrong-peer' })
  })

  it('judges with what it knows by then: an expired responder is refused by the initiator', async () => {
    const brief = await startTestMember(
      world,
      world.member('operator', world.founder, { expiresAt: NOW_MS + 60_000 }),
      {
        clock,
      },
    )
    const { judgement } = await exchange(end(alice), end(brief))
    clock.advance(70_000)
    const { verdict } = await exchange(end(alice), {
      admission: { ...brief.admission, judge: async () => judgement },
      peer: brief.identity.peerId,
    })
    expect(verdict).toMatchObject({ kind: 'refused', code: 'expired' })
    const after = await exchange(end(alice), end(brief))
    expect(after.judgement).toMatchObject({ kind: 'refuse', code: 'no-certificate' })
  })

  it('shows a stranger nothing before its proof has verified', async () => {
    const own = Buffer.from(bob.chain.leaf.record.value.mldsaPublicKey).subarray(0, 64)
    const garbage = [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(MAX_PROOF_BYTES).fill(0xa1)]
    for (const bytes of garbage) {
      const { judgement } = await exchange(end(alice), end(bob), { proof: () => bytes })
      expect(judgement).toMatchObject({ kind: 'refuse', code: 'malformed' })
      expect(Buffer.from(judgement.reply).includes(own)).toBe(false)
    }
  })
})
