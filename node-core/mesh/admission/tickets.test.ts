import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import { NOW_MS, securityWorld } from '../../../tests/helpers/security-world.ts'
import type { PeerId } from '../../domain/ids.ts'
import { createEmitter } from '../../platform/emitter.ts'
import type { MembershipEvents } from '../membership/events.ts'
import { createTickets, type HeldTicket, type Tickets } from './tickets.ts'

const HOUR_MS = 3_600_000
const world = securityWorld()
const peerChain = world.member().chain
const self = world.member().identity.peerId
const peer = peerChain.leaf.peerId
const strangers = (count: number): PeerId[] =>
  Array.from({ length: count }, (_, at) => `${peer}${at}` as PeerId)

describe('the tickets of a node', () => {
  let clock: ManualClock
  let tickets: Tickets
  const events = createEmitter<MembershipEvents>(() => {})
  let made: HeldTicket[]

  beforeEach(async () => {
    clock = createManualClock(NOW_MS)
    made = []
    tickets = createTickets({ clock, membership: { self, events } })
    await tickets.start()
  })

  function held(id: string, lifeMs = HOUR_MS): HeldTicket {
    const ticket = { id, proofKey: new Uint8Array(32).fill(1), ratchetKey: new Uint8Array(32).fill(2) }
    const fresh = { ticket, ownChainHash: 'own', peerChain, expiresAtMs: clock.monotonicMs() + lifeMs }
    made.push(fresh)
    return fresh
  }
  const add = (of: PeerId, id: string, lifeMs?: number): void => tickets.add(of, held(id, lifeMs))
  const isWiped = ({ ticket }: HeldTicket): boolean =>
    [...ticket.proofKey, ...ticket.ratchetKey].every((byte) => byte === 0)
  /** The names of those that are not wiped, each of which must still be held. */
  const alive = (): string[] => made.flatMap((one) => (isWiped(one) ? [] : [one.ticket.id]))

  it('shows the newest, and finds each by its peer and its name', () => {
    for (const id of ['a', 'b']) add(peer, id)
    expect(tickets.offer(peer)?.ticket.id).toBe('b')
    expect(tickets.find(peer, 'a')?.ticket.id).toBe('a')
    expect(tickets.find(self, 'a')).toBeUndefined()
    expect(tickets.find(peer, 'c')).toBeUndefined()
  })

  it('wipes those before one that was used, and not that one itself', () => {
    for (const id of ['a', 'b', 'c']) add(peer, id)
    tickets.retireBefore(peer, 'b')
    expect(alive()).toEqual(['b', 'c'])
    expect([tickets.find(peer, 'a'), tickets.size()]).toEqual([undefined, 2])
    tickets.retireBefore(peer, 'unknown')
    expect(tickets.size()).toBe(2)
  })

  it('keeps four of a peer and the peers of the latest 256, and wipes the others', () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) add(peer, id)
    expect(alive()).toEqual(['b', 'c', 'd', 'e'])
    for (const other of strangers(256)) add(other, 'x')
    expect([tickets.offer(peer), tickets.size()]).toEqual([undefined, 256])
    expect(alive()).toHaveLength(256)
  })

  it('wipes a ticket when its time is over, whether or not anybody asks for it', () => {
    add(peer, 'a', 10_000)
    add(peer, 'b', 60_000)
    clock.advance(10_001)
    expect(alive()).toEqual(['b'])
    expect(tickets.offer(peer)?.ticket.id).toBe('b')
    clock.advance(50_000)
    expect([alive(), tickets.size(), clock.timers]).toEqual([[], 0, 0])
    add(peer, 'late', 0)
    expect([alive(), tickets.size()]).toEqual([[], 0])
  })

  it('lasts no longer because the clock was set back', () => {
    add(peer, 'a', 10_000)
    clock.setWall(NOW_MS - 5 * HOUR_MS)
    clock.advance(10_000)
    expect([tickets.offer(peer), alive()]).toEqual([undefined, []])
  })

  it('wipes the tickets of a peer that is expelled, and all when this node is', () => {
    const [other] = strangers(1)
    if (other === undefined) throw new Error('a stranger')
    for (const of of [peer, other]) add(of, of)
    events.emit('expelled', { peer, reason: 'revoked' })
    expect(alive()).toEqual([other])
    events.emit('expelled', { peer: self, reason: 'expired' })
    expect([alive(), tickets.size()]).toEqual([[], 0])
  })

  it('wipes all when it stops, takes none afterwards, and starts empty', async () => {
    add(peer, 'a')
    await tickets.stop()
    add(peer, 'b')
    expect([alive(), tickets.size(), clock.timers]).toEqual([[], 0, 0])
    await tickets.stop()
    await tickets.start()
    add(peer, 'c')
    expect(alive()).toEqual(['c'])
  })

  it('keeps none for itself', () => {
    add(self, 'a')
    expect([alive(), tickets.size()]).toEqual([[], 0])
  })

  it('shows none once after a refusal, and throws none away for it', () => {
    add(peer, 'a')
    tickets.setAside(peer)
    expect(tickets.offer(peer)).toBeUndefined()
    expect(tickets.offer(peer)?.ticket.id).toBe('a')
    expect(alive()).toEqual(['a'])
  })
})
