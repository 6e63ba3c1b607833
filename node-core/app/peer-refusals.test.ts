import { describe, expect, it } from 'vitest'
import { securityWorld } from '../../tests/helpers/security-world.ts'
import type { Standing } from '../mesh/membership/events.ts'
import type { HandshakeEvents } from '../noise-hfs/events.ts'
import { createEmitter } from '../platform/emitter.ts'
import { createPeerRefusals } from './peer-refusals.ts'

describe('what other members say when they refuse this node', () => {
  const world = securityWorld()
  const peer = world.member().identity.peerId
  const context = { suite: '/x0t/noise-hfs/1/aesgcm', remoteAddress: '/ip4/192.0.2.1/tcp/4100', peer }
  const revoked = { ...context, direction: 'outbound', by: 'remote', code: 'revoked', reason: 'x' } as const

  function follow(standing: Standing = 'member') {
    const events = createEmitter<HandshakeEvents>((error) => {
      throw error
    })
    const refusals = createPeerRefusals({ standing: () => standing })
    return { events, refusals, stop: refusals.follow(events) }
  }

  it('is kept until they let it in', () => {
    const { events, refusals, stop } = follow()
    events.emit('refused', revoked)
    expect(refusals.of(peer)).toBe('revoked')
    events.emit('secured', { ...context, direction: 'inbound', tookMs: 1 })
    expect(refusals.of(peer)).toBeUndefined()
    stop()
    events.emit('refused', revoked)
    expect(refusals.of(peer)).toBeUndefined()
  })

  it('does not count from a stranger, from this node itself, for a moment, or in words of their own', () => {
    const stranger = follow('unknown')
    stranger.events.emit('refused', revoked)
    expect(stranger.refusals.of(peer)).toBeUndefined()
    const { events, refusals } = follow()
    events.emit('refused', { ...revoked, by: 'local' })
    events.emit('refused', { ...revoked, direction: 'inbound' })
    events.emit('refused', { ...revoked, peer: undefined })
    events.emit('refused', { ...revoked, code: 'busy' })
    events.emit('refused', { ...revoked, code: 'send money' })
    expect(refusals.of(peer)).toBeUndefined()
  })
})
