/** A number in [0, 1) that depends on its arguments alone: chance that can be repeated. */
export function chance(seed: number, ...indices: readonly number[]): number {
  let state = mix(seed)
  for (const index of indices) state = mix(state ^ mix(index))
  return state / 2 ** 32
}

/** The finaliser of MurmurHash3 (public domain, Austin Appleby), over a step that keeps 0 from staying 0. */
function mix(value: number): number {
  let word = (value + 0x9e3779b9) | 0
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return (word ^ (word >>> 16)) >>> 0
}

/** A seed for one part of something that has a seed. */
export function seedOf(seed: number, part: string): number {
  let state = mix(seed)
  for (const character of part) state = mix(state ^ (character.codePointAt(0) ?? 0))
  return state
}
