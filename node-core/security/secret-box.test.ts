import { describe, expect, it } from 'vitest'
import { type Argon2Cost, deriveBoxKey, openBox, sealBox } from './secret-box.ts'

const fill = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const CHEAP: Argon2Cost = { memoryKiB: 8 * 1024, passes: 1, lanes: 4 }

describe('argon2id', () => {
  it('gives the same key natively and in noble', async () => {
    const passphrase = new TextEncoder().encode('correct horse')
    const native = await deriveBoxKey(passphrase, fill(16, 1), CHEAP)
    const noble = await deriveBoxKey(passphrase, fill(16, 1), CHEAP, 'noble')
    expect(native).toEqual(noble)
    expect(native).toHaveLength(32)
  })

  it('gives another key for another passphrase, salt or cost', async () => {
    const base = await deriveBoxKey(fill(8, 1), fill(16, 1), CHEAP)
    for (const other of [
      await deriveBoxKey(fill(8, 2), fill(16, 1), CHEAP),
      await deriveBoxKey(fill(8, 1), fill(16, 2), CHEAP),
      await deriveBoxKey(fill(8, 1), fill(16, 1), { ...CHEAP, passes: 2 }),
      await deriveBoxKey(fill(8, 1), fill(16, 1), { ...CHEAP, lanes: 2 }),
    ]) {
      expect(other).not.toEqual(base)
    }
  })
})

describe('a sealed box', () => {
  const sealed = sealBox(fill(32, 1), fill(24, 2), fill(5, 3), fill(10, 4))

  it('opens with its key, nonce and header', () => {
    expect(openBox(fill(32, 1), fill(24, 2), fill(5, 3), sealed)).toEqual(fill(10, 4))
  })

  it('does not open with any other, nor cut short', () => {
    expect(openBox(fill(32, 0), fill(24, 2), fill(5, 3), sealed)).toBeUndefined()
    expect(openBox(fill(32, 1), fill(24, 0), fill(5, 3), sealed)).toBeUndefined()
    expect(openBox(fill(32, 1), fill(24, 2), fill(5, 0), sealed)).toBeUndefined()
    for (let length = 0; length < sealed.length; length++) {
      expect(openBox(fill(32, 1), fill(24, 2), fill(5, 3), sealed.subarray(0, length))).toBeUndefined()
    }
  })
})
