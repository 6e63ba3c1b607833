import { describe, expect, it } from 'vitest'
import { securityWorld, seededRandom } from '../../tests/helpers/security-world.ts'
import { deriveTicket, proveTicket, type TicketSource, verifyTicket, wipeTicket } from './ticket.ts'

const { bytes } = seededRandom(5)
const world = securityWorld(5)
const [alice, bob, eve] = [world.member(), world.member(), world.member()].map(({ identity, chain }) => ({
  peer: identity.peerId,
  chainHash: chain.hash,
}))
if (alice === undefined || bob === undefined || eve === undefined) throw new Error('three members')

const source: TicketSource = {
  secret: bytes(32),
  previous: undefined,
  meshId: world.meshId,
  handshakeHash: bytes(32),
  initiator: alice,
  responder: bob,
}
const ticket = deriveTicket(source)
const message = bytes(300)

describe('a ticket', () => {
  it('is the same at both ends of one handshake, and its name tells nothing of its keys', () => {
    const again = deriveTicket({ ...source, secret: Uint8Array.from(source.secret) })
    expect(again).toEqual(ticket)
    expect(ticket.id).toMatch(/^[0-9a-f]{32}$/)
    expect(
      new Set([ticket.id, hex(ticket.proofKey).slice(0, 32), hex(ticket.ratchetKey).slice(0, 32)]).size,
    ).toBe(3)
  })

  it.each<[string, Partial<TicketSource>]>([
    ['secret', { secret: bytes(32) }],
    ['ticket before', { previous: ticket }],
    ['mesh', { meshId: securityWorld(6).meshId }],
    ['handshake', { handshakeHash: bytes(32) }],
    ['initiator', { initiator: eve }],
    ['responder', { responder: eve }],
    ['roles', { initiator: bob, responder: alice }],
    ["initiator's certificate", { initiator: { ...alice, chainHash: eve.chainHash } }],
    ["responder's certificate", { responder: { ...bob, chainHash: eve.chainHash } }],
  ])('is another one for another %s', (_what, change) => {
    const other = deriveTicket({ ...source, ...change })
    expect(other.id).not.toBe(ticket.id)
    expect(hex(other.proofKey)).not.toBe(hex(ticket.proofKey))
    expect(hex(other.ratchetKey)).not.toBe(hex(ticket.ratchetKey))
  })

  it('proves one message in one role', () => {
    const proof = proveTicket(ticket, 'one', message)
    expect(verifyTicket(ticket, 'one', message, proof)).toBe(true)
    expect(verifyTicket(ticket, 'two', message, proof)).toBe(false)
    expect(verifyTicket(ticket, 'one', message.subarray(1), proof)).toBe(false)
    expect(verifyTicket(deriveTicket({ ...source, previous: ticket }), 'one', message, proof)).toBe(false)
    for (let at = 0; at < proof.length; at++) {
      const changed = Uint8Array.from(proof)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(verifyTicket(ticket, 'one', message, changed)).toBe(false)
    }
    for (const wrong of [proof.subarray(1), new Uint8Array(0), Buffer.concat([proof, proof])])
      expect(verifyTicket(ticket, 'one', message, wrong)).toBe(false)
  })

  it('is gone once it is wiped', () => {
    const mine = deriveTicket(source)
    wipeTicket(mine)
    expect([hex(mine.proofKey), hex(mine.ratchetKey)]).toEqual(['00'.repeat(32), '00'.repeat(32)])
  })
})

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')
