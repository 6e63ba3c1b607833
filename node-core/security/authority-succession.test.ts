import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOW_MS, securityWorld } from '../../tests/helpers/security-world.ts'
import { createAuthority, type MeshAuthority } from './authority.ts'
import {
  type AuthorityLine,
  authorityKeys,
  currentKey,
  decodeLine,
  decodeSuccessor,
  encodeLine,
  judgeSuccessor,
  lineOf,
  MAX_OVERLAP_MS,
  MAX_SUCCESSOR_BYTES,
  MAX_SUCCESSORS,
  provenKeys,
  type Successor,
  signSuccessor,
} from './authority-succession.ts'
import { generateSeeds } from './hybrid-key.ts'

const world = securityWorld(27)
const { meshId, authority: first } = world
const DAY_MS = 86_400_000
const NONE = '0'.repeat(64)
const newKey = (): MeshAuthority => createAuthority(generateSeeds(world.random), meshId)
const [second, third, thief] = [newKey(), newKey(), newKey()]
const trust = { meshId, nowMs: NOW_MS + 365 * DAY_MS }

function sign(
  by: MeshAuthority,
  line: AuthorityLine,
  next: MeshAuthority,
  changes: Partial<Pick<Successor, 'at' | 'overlapUntil' | 'log' | 'policy'>> = {},
): Successor {
  const at = changes.at ?? line.successors.at(-1)?.overlapUntil ?? NOW_MS
  return signSuccessor({ meshId: by.meshId, key: by.key }, line, {
    ...{ publicKey: next.key.publicKey, at, overlapUntil: at + DAY_MS },
    ...{ log: { seq: 0, hash: NONE }, policy: NONE, ...changes },
  })
}
const grown = (line: AuthorityLine, ...successors: Successor[]): AuthorityLine => ({
  ...line,
  successors: [...line.successors, ...successors],
})

const root = lineOf(first.key.publicKey)
const one = sign(first, root, second)
const two = sign(second, grown(root, one), third)
const full = grown(root, one, two)

describe('the line of authorities', () => {
  it('goes on with what the last key signed, and knows what it has seen', () => {
    expect(judgeSuccessor(root, one, trust)).toBe('follows')
    expect(judgeSuccessor(grown(root, one), two, trust)).toBe('follows')
    expect(judgeSuccessor(full, one, trust)).toBe('known')
    expect(judgeSuccessor(root, two, trust)).toBe('gap')
    expect(currentKey(full)).toEqual(third.key.publicKey)
    expect(authorityKeys(full).map(({ endsAt }) => endsAt)).toEqual([
      Number.POSITIVE_INFINITY,
      two.overlapUntil,
      one.overlapUntil,
    ])
  })

  it('does not go on with what any other key signed, nor with a key that it had before', () => {
    expect(judgeSuccessor(root, sign(thief, root, thief), trust)).toBe('forged')
    // The key before last has lost its say, and so has one that belongs to nobody yet.
    expect(judgeSuccessor(grown(root, one), sign(first, grown(root, one), thief), trust)).toBe('forged')
    expect(judgeSuccessor(grown(root, one), sign(third, grown(root, one), third), trust)).toBe('forged')
    expect(judgeSuccessor(grown(root, one), sign(second, grown(root, one), first), trust)).toBe('forged')
    const foreign = securityWorld(28).authority
    expect(judgeSuccessor(root, sign(foreign, root, thief), trust)).toBe('wrong-mesh')
  })

  it('tells of a second successor that one key has named, and stays with the first', () => {
    expect(judgeSuccessor(full, sign(first, root, thief), trust)).toBe('fork')
    expect(judgeSuccessor(full, sign(thief, root, thief), trust)).toBe('forged')
  })

  it('takes nothing from the future, and no second change while two keys are good', () => {
    const early = sign(first, root, second, {
      at: trust.nowMs + DAY_MS,
      overlapUntil: trust.nowMs + 2 * DAY_MS,
    })
    expect(judgeSuccessor(root, early, trust)).toBe('not-yet-valid')
    const at = one.overlapUntil - 1
    const hasty = sign(second, grown(root, one), third, { at, overlapUntil: at + DAY_MS })
    expect(judgeSuccessor(grown(root, one), hasty, trust)).toBe('forged')
  })

  it('is bounded: in its overlap, in how often, and in its bytes', () => {
    expect(() => sign(first, root, second, { overlapUntil: NOW_MS + MAX_OVERLAP_MS + 1 })).toThrow()
    expect(() => sign(first, root, second, { overlapUntil: NOW_MS - 1 })).toThrow()
    let line = root
    let holder: MeshAuthority = first
    for (let count = 0; count < MAX_SUCCESSORS; count++) {
      const next = newKey()
      const record = sign(holder, line, next)
      expect(record.bytes.length).toBeLessThan(MAX_SUCCESSOR_BYTES)
      line = grown(line, record)
      holder = next
    }
    expect(decodeLine(encodeLine(line), meshId)?.offered).toHaveLength(MAX_SUCCESSORS)
    expect(encodeLine(line).length).toBeLessThan(60 * 1024)
    expect(() => sign(holder, line, newKey())).toThrow()
  })

  it('decodes to what was encoded, and to nothing for another mesh or any changed byte of what is signed', () => {
    expect(decodeLine(encodeLine(full), meshId)?.offered.map(({ hash }) => hash)).toEqual([
      one.hash,
      two.hash,
    ])
    expect(decodeLine(encodeLine(full), securityWorld(28).meshId)).toBeUndefined()
    fc.assert(
      fc.property(fc.nat(one.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Uint8Array.from(one.bytes)
        changed[at] = (changed[at] ?? 0) ^ bits
        const decoded = decodeSuccessor(changed)
        return (
          decoded === undefined ||
          ['forged', 'wrong-mesh', 'gap', 'not-yet-valid'].includes(judgeSuccessor(root, decoded, trust))
        )
      }),
      { numRuns: 60 },
    )
  })
})

describe('whoever knows a mesh by one key of its authority', () => {
  const known = (fingerprint: string, nowMs = NOW_MS + 1) => ({ meshId, fingerprint, nowMs })
  const shown = { authority: first.key.publicKey, successor: one.bytes }
  const idOf = (who: MeshAuthority) => createAuthorityId(who)
  const createAuthorityId = ({ key }: MeshAuthority): string =>
    authorityKeys(lineOf(key.publicKey))[0]?.id ?? ''

  it('believes that key, and the one that it names while the overlap lasts', () => {
    expect(provenKeys({ authority: first.key.publicKey }, known(meshId))).toEqual([first.key.publicKey])
    expect(provenKeys(shown, known(meshId))).toEqual([second.key.publicKey, first.key.publicKey])
    expect(provenKeys(shown, known(idOf(second)))).toEqual([second.key.publicKey])
  })

  it('believes no other, and a key that was replaced no longer than its overlap', () => {
    expect(provenKeys({ authority: thief.key.publicKey }, known(meshId))).toEqual([])
    expect(provenKeys(shown, known(idOf(thief)))).toEqual([])
    expect(provenKeys(shown, known(meshId, one.overlapUntil))).toEqual([])
    const forged = { ...shown, successor: sign(thief, root, thief).bytes }
    expect(provenKeys(forged, known(meshId))).toEqual([])
    // Its own successor under a key of its own says nothing of the key that is asked for.
    const aside = { authority: thief.key.publicKey, successor: sign(thief, root, second).bytes }
    expect(provenKeys(aside, known(idOf(second)))).toEqual([second.key.publicKey])
    expect(provenKeys(aside, known(meshId))).toEqual([])
  })
})
