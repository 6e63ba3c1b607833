import { inspect } from 'node:util'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS, NOW_MS, type SecurityWorld, securityWorld } from '../../tests/helpers/security-world.ts'
import {
  createInvite,
  decodeToken,
  deriveInviteKey,
  encodeToken,
  type Invite,
  type InviteOptions,
} from './invite.ts'

let world: SecurityWorld
let options: InviteOptions
let invite: Invite
let token: string

beforeAll(() => {
  world = securityWorld(5)
  options = {
    meshId: world.meshId,
    issuer: world.founder.identity.peerId,
    addresses: ['/ip4/192.0.2.1/tcp/4001', '/ip6/2001:db8::1/tcp/4001'],
    role: 'operator',
    nowMs: NOW_MS,
    expiresAt: NOW_MS + DAY_MS,
  }
  invite = createInvite(world, options).invite
  token = encodeToken(invite)
})

describe('a token', () => {
  it('gives back the whole invite', () => {
    const reading = decodeToken(token)
    if (reading.kind !== 'invite') throw new Error(reading.kind)
    const { secret, ...shown } = reading.invite
    expect(shown).toEqual({ ...invite })
    expect(secret).toEqual(invite.secret)
    expect(token).toMatch(/^x0t1[A-Za-z0-9_-]+$/)
    // Alphanumeric enough and short enough for a QR code that a phone reads from a screen.
    expect(token.length).toBeLessThan(700)
  })

  it('survives the white space of mails and terminals', () => {
    const wrapped = `  ${token.slice(0, 60)}\r\n ${token.slice(60)}\n`
    expect(decodeToken(wrapped)).toMatchObject({ kind: 'invite' })
  })

  it('is called damaged for every character that is wrong or missing', () => {
    for (let at = 4; at < token.length; at++) {
      const wrong = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      expect(decodeToken(wrong).kind).toBe('damaged')
      expect(decodeToken(token.slice(0, at) + token.slice(at + 1)).kind).toBe('damaged')
      expect(decodeToken(token.slice(0, at)).kind).toBe('damaged')
    }
    for (const extra of ['A', '=', '!', '.']) {
      expect(decodeToken(token + extra).kind).toBe('damaged')
      expect(decodeToken(token.slice(0, 50) + extra + token.slice(50)).kind).toBe('damaged')
    }
  })

  it('is told from other text, and never makes the reader throw', () => {
    expect(decodeToken('').kind).toBe('not-a-token')
    expect(decodeToken('x0t2AAAA').kind).toBe('not-a-token')
    expect(decodeToken(`x0t1${'A'.repeat(100_000)}`).kind).toBe('not-a-token')
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'binary' })), (text) => {
        return decodeToken(text).kind !== 'invite' && decodeToken(`x0t1${text}`).kind !== 'invite'
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('the secret of an invite', () => {
  it('derives the keys whose public halves the issuer keeps, and nothing else of it is kept', () => {
    const made = createInvite(world, { ...options, labels: ['gpu'], approve: true })
    expect(deriveInviteKey(made.invite.secret).publicKey).toEqual(made.record.publicKey)
    const kept = inspect(made.record, { depth: 9, maxArrayLength: null })
    expect(kept).not.toContain([...made.invite.secret.subarray(0, 5)].join(', '))
    expect(made.record).toMatchObject({ labels: ['gpu'], approve: true, role: 'operator', transit: true })
  })

  it('is new for every invite', () => {
    const other = createInvite(world, options)
    expect(other.invite.secret).not.toEqual(invite.secret)
    expect(other.invite.inviteId).not.toBe(invite.inviteId)
  })

  it('does not show when an invite is printed, spread or turned into JSON', () => {
    const reading = decodeToken(token)
    const shown = [invite, { ...invite }, reading].flatMap((each) => [
      inspect(each, { depth: 9 }),
      JSON.stringify(each),
    ])
    for (const text of shown) {
      expect(text).not.toContain([...invite.secret.subarray(0, 5)].join(', '))
      expect(text).not.toContain(`"0":${invite.secret[0]},"1":${invite.secret[1]}`)
    }
  })
})

it.each<[string, Partial<InviteOptions>]>([
  ['an address that is none', { addresses: ['not an address'] }],
  ['a label out of its alphabet', { labels: ['NO'] }],
  ['a time that is none', { expiresAt: Number.NaN }],
])('an invite with %s is not made', (_what, changes) => {
  expect(() => createInvite(world, { ...options, ...changes })).toThrow(
    expect.objectContaining({ code: 'BAD_RECORD' }),
  )
})

it('an invite names at most eight addresses', () => {
  const addresses = Array.from({ length: 20 }, (_, index) => `/ip4/192.0.2.${index}/tcp/1`)
  expect(createInvite(world, { ...options, addresses }).invite.addresses).toEqual(addresses.slice(0, 8))
})
