import { randomBytes } from 'node:crypto'

/** Randomness as everything above sees it, so that tests can seed it. Key material always comes from `systemRandom`. */
export interface Random {
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array
  /** A uniform number in [0, 1). */
  unit(): number
}

export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  unit: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}
