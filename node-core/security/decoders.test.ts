import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { NOW_MS, securityWorld } from '../../tests/helpers/security-world.ts'
import type { NodeName } from '../domain/ids.ts'
import { decodeAuthorityKey, encodeAuthorityKey } from './authority.ts'
import { decodeCertificate } from './certificate.ts'
import { decodeChain } from './chain.ts'
import { encodeStrict } from './codec.ts'
import { createInvite, deriveInviteKey } from './invite.ts'
import { decodeJoinRequest, signJoinRequest } from './join-request.ts'
import { decodeNodeRecord, signNodeRecord } from './node-record.ts'
import { STARTING_POLICY } from './policy-document.ts'
import { decodePolicyVersion, signPolicyVersion } from './policy-version.ts'
import { decodeHead, decodeRevocation, signHead, signRevocation } from './revocation.ts'

interface Decoder {
  readonly decode: (bytes: Uint8Array) => { readonly bytes: Uint8Array } | undefined
  readonly valid: Uint8Array
}

const world = securityWorld(16)
const member = world.member()
const { meshId } = world
const signer = { meshId, issuer: 'authority', key: world.authority.key } as const
const joiner = world.identity()
const invite = createInvite(world, {
  meshId,
  issuer: world.founder.identity.peerId,
  addresses: ['/ip4/192.0.2.1/tcp/1'],
  role: 'viewer',
  nowMs: NOW_MS,
  expiresAt: NOW_MS + 1,
}).invite
const revocation = signRevocation(signer, undefined, { subject: joiner.peerId, reason: 'lost', at: NOW_MS })

const decoders: Record<string, Decoder> = {
  certificate: {
    decode: (bytes) => decodeCertificate(bytes)?.record,
    valid: member.chain.leaf.record.bytes,
  },
  chain: { decode: decodeChain, valid: member.chain.bytes },
  'join request': {
    decode: decodeJoinRequest,
    valid: signJoinRequest(invite, deriveInviteKey(invite.secret), {
      ...joiner,
      key: joiner.key,
      name: 'n' as NodeName,
    }),
  },
  revocation: { decode: decodeRevocation, valid: revocation.bytes },
  head: { decode: decodeHead, valid: signHead(signer, revocation, NOW_MS).bytes },
  'node record': {
    decode: decodeNodeRecord,
    valid: signNodeRecord(member.identity.key, {
      meshId,
      peerId: member.identity.peerId,
      incarnation: 1,
      seq: 1,
      addresses: ['/ip4/192.0.2.1/tcp/1'],
      services: [],
      version: '1',
      at: NOW_MS,
    }).bytes,
  },
  'policy version': {
    decode: decodePolicyVersion,
    valid: signPolicyVersion(world.authority, undefined, STARTING_POLICY, NOW_MS).bytes,
  },
  'authority key': {
    decode: (bytes) => {
      const key = decodeAuthorityKey(bytes)
      return key === undefined ? undefined : { bytes: encodeAuthorityKey(key) }
    },
    valid: encodeAuthorityKey(world.authority.key.publicKey),
  },
}

/** What decodes is exactly what came in: nothing is repaired, ignored or read in two ways. */
function sound({ decode }: Decoder, bytes: Uint8Array): boolean {
  const decoded = decode(bytes)
  return decoded === undefined || Buffer.compare(decoded.bytes, bytes) === 0
}

describe.each(Object.entries(decoders))('the decoder of a %s', (_name, decoder) => {
  const { valid } = decoder
  let changed: fc.Arbitrary<Uint8Array>

  beforeAll(() => {
    const at = fc
      .oneof(fc.nat(600), fc.nat(valid.length - 1))
      .map((offset) => Math.min(offset, valid.length - 1))
    changed = fc
      .record({ at, remove: fc.nat(40), insert: fc.uint8Array({ maxLength: 40 }) })
      .map((edit) =>
        Uint8Array.from([
          ...valid.subarray(0, edit.at),
          ...edit.insert,
          ...valid.subarray(edit.at + edit.remove),
        ]),
      )
  })

  it('takes valid bytes and gives them back', () => {
    expect(decoder.decode(valid)?.bytes).toEqual(valid)
  })

  it('never throws for random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => sound(decoder, bytes)),
      { numRuns: 500 },
    )
  })

  it('never throws for valid bytes with a piece replaced', () => {
    fc.assert(
      fc.property(changed, (bytes) => sound(decoder, bytes)),
      { numRuns: 500 },
    )
  })

  it('never throws for well-formed values of the wrong shape', () => {
    const value = fc
      .anything({ withBigInt: false, withDate: false, maxDepth: 3, maxKeys: 4 })
      .filter((one) => {
        try {
          return encodeStrict(one).length > 0
        } catch {
          return false
        }
      })
    fc.assert(
      fc.property(value, (one) => decoder.decode(encodeStrict(one)) === undefined),
      { numRuns: 300 },
    )
  })

  it('refuses every truncation, an empty and an enormous input', () => {
    for (let length = 0; length < valid.length; length += 1 + Math.floor(length / 50)) {
      expect(decoder.decode(valid.subarray(0, length))).toBeUndefined()
    }
    expect(decoder.decode(new Uint8Array(20_000_000).fill(0x81))).toBeUndefined()
  })

  it('refuses the bytes of every other kind', () => {
    for (const other of Object.values(decoders)) {
      if (other !== decoder) expect(decoder.decode(other.valid)).toBeUndefined()
    }
  })

  it('returns bytes of its own: changing the input afterwards changes nothing', () => {
    const input = Uint8Array.from(valid)
    const decoded = decoder.decode(input)
    input.fill(0)
    expect(decoded?.bytes).toEqual(valid)
  })
})
