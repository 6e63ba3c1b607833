import { beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS, NOW_MS, type SecurityWorld, securityWorld } from '../../tests/helpers/security-world.ts'
import type { NodeName } from '../domain/ids.ts'
import { encodeStrict } from './codec.ts'
import type { NodeIdentity } from './identity.ts'
import { createInvite, deriveInviteKey, type Invite, type InviteRecord } from './invite.ts'
import {
  decodeJoinRequest,
  isOwnRequest,
  type JoinRequest,
  judgeRedemption,
  signJoinRequest,
  verifyJoinRequest,
} from './join-request.ts'

let world: SecurityWorld
let invite: Invite
let record: InviteRecord
let joiner: NodeIdentity
let bytes: Uint8Array

const name = 'laptop' as NodeName
const self = () => ({ meshId: world.meshId, issuer: world.founder.identity.peerId, invite: record })

function request(of: Uint8Array): JoinRequest {
  const decoded = decodeJoinRequest(of)
  if (decoded === undefined) throw new Error('the request does not decode')
  return decoded
}

beforeAll(() => {
  world = securityWorld(6)
  joiner = world.identity()
  const made = createInvite(world, {
    meshId: world.meshId,
    issuer: world.founder.identity.peerId,
    addresses: [],
    role: 'operator',
    nowMs: NOW_MS,
    expiresAt: NOW_MS + DAY_MS,
  })
  invite = made.invite
  record = made.record
  bytes = signJoinRequest(invite, deriveInviteKey(invite.secret), { ...joiner, key: joiner.key, name })
})

describe('a join request', () => {
  it('is valid for the issuer that made the invite', () => {
    expect(verifyJoinRequest(request(bytes), self())).toBe('valid')
    expect(isOwnRequest(request(bytes), world.meshId)).toBe(true)
  })

  it('does not hold the secret of the invite', () => {
    expect(Buffer.from(bytes).includes(Buffer.from(invite.secret))).toBe(false)
  })

  it('cannot be changed by whoever carries it, at any offset', () => {
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      const decoded = decodeJoinRequest(changed)
      if (decoded !== undefined) expect(verifyJoinRequest(decoded, self()), `byte ${at}`).not.toBe('valid')
    }
  }, 60_000)

  it('cannot be cut or extended', () => {
    for (const length of [0, 1, 100, bytes.length - 1]) {
      expect(decodeJoinRequest(bytes.subarray(0, length))).toBeUndefined()
    }
    expect(decodeJoinRequest(Uint8Array.from([...bytes, 0]))).toBeUndefined()
  })

  it('is forged without the keys of the invite', () => {
    const guessed = deriveInviteKey(new Uint8Array(32))
    const forged = request(signJoinRequest(invite, guessed, { ...joiner, key: joiner.key, name }))
    expect(verifyJoinRequest(forged, self())).toBe('forged')
  })

  it('is forged without the keys of the node that it names', () => {
    const thief = world.identity()
    const forged = signJoinRequest(invite, deriveInviteKey(invite.secret), {
      peerId: joiner.peerId,
      key: thief.key,
      name,
    })
    expect(verifyJoinRequest(request(forged), self())).toBe('forged')
    expect(isOwnRequest(request(forged), world.meshId)).toBe(false)
  })

  it('cannot swap its two signatures', () => {
    const { body, inviteSignature, nodeSignature } = request(bytes)
    const swapped = encodeStrict({ body, inviteSignature: nodeSignature, nodeSignature: inviteSignature })
    expect(verifyJoinRequest(request(swapped), self())).toBe('forged')
  })

  it('keeps its two signatures apart even when one key makes both', () => {
    const invited = { ...self(), invite: { ...record, publicKey: joiner.key.publicKey } }
    const own = request(signJoinRequest(invite, joiner.key, { ...joiner, key: joiner.key, name }))
    expect(verifyJoinRequest(own, invited)).toBe('valid')
    const { body, inviteSignature, nodeSignature } = own
    const swapped = encodeStrict({ body, inviteSignature: nodeSignature, nodeSignature: inviteSignature })
    expect(verifyJoinRequest(request(swapped), invited)).toBe('forged')
  })

  it('is for one mesh, one issuer and one invite', () => {
    const other = securityWorld(7)
    expect(verifyJoinRequest(request(bytes), { ...self(), meshId: other.meshId })).toBe('wrong-mesh')
    expect(isOwnRequest(request(bytes), other.meshId)).toBe(false)
    expect(verifyJoinRequest(request(bytes), { ...self(), issuer: world.admin.identity.peerId })).toBe(
      'wrong-issuer',
    )
    const inviteId = 'inv-0000000000000000' as InviteRecord['inviteId']
    expect(verifyJoinRequest(request(bytes), { ...self(), invite: { ...record, inviteId } })).toBe(
      'wrong-invite',
    )
  })
})

describe('redeeming an invite', () => {
  it('works once, and again for the same machine, also under another name and after the expiry', () => {
    const first = request(bytes)
    expect(judgeRedemption(record, undefined, first, NOW_MS)).toBe('redeem')
    const renamed = request(
      signJoinRequest(invite, deriveInviteKey(invite.secret), {
        ...joiner,
        key: joiner.key,
        name: 'desktop' as NodeName,
      }),
    )
    expect(judgeRedemption(record, first.requester, renamed, NOW_MS)).toBe('repeat')
    expect(judgeRedemption(record, first.requester, first, record.expiresAt + DAY_MS)).toBe('repeat')
  })

  it('is refused to a second machine with a stolen token', () => {
    const thief = world.identity()
    const stolen = request(
      signJoinRequest(invite, deriveInviteKey(invite.secret), { ...thief, key: thief.key, name }),
    )
    expect(verifyJoinRequest(stolen, self())).toBe('valid')
    expect(judgeRedemption(record, request(bytes).requester, stolen, NOW_MS)).toBe('used')
  })

  it('is refused once the token has expired', () => {
    expect(judgeRedemption(record, undefined, request(bytes), record.expiresAt - 1)).toBe('redeem')
    expect(judgeRedemption(record, undefined, request(bytes), record.expiresAt)).toBe('expired')
  })
})
