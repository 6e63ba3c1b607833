import { beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS, NOW_MS, type SecurityWorld, securityWorld } from '../../tests/helpers/security-world.ts'
import { encodeStrict } from './codec.ts'
import { STARTING_POLICY } from './policy-document.ts'
import {
  decodePolicyVersion,
  judgePolicyVersion,
  type PolicyVersion,
  signPolicyVersion,
  verifyPolicyVersion,
} from './policy-version.ts'

let world: SecurityWorld
let first: PolicyVersion

beforeAll(() => {
  world = securityWorld(14)
  first = signPolicyVersion(world.authority, undefined, STARTING_POLICY, NOW_MS)
})

const trust = (changes = {}) => ({
  meshId: world.meshId,
  authority: world.authority.key.publicKey,
  nowMs: NOW_MS,
  ...changes,
})

describe('a policy version', () => {
  it('carries the text that people wrote, and is valid from the authority', () => {
    const decoded = decodePolicyVersion(first.bytes)
    expect(decoded?.document).toBe(STARTING_POLICY)
    expect(decoded?.policy.rules).toHaveLength(5)
    expect(decoded && verifyPolicyVersion(decoded, trust())).toBe('valid')
  })

  it('is forged from anyone else, an owner too', () => {
    const owner = { meshId: world.meshId, key: world.founder.identity.key }
    expect(verifyPolicyVersion(signPolicyVersion(owner, first, STARTING_POLICY, NOW_MS), trust())).toBe(
      'forged',
    )
  })

  it('is refused from another mesh and from the future', () => {
    expect(verifyPolicyVersion(first, trust({ meshId: securityWorld(15).meshId }))).toBe('wrong-mesh')
    expect(verifyPolicyVersion(first, trust({ nowMs: NOW_MS - DAY_MS }))).toBe('not-yet-valid')
  })

  it('is forged with a changed document under the old signature', () => {
    const { body, signature } = first.record
    const changed = Buffer.from(body).toString('latin1').replace('members-use', 'Members-use')
    const bytes = encodeStrict({ body: Uint8Array.from(Buffer.from(changed, 'latin1')), signature })
    // The id is out of its alphabet; in the comment it is merely another text.
    expect(decodePolicyVersion(bytes)).toBeUndefined()
    const comment = Buffer.from(body).toString('latin1').replace('Whatever', 'whatever')
    const softer = decodePolicyVersion(
      encodeStrict({ body: Uint8Array.from(Buffer.from(comment, 'latin1')), signature }),
    )
    expect(softer && verifyPolicyVersion(softer, trust())).toBe('forged')
  })

  it('is not signed for a document that does not parse: the fault names the line', () => {
    expect(() => signPolicyVersion(world.authority, first, 'version: 1\nrules: 7', NOW_MS)).toThrow(
      expect.objectContaining({ code: 'BAD_POLICY', message: expect.stringContaining('line 2') }),
    )
  })

  it('counts upwards and links to the one before', () => {
    const second = signPolicyVersion(world.authority, first, STARTING_POLICY, NOW_MS + 1)
    expect(second).toMatchObject({ number: 2, prev: first.hash })
    expect(judgePolicyVersion(undefined, second)).toBe('accepted')
    expect(judgePolicyVersion(first, second)).toBe('accepted')
    expect(judgePolicyVersion(second, first)).toBe('stale')
    expect(judgePolicyVersion(second, second)).toBe('stale')
  })

  it('ends alike everywhere when the authority signed two with one number', () => {
    const other = signPolicyVersion(world.authority, undefined, STARTING_POLICY, NOW_MS + 1)
    const verdicts = [judgePolicyVersion(first, other), judgePolicyVersion(other, first)].sort()
    expect(verdicts).toEqual(['fork-keep', 'fork-take'])
  })
})
